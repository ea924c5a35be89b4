"""Administrators apart from systems, on a whole axis: rules D1-D5, secrets and who did it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from docaxis_client.administration import Administration
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.errors import ProblemError
from docaxis_eventsourcing.ports.event_log import START
from docaxis_standalone.administrators import create_administrator
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from docaxis_trust.jwk_set import public_jwk


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[Axis]:
    async with running_axis(tmp_path / "data") as axis:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        yield axis


@pytest.fixture
async def chief(axis: Axis) -> AsyncIterator[Administration]:
    path = await create_administrator(axis.folder.root, "chief", axis.url)
    async with Administration(None, Credentials.load(path), language="en") as chief:
        yield chief


def system_client(axis: Axis, name: str = "office") -> DocaxisClient:
    credentials = Credentials.load(axis.folder.clients / f"{name}.json")
    return DocaxisClient(axis.url, credentials, language="en", attempts=1)


async def actors(axis: Axis) -> list[tuple[str, str]]:
    """Name and actor of all events of the registry."""
    tail = axis.ports.log.tail("docaxis.registry.events", {0: START})
    found: list[tuple[str, str]] = []
    while records := await tail.next(500, 0.2):
        found += [(each.envelope.type.rpartition(".")[2], each.envelope.actor) for each in records]
    await tail.close()
    return found


async def refusal(call: Any) -> tuple[int, str]:
    with pytest.raises(ProblemError) as refused:
        await call
    return refused.value.status, refused.value.code


ADMIN_CALLS = (
    ("POST", "/admin/organisations"),
    ("GET", "/admin/organisations"),
    ("GET", "/admin/organisations/H26"),
    ("POST", "/admin/organisations:merge"),
    ("POST", "/admin/organisations/H26:lock"),
    ("POST", "/admin/organisations/H26:unlock"),
    ("PUT", "/admin/organisations/H26/signature-policy"),
    ("POST", "/admin/systems"),
    ("GET", "/admin/systems"),
    ("GET", "/admin/systems/x"),
    ("PUT", "/admin/systems/x/organisations"),
    ("POST", "/admin/systems/x:lock"),
    ("POST", "/admin/systems/x:unlock"),
    ("POST", "/admin/systems/x/credentials"),
    ("PUT", "/admin/systems/x/credentials/y"),
    ("DELETE", "/admin/systems/x/credentials/y"),
    ("POST", "/admin/accounts"),
    ("GET", "/admin/accounts"),
    ("POST", "/admin/accounts:find"),
    ("GET", "/admin/accounts/x"),
    ("PUT", "/admin/accounts/x/person"),
    ("POST", "/admin/accounts/x:lock"),
    ("POST", "/admin/accounts/x:unlock"),
    ("POST", "/admin/accounts/x:erase"),
    ("POST", "/admin/accounts/x/roles"),
    ("POST", "/admin/accounts/x/roles:end"),
    ("PUT", "/admin/systems/x/onboarding"),
    ("PUT", "/admin/systems/x/security-level"),
)


async def test_rule_D1_a_systems_token_never_calls_an_administrators_address_nor_the_other_way(
    axis: Axis, chief: Administration
) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{axis.url}/openapi.json") as answer:
            paths = (await answer.json())["paths"]
        async with system_client(axis) as office:
            systems = {"Authorization": f"Bearer {await office.access_token()}"}
        administrators = {"Authorization": await chief._transport.authorization()}
        described = {
            (method.upper(), path.removeprefix("/api/v1"))
            for path, operations in paths.items()
            for method, operation in operations.items()
            if operation.get("security")
        }
        admin = {each for each in described if each[1].startswith("/admin/")}
        assert len(admin) == len(ADMIN_CALLS), "each address of administrators is tried"
        for method, path in ADMIN_CALLS:
            url = f"{axis.url}/api/v1{path}"
            async with http.request(method, url, json={}, headers=systems) as answer:
                body = await answer.json()
                assert (answer.status, body["code"]) == (403, "administrators_only"), path
        for method, path in described - admin - {("GET", "/me"), ("GET", "/requests")}:
            url = f"{axis.url}/api/v1{path}"
            async with http.request(method, url, json={}, headers=administrators) as answer:
                assert answer.status == 403, path
                if method != "HEAD":  # its answer has no body that tells why
                    assert (await answer.json())["code"] == "systems_only", path


async def test_rules_D2_to_D4_an_agency_is_connected_and_every_act_has_its_actor(
    axis: Axis, chief: Administration
) -> None:
    me = (await chief.systems()).items
    mine = next(each for each in me if each.connection == "administration")
    before = len(await actors(axis))
    entry = {"code": "H29.9", "name": "Sở Thử nghiệm", "level": 2, "parent": "H29"}
    (outcome,) = (await chief.register_organisations([entry])).results
    assert outcome.result == "registered"
    (again,) = (await chief.register_organisations([entry])).results
    assert (again.result, again.id) == ("unchanged", outcome.id)
    await chief.set_signature_policy("H29.9", "required")
    system = (await chief.register_system("QLVB Sở", "direct", ["H29.9"])).id
    assert (await chief.system(system)).organisations[0].code == "H29.9", "D4"
    key = Ed25519PrivateKey.generate()
    jwk = public_jwk(key.public_key())
    added = await chief.add_credential(system, "key", public_jwk=jwk)
    assert added.id == jwk["kid"]
    await chief.serve(system, ["H29.9", "H26"])
    await chief.lock_organisation("H29.9")
    await chief.lock_organisation("H29.9", locked=False)
    await chief.lock_system(system)
    assert (await chief.system(system)).locked
    await chief.lock_system(system, locked=False)
    await chief.lock_system(system, locked=False)
    await chief.revoke_credential(system, added.id)
    await chief.revoke_credential(system, added.id)
    assert (await chief.system(system)).credentials == ()
    told = (await actors(axis))[before:]
    assert [name for name, _ in told] == [
        "OrganisationsRegistered",
        "SignaturePolicySet",
        "SystemRegistered",
        "CredentialAdded",
        "SystemServes",
        "OrganisationLocked",
        "OrganisationLocked",
        "SystemLocked",
        "SystemLocked",
        "CredentialRevoked",
    ]
    assert {actor for _, actor in told} == {mine.id}, "D2"


async def test_rule_D5_a_secret_is_told_once_signs_requests_and_ends_when_it_is_revoked(
    axis: Axis, chief: Administration, tmp_path: Path
) -> None:
    async with system_client(axis) as office:
        system_id = (await office.me()).system_id
    made = await chief.add_credential(system_id, "hmac")
    assert made.secret is not None
    assert made.secret not in repr(made)
    shown = await chief.system(system_id)
    assert made.id in [each.id for each in shown.credentials]
    assert made.secret not in repr(shown)

    class Message:
        method, url = "GET", f"{axis.url}/api/v1/me"

        def __init__(self) -> None:
            self.headers: dict[str, str] = {}

    async def me() -> tuple[int, Any]:
        message = Message()
        assert made.secret is not None
        keys = MappingKeyResolver(public_keys={}, private_keys={made.id: made.secret.encode()})
        signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
        signer.sign(
            message,
            key_id=made.id,
            created=datetime.now(UTC),
            nonce=f"nonce-{datetime.now().timestamp()}",
            covered_component_ids=("@method", "@path", "@query"),
        )
        async with (
            aiohttp.ClientSession() as http,
            http.get(message.url, headers=message.headers) as answer,
        ):
            return answer.status, await answer.json()

    status, body = await me()
    assert (status, body.get("system_id")) == (200, system_id)
    await chief.revoke_credential(system_id, made.id)
    status, body = await me()
    assert (status, body["code"]) == (401, "signature_unknown_key")
    secret = f"credential.{made.id}"
    with pytest.raises(FileNotFoundError):
        await axis.ports.secrets.read(secret)
    databases = [each.read_bytes() for each in axis.folder.root.glob("*.db*")]
    assert all(made.secret.encode() not in each for each in databases)
    assert any(made.id.encode() in each for each in databases), "the scan does find what is there"


async def test_rule_D3_the_same_key_of_idempotency_has_the_same_secret(
    axis: Axis, chief: Administration
) -> None:
    system_id = (await chief.register_system("Thử", "direct")).id
    url = f"{axis.url}/api/v1/admin/systems/{system_id}/credentials"
    headers = {"Authorization": await chief._transport.authorization(), "Idempotency-Key": "k-1"}
    answers = []
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(url, json={"kind": "hmac"}, headers=headers) as answer:
                answers.append((answer.status, await answer.json()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 201
    assert len((await chief.system(system_id)).credentials) == 1


async def test_organisations_are_merged_from_a_day_on(axis: Axis, chief: Administration) -> None:
    entries = [
        {"code": code, "name": f"Sở {code}", "level": 2} for code in ("Z29.1", "Z29.2", "Z29.3")
    ]
    outcomes = (await chief.register_organisations(entries)).results
    into = outcomes[2].id
    day = date(2025, 7, 1)
    merged = await chief.merge_organisations(["Z29.1"], "Z29.3", day)
    assert merged.id == into
    assert (await chief.merge_organisations(["Z29.1"], "Z29.3", day)).id == into, "D3: by state"
    # D3: without a date it would mean another day tomorrow.
    for _ in range(2):
        await chief.merge_organisations(["Z29.2"], "Z29.3", idempotency_key="merge-2")
    assert (await chief.organisation("Z29.1")).code == "Z29.3"
    found = {each.code: each for each in (await chief.organisations("Sở Z29")).items}
    told = found["Z29.1"].merged_into
    assert told is not None
    assert (told.code, told.on) == ("Z29.3", day)
    assert [name for name, _ in await actors(axis)].count("OrganisationsMerged") == 2


async def test_refused_mergers_name_the_bodys_fields(axis: Axis, chief: Administration) -> None:
    entries = [{"code": code, "name": "Sở", "level": 2} for code in ("Y1", "Y2", "Y3")]
    await chief.register_organisations(entries)
    await chief.merge_organisations(["Y1"], "Y2", date(2025, 7, 1))
    for codes, into, code, pointer in (
        (["Y3", "Y1"], "Y3", "field_invalid", "/organisations/0"),
        (["Y3"], "Y1", "organisation_merged", "/into"),
        (["Y3", "Y1"], "H26", "organisation_merged", "/organisations/1"),
        (["Y3", "Y9"], "H26", "unknown_organisation", "/organisations/1"),
        (["Y3"], "Y9", "unknown_organisation", "/into"),
    ):
        with pytest.raises(ProblemError) as refused:
            await chief.merge_organisations(codes, into, date(2025, 8, 1))
        assert (refused.value.code, refused.value.errors[0].pointer) == (code, pointer)


async def test_a_system_goes_its_way_and_is_shut_out_while_it_is_suspended(
    axis: Axis, chief: Administration
) -> None:
    async with system_client(axis) as office:
        system_id = (await office.me()).system_id
        with pytest.raises(ProblemError) as refused:
            await chief.onboard_system(system_id, "registered")
        assert (refused.value.status, refused.value.code) == (409, "onboarding_step_invalid")
        for state in ("testing", "connected", "connected", "suspended"):
            assert (await chief.onboard_system(system_id, state)).id == system_id
            assert (await chief.system(system_id)).onboarding == state
        assert await refusal(office.me()) == (403, "system_suspended")
        await chief.onboard_system(system_id, "connected")
        assert (await office.me()).system_id == system_id
        empty = (await chief.register_system("Mới", "direct")).id
        assert await refusal(chief.onboard_system(empty, "testing")) == (
            409,
            "onboarding_incomplete",
        )
    await chief.set_security_level(system_id, 3, date(2026, 1, 2))
    shown = await chief.system(system_id)
    assert (shown.security_level, shown.security_level_since) == (3, date(2026, 1, 2))
    assert await refusal(chief.set_security_level(system_id, 6, date(2026, 1, 2))) == (
        422,
        "field_invalid",
    )


async def test_a_credential_counts_within_its_dates(axis: Axis, chief: Administration) -> None:
    system_id = (await chief.register_system("Thử", "direct", ["H26"])).id
    now = datetime.now(UTC).replace(microsecond=0)
    later, end = now + timedelta(hours=1), now + timedelta(days=1)
    jwk = public_jwk(Ed25519PrivateKey.generate().public_key())
    ids = [
        (await chief.add_credential(system_id, "key", public_jwk=jwk, not_before=later)).id,
        (await chief.add_credential(system_id, "certificate", thumbprint="ab" * 32)).id,
        (await chief.add_credential(system_id, "hmac", not_after=end)).id,
    ]
    kept = {each.id: each for each in (await chief.system(system_id)).credentials}
    assert [kept[each].not_before for each in ids] == [later, None, None]
    assert [kept[each].not_after for each in ids] == [None, None, end]
    for each in ids:
        await chief.date_credential(system_id, each, not_before=now, not_after=end)
        await chief.date_credential(system_id, each, not_before=now, not_after=end)
    dated = (await chief.system(system_id)).credentials
    assert {each.id for each in dated} == set(ids)
    assert {(each.not_before, each.not_after) for each in dated} == {(now, end)}
    assert {each.kind for each in dated} == {"key", "certificate", "hmac"}
    with pytest.raises(ProblemError) as refused:
        await chief.date_credential(system_id, ids[0], not_after=now - timedelta(days=1))
    assert (refused.value.code, refused.value.errors[0].pointer) == ("field_invalid", "/not_after")
    assert await refusal(chief.date_credential(system_id, "nobody")) == (404, "credential_unknown")
    await chief.date_credential(system_id, ids[0])
    assert (await chief.system(system_id)).credentials[0].not_after is None


async def test_what_an_administrator_says_wrong_is_named(chief: Administration) -> None:
    assert await refusal(chief.system("nobody")) == (404, "unknown_system")
    assert await refusal(chief.lock_organisation("Z99")) == (404, "unknown_organisation")
    assert await refusal(chief.register_system("x", "direct", ["Z99"])) == (
        404,
        "unknown_organisation",
    )
    assert await refusal(chief.register_system("x", "administration", ["H26"])) == (
        422,
        "field_invalid",
    )
    assert await refusal(chief.register_system("x\x00", "direct")) == (422, "field_invalid")
    system = (await chief.register_system("x", "direct")).id
    for wrong in (
        chief.add_credential(system, "key"),
        chief.add_credential(system, "certificate", thumbprint="abc"),
        chief.add_credential(system, "hmac", thumbprint="0" * 64),
        chief.add_credential(system, "password"),
        chief.set_signature_policy("H26", "sometimes"),
    ):
        assert await refusal(wrong) == (422, "field_invalid")
    jwk = {**public_jwk(Ed25519PrivateKey.generate().public_key()), "d": "AAAA"}
    assert await refusal(chief.add_credential(system, "key", public_jwk=jwk)) == (
        422,
        "unknown_field",
    )
    assert await refusal(chief.revoke_credential(system, "x.y")) == (404, "credential_unknown")


async def test_the_first_administrator_is_made_with_the_axis_stopped_or_running(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    path = await create_administrator(data, "first", "http://127.0.0.1:1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(path.read_text())
    with pytest.raises(FileExistsError):
        await create_administrator(data, "first", "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="a name is"):
        await create_administrator(data, "../first", "http://127.0.0.1:1")
    async with running_axis(data) as axis:
        # Killed between the registry's answer and the file: the same administrator, made again.
        path.unlink()
        path = await create_administrator(data, "first", axis.url)
        second = await create_administrator(data, "second", axis.url)
        for each in (path, second):
            async with Administration(axis.url, Credentials.load(each)) as chief:
                found = [one.name for one in (await chief.systems()).items]
                assert sorted(found) == ["first", "second"]
        await asyncio.sleep(0)


async def test_a_system_sees_its_own_requests_with_the_client(axis: Axis) -> None:
    async with system_client(axis) as office, system_client(axis, "hanoi") as hanoi:
        await office.me()
        await hanoi.inbox()
        found = (await office.requests(limit=500)).items
        for _ in range(60):  # a second's worth is written at a time
            if found:
                break
            await asyncio.sleep(0.5)
            found = (await office.requests(limit=500)).items
        assert {each.route for each in found} <= {
            "/api/v1/token",
            "/api/v1/me",
            "/api/v1/requests",
        }
        assert found[-1].route == "/api/v1/token"
