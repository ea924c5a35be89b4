"""Who is erased is forgotten, whatever comes in between."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.running_service import Ports
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry.account_views import ACCOUNTS
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.people import People
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from tests.embedded import at_work
from tests.unit.docaxis_registry.account_calls import (
    H26,
    LOGIN,
    PERSON,
    account,
    by_login,
    erase,
    forgotten,
    kept,
    refusal,
    register,
    with_organisations,
)


@pytest.fixture
async def registry(registry: RegistryServicer) -> RegistryServicer:
    """With two organisations."""
    await with_organisations(registry)
    return registry


async def test_who_is_erased_is_forgotten_and_the_log_still_reads(
    tmp_path: Path, ports: Ports
) -> None:
    service = compose(ports, RegistrySettings())
    async with at_work(ports, service):
        registry = service.servicer
        await with_organisations(registry)
        account_id = await register(registry)
        grant = rpc.GrantRoleRequest(
            account_id=account_id, role="clerk", organisation_id=H26, actor="chief"
        )
        await registry.GrantRole(grant, None)
        assert len(kept(tmp_path)) == 3
        await erase(registry, account_id)
        await erase(registry, account_id)
        shown = await account(registry, account_id)
        assert (shown.state, shown.login, shown.HasField("person")) == ("erased", "", False)
        assert [each.in_force for each in shown.roles] == [False]
        await forgotten(tmp_path)
        assert await refusal(by_login(registry)) == ("account_unknown", ())
    # Another process folds the log anew, makes the view anew, and decides on.
    again = compose(replace(ports), RegistrySettings())
    async with at_work(ports, again):
        runner = again.views[ACCOUNTS.full_name]
        await account(again.servicer, account_id)
        before = await space_digest(ports.store, runner.reader.space, ACCOUNTS.tables)
        await runner.rebuild()
        after = await space_digest(ports.store, runner.reader.space, ACCOUNTS.tables)
        assert after == before
        assert await account(again.servicer, account_id) == shown
        successor = await register(again.servicer)
        assert successor != account_id
        assert (await by_login(again.servicer)).account_id == successor


async def test_a_late_repeat_does_not_bring_back_who_was_erased(
    tmp_path: Path, registry: RegistryServicer
) -> None:
    account_id = await register(registry, idempotency_key="k")
    await erase(registry, account_id)
    await forgotten(tmp_path)
    assert await register(registry, idempotency_key="k") == account_id
    request = rpc.SetPersonRequest(account_id=account_id, person=PERSON, actor="chief")
    assert (await refusal(registry.SetPerson(request, None)))[0] == "account_erased"
    assert not [each for each in kept(tmp_path) if each.startswith("person.")]


async def test_an_erasure_between_the_decision_and_the_card_wins(
    tmp_path: Path, registry: RegistryServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, destroy = People.write, People.destroy
    destroyed = asyncio.Event()

    async def destroy_and_tell(self: People, account_id: str, login_id: str) -> None:
        await destroy(self, account_id, login_id)
        destroyed.set()

    async def erased_meanwhile(self: People, account_id: str, card: Any) -> None:
        await erase(registry, account_id)
        async with asyncio.timeout(20):
            await destroyed.wait()  # what is written now nobody else will find
        await write(self, account_id, card)
        assert kept(tmp_path) == [f"person.{account_id}"]

    monkeypatch.setattr(People, "destroy", destroy_and_tell)
    monkeypatch.setattr(People, "write", erased_meanwhile)
    await register(registry)
    assert kept(tmp_path) == []


async def test_who_wanted_the_login_while_it_was_erased_leaves_nothing_of_it(
    tmp_path: Path, ports: Ports, registry: RegistryServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await register(registry)
    login_id = People.login_id

    async def overtaken(self: People, login: str) -> str:
        found = await login_id(self, login)
        await erase(registry, account_id)
        await forgotten(tmp_path)
        await ports.secrets.write(f"login-of.{found}", sha256(login.encode()).hexdigest().encode())
        return found

    with monkeypatch.context() as late:
        late.setattr(People, "login_id", overtaken)
        assert (await refusal(register(registry)))[0] == "login_taken"
    assert kept(tmp_path) == []
    await register(registry)
    assert (await refusal(register(registry)))[0] == "login_taken"
    assert len(kept(tmp_path)) == 3, "of who is there nothing is taken away"


async def test_a_process_that_dies_before_the_card_leaves_nothing_of_the_person(
    tmp_path: Path, registry: RegistryServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:

        async def dies(self: People, account_id: str, card: Any) -> None:
            raise Unavailable("died")

        dying.setattr(People, "write", dies)
        with pytest.raises(Unavailable):
            await register(registry, idempotency_key="k")
    found = await by_login(registry)
    assert (found.login, found.HasField("person")) == ("", False)
    assert not [each for each in kept(tmp_path) if each.startswith("person.")]
    # Another call gives it a person before the first one is repeated: that one stays.
    newer = rpc.Person(name="Trần Văn Bình")
    request = rpc.SetPersonRequest(account_id=found.account_id, person=newer, actor="chief")
    await registry.SetPerson(request, None)
    assert await register(registry, idempotency_key="k") == found.account_id
    mended = await by_login(registry)
    assert (mended.login, mended.person) == (LOGIN, newer)
    await erase(registry, found.account_id)
    await forgotten(tmp_path)


@pytest.mark.parametrize("cut", range(3))
async def test_L19_an_erasure_that_is_cut_off_is_carried_out_later(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    service = compose(ports, RegistrySettings())
    remove = ports.secrets.remove
    removed: list[str] = []

    async def failing(name: str) -> None:
        if len(removed) >= cut:
            raise Unavailable("the disk is away")
        removed.append(name)
        await remove(name)

    monkeypatch.setattr(ports.secrets, "remove", failing)
    async with at_work(ports, service):
        await with_organisations(service.servicer)
        account_id = await register(service.servicer)
        await erase(service.servicer, account_id)
        async with asyncio.timeout(20):
            while len(removed) < cut:  # noqa: ASYNC110 - the effect runs on its own
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        assert len(kept(tmp_path)) == 3 - cut
        assert (await account(service.servicer, account_id)).login == "", "told nobody meanwhile"
    monkeypatch.undo()
    async with at_work(ports, compose(ports, RegistrySettings())):
        await forgotten(tmp_path)


async def test_an_erasure_leaves_the_login_that_somebody_else_has_by_now(
    tmp_path: Path, ports: Ports, registry: RegistryServicer
) -> None:
    first = await register(registry)
    people = People(ports.secrets)
    login_id = await people.known_login_id(LOGIN)
    assert login_id is not None
    await erase(registry, first)
    await forgotten(tmp_path)
    second = await register(registry)
    await people.destroy(first, login_id)
    assert (await by_login(registry)).account_id == second
