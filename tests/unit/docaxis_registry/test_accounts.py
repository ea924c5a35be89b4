"""People's accounts over the registry's calls: who they are lies apart, and can be destroyed."""

import asyncio
import unicodedata
from hashlib import sha256
from pathlib import Path

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.running_service import Ports
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.grpc_servicer import RegistryServicer
from tests.unit.docaxis_registry.account_calls import (
    H26,
    H27,
    LOGIN,
    NAME,
    PERSON,
    account,
    by_login,
    kept,
    refusal,
    register,
    stored,
    told,
    with_organisations,
)


@pytest.fixture
async def registry(registry: RegistryServicer) -> RegistryServicer:
    """With two organisations."""
    await with_organisations(registry)
    return registry


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
