"""Calls about accounts, and looking at what they left."""

import asyncio
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import START
from docaxis_eventsourcing.running_service import Ports
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto.registry_events_v1_pb2 import OrganisationEntry
from docaxis_registry.domain.organisations import first_id

H26, H27 = first_id("H26"), first_id("H27")
NAME = unicodedata.normalize("NFD", "Nguyễn Thị Ánh Đào")
PERSON = rpc.Person(name=NAME, email="dao@hanoi.example", phone="+84 24 3825 3536")
LOGIN = "dao.nta@hanoi.example"


async def with_organisations(registry: Any) -> None:
    entries = [
        OrganisationEntry(code="H26", name="Hà Nội", level=1),
        OrganisationEntry(code="H27", name="Hà Tĩnh", level=1),
    ]
    request = rpc.RegisterOrganisationsRequest(entries=entries, actor="a")
    await registry.RegisterOrganisations(request, None)


async def register(registry: Any, login: str = LOGIN, **others: Any) -> str:
    others = {"organisation_id": H26, "person": PERSON, "actor": "chief", **others}
    request = rpc.RegisterAccountRequest(login=login, **others)
    return str((await registry.RegisterAccount(request, None)).id)


async def account(registry: Any, account_id: str) -> Any:
    reply = await registry.ListAccounts(rpc.ListAccountsRequest(account_ids=[account_id]), None)
    (found,) = reply.accounts
    return found


async def by_login(registry: Any, login: str = LOGIN) -> Any:
    return await registry.FindAccount(rpc.FindAccountRequest(login=login), None)


async def erase(registry: Any, account_id: str) -> None:
    await registry.EraseAccount(rpc.EraseAccountRequest(account_id=account_id, actor="chief"), None)


async def refusal(call: Any) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(DocaxisError) as refused:
        await call
    return refused.value.code, tuple(each.pointer for each in refused.value.fields)


def kept(tmp_path: Path) -> list[str]:
    """Names of what lies behind the port of secrets about people."""
    return sorted(each.name for each in (tmp_path / "secrets").iterdir())


async def forgotten(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        while kept(tmp_path):  # noqa: ASYNC110 - files tell no one of their end
            await asyncio.sleep(0.02)


def stored(tmp_path: Path) -> bytes:
    """The log and the views, as they lie on the disk."""
    found = [each for each in tmp_path.rglob("*") if each.is_file()]
    return b"".join(each.read_bytes() for each in found if "secrets" not in each.parts)


async def told(ports: Ports) -> list[tuple[str, str]]:
    tail = ports.log.tail("docaxis.registry.events", {0: START})
    found = []
    while records := await tail.next(500, 0.2):
        found += [(each.envelope.type.rpartition(".")[2], each.envelope.actor) for each in records]
    await tail.close()
    return found
