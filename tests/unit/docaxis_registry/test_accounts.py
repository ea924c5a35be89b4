"""People's accounts over the registry's calls: who they are lies apart, and can be destroyed."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.ports.event_log import START
from docaxis_eventsourcing.running_service import Ports
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto.registry_events_v1_pb2 import OrganisationEntry
from docaxis_registry.account_views import ACCOUNTS
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.people import People
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from tests.embedded import at_work, ports_in

H26, H27 = first_id("H26"), first_id("H27")
NAME = unicodedata.normalize("NFD", "Nguyễn Thị Ánh Đào")
PERSON = rpc.Person(name=NAME, email="dao@hanoi.example", phone="+84 24 3825 3536")
LOGIN = "dao.nta@hanoi.example"


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path) as ports:
        yield ports


@pytest.fixture
async def registry(ports: Ports) -> AsyncIterator[RegistryServicer]:
    service = compose(ports, RegistrySettings())
    async with at_work(ports, service):
        await with_organisations(service.servicer)
        yield service.servicer


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


async def test_an_account_is_shown_with_its_person_and_found_by_its_login(
    registry: RegistryServicer,
) -> None:
    account_id = await register(registry, "Dao.NTA@Hanoi.example")
    found = await account(registry, account_id)
    assert found == await by_login(registry, "DAO.nta@hanoi.example")
    assert found.person == PERSON, "kept as it was sent"
    assert (found.login, found.organisation_code, found.state) == (LOGIN, "H26", "active")
    assert await refusal(by_login(registry, "nobody")) == ("account_unknown", ())


async def test_a_login_is_one_accounts_in_capitals_too(registry: RegistryServicer) -> None:
    await register(registry)
    for other in (LOGIN, LOGIN.upper()):
        taken = refusal(register(registry, other, organisation_id=H27))
        assert await taken == ("login_taken", ("/login",))


async def test_of_many_who_want_one_login_one_gets_it(registry: RegistryServicer) -> None:
    tried = await asyncio.gather(*(register(registry) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in tried) == 1
    assert {e.code for e in tried if isinstance(e, DocaxisError)} == {"login_taken"}
    page = await registry.ListAccounts(rpc.ListAccountsRequest(), None)
    assert [each.person for each in page.accounts] == [PERSON]


async def test_L2_a_repeat_with_the_same_key_is_the_same_account(
    registry: RegistryServicer,
) -> None:
    first = await register(registry, idempotency_key="k")
    assert await register(registry, idempotency_key="k") == first
    assert await register(registry, "other", idempotency_key="l") != first


async def test_L32_neither_log_nor_view_ever_hold_who_has_an_account(
    tmp_path: Path, ports: Ports, registry: RegistryServicer
) -> None:
    account_id = await register(registry)
    changed = rpc.Person(name="Trần Văn Bình", email="binh@hanoi.example", phone="0903 000 000")
    request = rpc.SetPersonRequest(account_id=account_id, person=changed, actor="chief")
    await registry.SetPerson(request, None)
    assert (await account(registry, account_id)).person == changed
    disk = stored(tmp_path)
    assert account_id.encode() in disk, "the scan does find what is there"
    words = [LOGIN, *(getattr(p, f) for p in (PERSON, changed) for f in ("name", "email", "phone"))]
    words += [unicodedata.normalize("NFC", NAME), sha256(LOGIN.encode()).hexdigest()]
    assert [each for each in words if each.encode() in disk] == []
    assert (await told(ports))[-2:] == [
        ("AccountRegistered", "chief"),
        ("AccountPersonChanged", "chief"),
    ]


async def test_the_same_person_again_is_no_act(ports: Ports, registry: RegistryServicer) -> None:
    account_id = await register(registry)
    before = await told(ports)
    request = rpc.SetPersonRequest(account_id=account_id, person=PERSON, actor="chief")
    await registry.SetPerson(request, None)
    assert await told(ports) == before
    for nobody in ("nobody", "../x", first_id("nobody"), "x" * 300):
        request = rpc.SetPersonRequest(account_id=nobody, person=PERSON, actor="chief")
        assert (await refusal(registry.SetPerson(request, None)))[0] == "account_unknown"


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


async def test_accounts_are_listed_by_organisation_in_pages(registry: RegistryServicer) -> None:
    here = {await register(registry, f"clerk-{number}") for number in range(5)}
    there = await register(registry, "elsewhere", organisation_id=H27)
    found: list[str] = []
    cursor = ""
    while True:
        request = rpc.ListAccountsRequest(organisation_id=H26, limit=2, cursor=cursor)
        page = await registry.ListAccounts(request, None)
        assert len(page.accounts) <= 2
        found += [each.account_id for each in page.accounts]
        cursor = page.next
        if not cursor:
            break
    assert found == sorted(here)
    everybody = await registry.ListAccounts(rpc.ListAccountsRequest(), None)
    assert [each.account_id for each in everybody.accounts] == sorted({*here, there})
    wrong = rpc.ListAccountsRequest(cursor="x")
    assert (await refusal(registry.ListAccounts(wrong, None)))[0] == "cursor_invalid"
    unknown = rpc.ListAccountsRequest(account_ids=["nobody", "\x00", there])
    (only,) = (await registry.ListAccounts(unknown, None)).accounts
    assert only.account_id == there


async def test_a_locked_organisations_roles_do_not_count(registry: RegistryServicer) -> None:
    account_id = await register(registry)
    for role, organisation in (("clerk", H26), ("leader", H27), ("auditor", "")):
        grant = rpc.GrantRoleRequest(
            account_id=account_id, role=role, organisation_id=organisation, actor="chief"
        )
        await registry.GrantRole(grant, None)
    lock = rpc.LockOrganisationRequest(organisation_id=H27, locked=True, actor="chief")
    await registry.LockOrganisation(lock, None)
    roles = (await account(registry, account_id)).roles
    assert [(e.role, e.organisation_code, e.in_force) for e in roles] == [
        ("clerk", "H26", True),
        ("leader", "H27", False),
        ("auditor", "", True),
    ]
    shut = rpc.LockAccountRequest(account_id=account_id, locked=True, actor="chief")
    await registry.LockAccount(shut, None)
    shown = await account(registry, account_id)
    assert (shown.state, [each.in_force for each in shown.roles]) == ("locked", [False] * 3)


@pytest.mark.parametrize(
    "login",
    [
        "",
        "ab",
        "a" * 65,
        ".abc",
        "abc.",
        "a b c",
        "đào",
        "abc\x00",
        "../../x",
        "аbс",
        "ＡＢＣ",
        "abc\n",
    ],
)
async def test_a_login_is_ascii_so_that_none_looks_like_another(
    tmp_path: Path, registry: RegistryServicer, login: str
) -> None:
    assert await refusal(register(registry, login)) == ("field_invalid", ("/login",))
    assert await refusal(by_login(registry, login)) == ("field_invalid", ("/login",))
    assert kept(tmp_path) == []


async def test_what_a_person_cannot_be_is_named(registry: RegistryServicer) -> None:
    for wrong, pointer in (
        (rpc.Person(name=""), "/name"),
        (rpc.Person(name="   "), "/name"),
        (rpc.Person(name="x" * 201), "/name"),
        (rpc.Person(name="x", email="x" * 255), "/email"),
        (rpc.Person(name="x", phone="1" * 41), "/phone"),
    ):
        assert await refusal(register(registry, person=wrong)) == ("field_invalid", (pointer,))
    longest = unicodedata.normalize("NFD", "ễ" * 200)
    account_id = await register(registry, person=rpc.Person(name=longest))
    assert (await account(registry, account_id)).person.name == longest


async def test_a_damaged_card_costs_its_own_words_alone(
    ports: Ports, registry: RegistryServicer
) -> None:
    first, second = await register(registry, "first"), await register(registry, "second")
    await ports.secrets.write(f"person.{first}", b"\xff{")
    page = await registry.ListAccounts(rpc.ListAccountsRequest(), None)
    shown = {each.account_id: each.login for each in page.accounts}
    assert shown == {first: "", second: "second"}
