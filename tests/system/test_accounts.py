"""People's accounts on a whole axis, over REST: rules D2-D4, bad input, erasure, a restart."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from docaxis_client import sync_administration
from docaxis_client.administration import Administration
from docaxis_client.credentials import Credentials
from docaxis_client.errors import ProblemError
from docaxis_standalone.administrators import create_administrator
from docaxis_standalone.composition import Axis, running_axis

NAME = unicodedata.normalize("NFD", "Đỗ Thị Mỹ Hạnh")
LOGIN, EMAIL, PHONE = "hanh.dtm", "hanh.dtm@h26.example", "(024) 3943-5678"


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[Axis]:
    async with running_axis(tmp_path / "data") as axis:
        yield axis


@pytest.fixture
async def chief(axis: Axis) -> AsyncIterator[Administration]:
    async with administrator(axis) as chief:
        units = [{"code": code, "name": code, "level": 1} for code in ("H26", "H27")]
        await chief.register_organisations(units)
        yield chief


async def credentials(axis: Axis) -> Credentials:
    path = axis.folder.clients / "chief.json"
    if not path.exists():
        await create_administrator(axis.folder.root, "chief", axis.url)
    return Credentials.load(path)


class administrator:
    """A client of the axis's administrator, who is made where there is none."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis

    async def __aenter__(self) -> Administration:
        mine = await credentials(self._axis)
        self._client = Administration(self._axis.url, mine, language="en")
        return await self._client.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)


async def problem(call: Any) -> tuple[int, str, list[str]]:
    with pytest.raises(ProblemError) as refused:
        await call
    value = refused.value
    return value.status, value.code, [each.pointer for each in value.errors]


async def registered(chief: Administration, **others: Any) -> str:
    fields = {"email": EMAIL, "phone": PHONE, **others}
    return (await chief.register_account(LOGIN, "H26", NAME, **fields)).id


async def test_rules_D3_and_D4_a_clerk_is_registered_changed_and_locked(
    chief: Administration,
) -> None:
    account_id = await registered(chief, idempotency_key="k-1")
    assert await registered(chief, idempotency_key="k-1") == account_id
    assert await problem(registered(chief)) == (409, "login_taken", ["/login"])
    found = await chief.account(account_id)
    assert found == await chief.find_account(LOGIN.upper())
    assert found.person is not None
    assert (found.person.name, found.person.email, found.person.phone) == (NAME, EMAIL, PHONE)
    assert LOGIN not in repr(found)
    assert NAME not in repr(found)
    for _ in range(2):
        await chief.grant_role(account_id, "clerk", "H26", valid_from="2026-01-01")
        await chief.grant_role(account_id, "leader", "H27", valid_from="2099-01-01")
        await chief.grant_role(account_id, "auditor")
    roles = (await chief.account(account_id)).roles
    told = [(e.role, e.organisation.code if e.organisation else None, e.in_force) for e in roles]
    assert told == [("clerk", "H26", True), ("leader", "H27", False), ("auditor", None, True)]
    await chief.lock_account(account_id)
    locked = await chief.account(account_id)
    assert (locked.state, [each.in_force for each in locked.roles]) == ("locked", [False] * 3)
    await chief.lock_account(account_id, locked=False)
    await chief.end_role(account_id, "clerk", "H26")
    await chief.end_role(account_id, "leader", "H27")
    left = (await chief.account(account_id)).roles
    assert [(each.role, each.in_force) for each in left] == [("clerk", False), ("auditor", True)]
    await chief.set_person(account_id, "Hạnh")
    (only,) = (await chief.accounts(organisation="H26")).items
    assert (only.person and only.person.name, only.login) == ("Hạnh", LOGIN)
    assert (await chief.accounts(organisation="H27")).items == ()


async def test_rule_D3_a_lost_answer_to_the_end_of_a_role_is_repeated_with_its_key(
    axis: Axis, chief: Administration
) -> None:
    account_id = await registered(chief)
    await chief.grant_role(account_id, "clerk", "H26")
    headers = {"Authorization": await chief._transport.authorization(), "Idempotency-Key": "k"}
    url = f"{axis.url}/api/v1/admin/accounts/{account_id}/roles:end"
    body = {"role": "clerk", "organisation": "H26"}
    answers = []
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(url, json=body, headers=headers) as answer:
                answers.append((answer.status, await answer.json()))
    assert answers == [(200, {"id": account_id})] * 2
    assert await problem(chief.end_role(account_id, "clerk", "H26")) == (
        404,
        "role_not_held",
        ["/role"],
    )


async def test_what_is_wrong_is_named(axis: Axis, chief: Administration) -> None:
    account_id = await registered(chief)
    wrong: list[tuple[Any, tuple[int, str, list[str]]]] = [
        (chief.account("x" * 300), (404, "account_unknown", [])),
        (chief.account("\x00"), (404, "account_unknown", [])),
        (chief.find_account("nobody"), (404, "account_unknown", [])),
        (chief.register_account("a", "H26", "x"), (422, "field_invalid", ["/login"])),
        (chief.register_account("аdmin", "H26", "x"), (422, "field_invalid", ["/login"])),
        (chief.register_account("other", "H26", "x\x00"), (422, "field_invalid", ["/name"])),
        (chief.register_account("other", "H26", "\u202egpj.x"), (422, "field_invalid", ["/name"])),
        (chief.register_account("other", "H26", "x" * 201), (422, "field_too_long", ["/name"])),
        (
            chief.register_account("other", "H26", "x", email="nobody"),
            (422, "field_invalid", ["/email"]),
        ),
        (
            chief.register_account("other", "H26", "x", phone="call me"),
            (422, "field_invalid", ["/phone"]),
        ),
        (
            chief.register_account("other", "Z9", "x"),
            (404, "unknown_organisation", ["/organisation"]),
        ),
        (chief.grant_role(account_id, "king", "H26"), (422, "field_invalid", ["/role"])),
        (chief.grant_role(account_id, "clerk"), (422, "field_required", ["/organisation"])),
        (
            chief.grant_role(account_id, "clerk", "H26", valid_from="tomorrow"),
            (422, "field_invalid", ["/valid_from"]),
        ),
        (
            chief.grant_role(account_id, "clerk", "H26", valid_until="2020-01-01"),
            (422, "field_invalid", ["/valid_until"]),
        ),
        (chief.end_role(account_id, "clerk", "H26"), (404, "role_not_held", ["/role"])),
    ]
    for call, (status, code, pointers) in wrong:
        got = await problem(call)
        assert got == (status, code, pointers)
    headers = {"Authorization": await chief._transport.authorization()}
    async with aiohttp.ClientSession() as http:
        for body, pointer in (
            ({"login": LOGIN, "password": "x"}, "/password"),
            ({"login": 5}, "/login"),
        ):
            url = f"{axis.url}/api/v1/admin/accounts:find"
            async with http.post(url, json=body, headers=headers) as answer:
                told = await answer.json()
                assert answer.status == 422
                assert [each["pointer"] for each in told["errors"]] == [pointer]
                assert LOGIN not in str(told)


async def test_who_is_erased_is_nowhere_and_a_restart_finds_the_rest(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running_axis(data) as axis, administrator(axis) as chief:
        await chief.register_organisations([{"code": "H26", "name": "Hà Nội", "level": 1}])
        account_id = await registered(chief)
        await chief.grant_role(account_id, "clerk", "H26")
        assert any("person." in each.name for each in axis.folder.secrets.iterdir())
        await chief.erase_account(account_id)
        await chief.erase_account(account_id)
        erased = await chief.account(account_id)
        assert (erased.state, erased.login, erased.person) == ("erased", None, None)
        for act in (
            chief.set_person(account_id, "x"),
            chief.lock_account(account_id),
            chief.grant_role(account_id, "leader", "H26"),
        ):
            assert (await problem(act))[:2] == (409, "account_erased")
        async with asyncio.timeout(20):
            while [  # noqa: ASYNC110 - files tell no one of their end
                each
                for each in axis.folder.secrets.iterdir()
                if each.name.startswith(("person.", "login-"))
            ]:
                await asyncio.sleep(0.02)
    words = [each.encode() for each in (LOGIN, EMAIL, PHONE, NAME)]
    words.append(unicodedata.normalize("NFC", NAME).encode())
    for path in (each for each in data.rglob("*") if each.is_file()):
        content = path.read_bytes()
        assert [each for each in words if each in content] == [], path.name
    (data / "views.db").unlink()
    async with running_axis(data) as axis, administrator(axis) as chief:
        assert await chief.account(account_id) == erased
        successor = await registered(chief)
        assert successor != account_id
        assert (await chief.find_account(LOGIN)).id == successor


async def test_the_waiting_client_does_the_same(axis: Axis, chief: Administration) -> None:
    mine = await credentials(axis)

    def work() -> str:
        with sync_administration.Administration(axis.url, mine) as waiting:
            made = waiting.register_account(LOGIN, "H26", NAME).id
            waiting.grant_role(made, "specialist", "H26")
            assert waiting.find_account(LOGIN).roles[0].in_force
            with pytest.raises(ProblemError):
                waiting.account("nobody")
        return made

    made = await asyncio.to_thread(work)
    assert (await chief.account(made)).login == LOGIN
