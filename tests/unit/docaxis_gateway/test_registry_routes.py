"""The registry over REST: the gateway's routes with the real registry behind them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docaxis_client import Credentials, DocaxisClient
from docaxis_gateway import response_models as models
from docaxis_proto import registry_events_v1_pb2 as events
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from docaxis_runtime.grpc_client import twin
from tests.embedded import at_work, ports_in
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.test_submit import submit

H01, H29 = first_id("H01"), first_id("H29")


@pytest.fixture
async def registry(world: World, tmp_path: Path) -> AsyncIterator[RegistryServicer]:
    """The world's registry is a real one from here on; its directory of systems stays."""
    async with ports_in(tmp_path / "registry") as ports:
        service = compose(ports, RegistrySettings(outcome_wait_s=20.0, view_deadline_s=20.0))
        async with at_work(ports, service):
            servicer: RegistryServicer = service.servicer
            stub = twin(servicer, RegistryStub)
            world.gateway.services = replace(world.gateway.services, registry=stub)
            await register(servicer, "G22", "H01", "H29")
            yield servicer


async def register(registry: RegistryServicer, *codes: str, name: str = "Cơ quan") -> None:
    entries = [events.OrganisationEntry(code=each, name=name, level=1) for each in codes]
    request = rpc.RegisterOrganisationsRequest(entries=entries, actor="test")
    reply = await registry.RegisterOrganisations(request, None)
    assert {each.result for each in reply.results} == {"registered"}


async def merge(registry: RegistryServicer, into: str, *merged: str, on: str = "") -> None:
    request = rpc.MergeOrganisationsRequest(
        organisation_ids=merged, into_organisation_id=into, merged_on=on, actor="test"
    )
    await registry.MergeOrganisations(request, None)


async def listed(world: World, **query: Any) -> Any:
    status, body, _ = await world.call("GET", "/organisations", params=query)
    assert status == 200, body
    models.OrganisationPage.model_validate(body)
    return body


async def test_O1_what_has_not_changed_is_304(world: World, registry: RegistryServicer) -> None:
    _, _, headers = await world.call("GET", "/organisations")
    etag = headers["ETag"]
    for told in (etag, f'"x", W/{etag}', "*"):
        status, body, _ = await world.call("GET", "/organisations", headers={"If-None-Match": told})
        assert (status, body) == (304, b"")
    await register(registry, "H02")
    status, _, headers = await world.call("GET", "/organisations", headers={"If-None-Match": etag})
    assert (status, headers["ETag"] == etag) == (200, False)


async def test_O2_changes_come_by_version_and_none_is_skipped(
    world: World, registry: RegistryServicer
) -> None:
    first = await listed(world, since="0")
    assert sorted(each["code"] for each in first["items"]) == ["G22", "H01", "H29"]
    nothing = await listed(world, since=first["version"])
    assert (nothing["items"], nothing["next"]) == ([], None)
    await register(registry, "H02", "H03", "H04")
    page = await listed(world, since=first["version"], limit=2)
    assert len(page["items"]) == 2
    # What was told changes again, and so does what was not: both come behind the cursor.
    told = page["items"][0]["code"]
    await register(registry, told, "H29", name="Tên mới")
    found = list(page["items"])
    while page["next"]:
        page = await listed(world, since=first["version"], limit=2, cursor=page["next"])
        found += page["items"]
    assert {each["code"] for each in found} == {"H02", "H03", "H04", "H29"}
    assert {each["name"] for each in found if each["code"] in (told, "H29")} >= {"Tên mới"}
    assert (await listed(world, since=page["version"]))["items"] == []


async def test_O2_the_version_of_another_epoch_starts_from_the_beginning(
    world: World, registry: RegistryServicer
) -> None:
    assert len((await listed(world, since="99.3"))["items"]) == 3
    for since in ("-1", "a", "1.", "1.2.3", "9" * 19):
        status, problem, _ = await world.call("GET", "/organisations", params={"since": since})
        assert (status, problem["code"]) == (422, "field_invalid")
        assert problem["errors"][0]["pointer"] == "/since"
    status, problem, _ = await world.call(
        "GET", "/organisations", params={"since": "0", "query": "x"}
    )
    assert (status, problem["errors"][0]["pointer"]) == (422, "/query")


async def test_O3_a_merged_organisation_leads_to_its_successor(
    world: World, registry: RegistryServicer
) -> None:
    await register(registry, "H63")
    await merge(registry, H29, H01, on="2025-07-01")
    await merge(registry, first_id("H63"), H29)
    status, body, _ = await world.call("GET", "/organisations/H01")
    assert status == 200
    found = models.FoundOrganisation.model_validate(body)
    assert (found.code, found.state) == ("H63", "active")
    assert found.merged_from is not None
    assert (found.merged_from.code, found.merged_from.state) == ("H01", "merged")
    assert found.merged_from.merged_into is not None
    assert found.merged_from.merged_into.code == "H63"
    changed = {each["code"]: each for each in (await listed(world, since="0"))["items"]}
    assert changed["H01"]["merged_into"]["on"] == "2025-07-01"


async def test_O3_a_merger_to_come_changes_nothing_today(
    world: World, registry: RegistryServicer
) -> None:
    await merge(registry, H29, H01, on="9999-01-01")
    _, body, _ = await world.call("GET", "/organisations/H01")
    assert (body["code"], body["state"], body["merged_from"]) == ("H01", "active", None)


async def test_O3_suggestions_name_the_successor_first(
    world: World, registry: RegistryServicer
) -> None:
    await merge(registry, H29, H01)
    for asked in ("000.00.00.H01", "h01"):
        status, problem, _ = await world.call("GET", f"/organisations/{asked}")
        assert (status, problem["code"]) == (404, "unknown_organisation")
        assert problem["suggestions"][0] == "H29"


async def test_O4_reachable_is_who_is_connected_and_not_shut_out(
    world: World, registry: RegistryServicer
) -> None:
    receiver = world.receiver.system_id

    async def reachability() -> Any:
        status, body, _ = await world.call("GET", "/organisations/H29/reachability")
        assert status == 200, body
        models.Reachability.model_validate(body)
        return body

    before = await reachability()
    assert (before["connected"], before["last_seen"]) == (False, None)
    assert [each["onboarding"] for each in before["systems"]] == ["registered"]
    await world.tell(events.SystemOnboarded(system_id=receiver, state="connected"))
    await world.tell(events.SystemsSeen(system_ids=[receiver], at=1_795_300_000_000))
    await world.gateway.directory.wait_for_version(world.sequence)
    connected = await reachability()
    assert connected["connected"] is True
    assert connected["last_seen"] == "2026-11-21T22:26:40.000Z"
    assert connected["max_file_bytes"] == world.gateway.settings.max_file_bytes
    await world.tell(events.SystemOnboarded(system_id=receiver, state="suspended"))
    await world.gateway.directory.wait_for_version(world.sequence)
    assert (await reachability())["connected"] is False


async def test_a_suspended_system_is_shut_out_and_let_in_again(world: World) -> None:
    sender = world.sender.system_id
    await world.tell(events.SystemOnboarded(system_id=sender, state="suspended"))
    await world.gateway.directory.wait_for_version(world.sequence)
    status, problem, _ = await world.call("GET", "/me")
    assert (status, problem["code"]) == (403, "system_suspended")
    await world.tell(events.SystemLocked(system_id=sender, locked=True))
    await world.tell(events.SystemOnboarded(system_id=sender, state="connected"))
    await world.gateway.directory.wait_for_version(world.sequence)
    status, problem, _ = await world.call("GET", "/me")
    assert (status, problem["code"]) == (403, "system_locked")
    await world.tell(events.SystemLocked(system_id=sender, locked=False))
    await world.gateway.directory.wait_for_version(world.sequence)
    assert (await world.call("GET", "/me"))[0] == 200


async def test_a_credential_counts_within_its_dates(world: World) -> None:
    import json

    sender, now = world.sender, world.gateway.now_ms()

    async def dated(begins: int, ends: int) -> None:
        await world.tell(
            events.CredentialAdded(
                system_id=sender.system_id,
                credential_id=sender.jwk["kid"],
                public_jwk=json.dumps(sender.jwk),
                not_before=begins,
                not_after=ends,
            )
        )
        await world.gateway.directory.wait_for_version(world.sequence)

    for begins, ends in ((0, now), (now + 3_600_000, 0)):
        await dated(begins, ends)
        status, problem, _ = await world.call("GET", "/me")
        assert (status, problem["code"]) == (401, "credential_expired")
    await dated(now - 1000, now + 3_600_000)
    assert (await world.call("GET", "/me"))[0] == 200


async def test_systems_are_told_as_seen_once_an_hour(world: World) -> None:
    for _ in range(3):
        await world.call("GET", "/me")
    assert world.registry.seen == [world.sender.system_id]
    assert world.gateway.seen_systems.last(world.sender.system_id) > 0


GROUP = {"name": "Các tỉnh", "members": ["H01", "H29"]}


async def test_R1_a_group_is_its_owners(world: World, registry: RegistryServicer) -> None:
    key = {"Idempotency-Key": "k"}
    status, made, headers = await world.call("POST", "/recipient-groups", headers=key, json=GROUP)
    assert status == 201, made
    models.RecipientGroup.model_validate(made)
    assert (made["owner"], [each["code"] for each in made["members"]]) == ("G22", ["H01", "H29"])
    path = headers["Location"].removeprefix("/api/v1")
    _, again, _ = await world.call("POST", "/recipient-groups", headers=key, json=GROUP)
    assert again["id"] == made["id"]
    assert (await world.call("GET", path))[1] == made
    assert (await world.call("GET", "/recipient-groups"))[1] == {"items": [made]}
    for method, body in (("GET", None), ("PUT", GROUP), ("DELETE", None)):
        status, problem, _ = await world.call(method, path, world.receiver, json=body)
        assert (status, problem["code"]) == (404, "recipient_group_unknown")
    _, changed, _ = await world.call("PUT", path, json={**GROUP, "members": ["H29"]})
    assert [each["code"] for each in changed["members"]] == ["H29"]
    assert (await world.call("DELETE", path))[0] == 204
    assert (await world.call("GET", path))[0] == 404


async def test_R1_a_member_that_nobody_is_is_named(
    world: World, registry: RegistryServicer
) -> None:
    body = {"name": "x", "members": ["H29", "H2"]}
    status, problem, _ = await world.call("POST", "/recipient-groups", json=body)
    assert (status, problem["code"]) == (404, "unknown_organisation")
    assert problem["errors"][0]["pointer"] == "/members/1"


async def test_R2_groups_are_expanded_at_the_door(
    world: World, registry: RegistryServicer, document: Any
) -> None:
    _, made, _ = await world.call("POST", "/recipient-groups", json=GROUP)
    await merge(registry, H29, H01)
    document.pop("recipients")
    document["recipient_groups"] = [made["id"]]
    await submit(world, document)
    (request,) = world.routing.requests
    assert list(request.recipient_group_ids) == [made["id"]]
    assert list(request.group_member_codes) == ["H29"], "the successor, once"


async def test_R2_a_submit_names_somebody_and_groups_that_it_has(
    world: World, registry: RegistryServicer, document: Any
) -> None:
    document.pop("recipients")
    status, problem, _ = await submit(world, document)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/recipients")
    document["recipient_groups"] = ["01939f3e-0000-7000-8000-000000000000"]
    status, problem, _ = await submit(world, document)
    assert (status, problem["code"]) == (404, "recipient_group_unknown")
    assert problem["errors"][0]["pointer"] == "/recipient_groups/0"


async def test_the_client_reads_changes_reachability_and_groups(
    world: World, registry: RegistryServicer
) -> None:
    sender = world.sender
    credentials = Credentials(sender.system_id, sender.jwk["kid"], sender.pem, sender.codes)
    async with DocaxisClient(f"http://127.0.0.1:{world.port}", credentials) as axis:
        changed = await axis.changed_organisations()
        assert {each.code for each in changed.items} == {"G22", "H01", "H29"}
        assert (await axis.changed_organisations(changed.version)).items == ()
        made = await axis.make_recipient_group("Các tỉnh", ["H01", "H29"])
        assert (await axis.recipient_groups("G22")).items == (made,)
        await merge(registry, H29, H01, on="2025-07-01")
        found = await axis.organisation("H01")
        assert found.merged_from is not None
        assert (
            found.code,
            found.merged_from.merged_into and found.merged_from.merged_into.code,
        ) == (
            "H29",
            "H29",
        )
        assert (await axis.reachability("H01")).code == "H29"
