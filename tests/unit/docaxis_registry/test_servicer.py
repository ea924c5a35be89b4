import asyncio
import json
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import START, Recorded
from docaxis_eventsourcing.running_service import Ports
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto.registry_events_v1_pb2 import Alias, OrganisationEntry
from docaxis_registry.catalogue import catalogue
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_runtime.registry_systems import SystemsView
from tests.unit.docaxis_registry.samples import PUBLIC_JWK


def told(code: str, name: str = "UBND tỉnh", **others: Any) -> OrganisationEntry:
    return OrganisationEntry(code=code, name=name, level=1, **others)


async def register(registry: RegistryServicer, *entries: OrganisationEntry, key: str = "") -> Any:
    request = rpc.RegisterOrganisationsRequest(entries=entries, idempotency_key=key, actor="a")
    reply = await registry.RegisterOrganisations(request, None)
    return [(each.code, each.result) for each in reply.results]


async def resolve(registry: RegistryServicer, *codes: str) -> list[Any]:
    request = rpc.ResolveCodesRequest(codes=codes)
    return list((await registry.ResolveCodes(request, None)).resolutions)


async def whole_catalogue(registry: RegistryServicer) -> None:
    results = await register(registry, *catalogue())
    assert {result for _, result in results} == {"registered"}


async def test_what_was_registered_is_resolved_at_once(registry: RegistryServicer) -> None:
    await register(registry, told("H29", aliases=[Alias(code="H06")]))
    by_code, by_alias, unknown = await resolve(registry, "H29", "H06", "Z9")
    assert by_code.organisation.organisation_id == first_id("H29")
    assert by_alias.organisation == by_code.organisation
    assert (by_alias.asked, by_alias.organisation.code) == ("H06", "H29")
    assert not unknown.HasField("organisation")
    request = rpc.ResolveCodesRequest(organisation_ids=[first_id("H29"), "nobody"])
    found, nobody = (await registry.ResolveCodes(request, None)).resolutions
    assert found.organisation.code == "H29"
    assert (nobody.asked, nobody.HasField("organisation")) == ("nobody", False)


async def test_L28_a_code_is_unknown_only_after_the_view_has_passed_the_end(
    registry: RegistryServicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(self: object, partition: int, version: int, deadline_s: float) -> None:
        """The write does not wait for the view."""

    monkeypatch.setattr("docaxis_eventsourcing.view_reader.ViewReader.pass_version", at_once)
    for number in range(20):
        code = f"A{number}"
        await register(registry, told(code))
        (found,) = await resolve(registry, code)
        assert found.organisation.code == code
        request = rpc.ResolveCodesRequest(organisation_ids=[first_id(f"B{number}")])
        await register(registry, told(f"B{number}"))
        (found,) = (await registry.ResolveCodes(request, None)).resolutions
        assert found.organisation.code == f"B{number}"


async def test_L2_a_repeat_with_the_same_key_is_answered_the_same(
    registry: RegistryServicer,
) -> None:
    first = await register(registry, told("H29"), told("h"), key="k")
    assert first == [("H29", "registered"), ("h", "field_invalid")]
    assert await register(registry, told("H29"), told("h"), key="k") == first
    assert await register(registry, told("H29"), key="l") == [("H29", "unchanged")]


async def test_an_entry_means_the_organisation_that_has_the_code_now(
    registry: RegistryServicer,
) -> None:
    await register(registry, told("H57"))
    await register(registry, told("H64", organisation_id=first_id("H57")))
    assert await register(registry, told("H64", "UBND thành phố Huế")) == [("H64", "registered")]
    (found,) = await resolve(registry, "H57")
    assert found.organisation.name == "UBND thành phố Huế"


async def test_an_alias_is_unknown_after_its_end_and_suggests_its_former_holder(
    registry: RegistryServicer,
) -> None:
    await register(
        registry, told("H29", aliases=[Alias(code="X1", valid_until="2020-01-01")]), told("X12")
    )
    (found,) = await resolve(registry, "X1")
    assert not found.HasField("organisation")
    assert list(found.suggestions) == ["H29", "X12"]


async def test_unknown_codes_have_likely_suggestions(registry: RegistryServicer) -> None:
    await whole_catalogue(registry)
    await register(registry, told("H29.12", parent_code="H29"), told("H29.15", parent_code="H29"))
    asked = ("h22", "000.00.15.H29", "H29.13", "H92.12", "văn phòng chính phủ", "", "ZZZZ")
    found = [list(each.suggestions) for each in await resolve(registry, *asked)]
    assert found[0][0] == "H22"
    assert found[1][0] == "H29.15"
    assert set(found[2]) >= {"H29.12", "H29.15"}
    assert found[3] == ["H29.12"]
    assert found[4] == ["G22"]
    assert found[5] == []
    assert found[6] == []
    assert all(len(each) <= 3 for each in found)


async def test_organisations_are_listed_in_pages_without_gap_or_repeat(
    registry: RegistryServicer,
) -> None:
    await whole_catalogue(registry)
    codes: list[str] = []
    cursor = ""
    while True:
        request = rpc.ListOrganisationsRequest(limit=25, cursor=cursor)
        reply = await registry.ListOrganisations(request, None)
        codes += [each.code for each in reply.organisations]
        cursor = reply.next
        if not cursor:
            break
    assert codes == sorted(each.code for each in catalogue())


async def test_words_are_found_without_marks(registry: RegistryServicer) -> None:
    await whole_catalogue(registry)

    async def found(query: str, limit: int = 0) -> list[str]:
        request = rpc.ListOrganisationsRequest(query=query, limit=limit)
        reply = await registry.ListOrganisations(request, None)
        return [each.code for each in reply.organisations]

    assert await found("da nang") == ["H17"]
    assert await found("BỘ CÔNG") == ["G01", "G02", "G06"]
    assert await found("thuong cong bo") == ["G02"]
    assert await found("H06") == ["H29"]
    assert await found("khong co") == []
    assert await found("ubnd", limit=2) == ["H01", "H05"]


async def test_a_cursor_that_is_none_is_refused(registry: RegistryServicer) -> None:
    for cursor in ("?", "AAAA", "ZZZZZ", "é"):
        with pytest.raises(DocaxisError) as refused:
            await registry.ListOrganisations(rpc.ListOrganisationsRequest(cursor=cursor), None)
        assert refused.value.code == "cursor_invalid"


async def test_more_than_500_entries_are_refused(registry: RegistryServicer) -> None:
    with pytest.raises(DocaxisError) as refused:
        await register(registry, *(told(f"A{n}") for n in range(501)))
    assert (refused.value.code, refused.value.fields[0].pointer) == ("too_many_items", "/entries")
    with pytest.raises(DocaxisError) as refused:
        await register(registry)
    assert refused.value.code == "field_required"


async def test_500_entries_go_in_one_command(registry: RegistryServicer) -> None:
    name = "Ủy ban nhân dân phường có một tên khá dài để đo kích thước của lệnh"
    results = await register(registry, *(told(f"H29.{n}.{n}", name) for n in range(500)))
    assert {result for _, result in results} == {"registered"}


async def test_systems_and_their_credentials(registry: RegistryServicer, ports: Ports) -> None:
    await register(registry, told("H29"), told("H57"))
    served = [first_id("H57"), first_id("H29")]
    request = rpc.RegisterSystemRequest(
        name="QLVB", connection="direct", organisation_ids=served, idempotency_key="k"
    )
    id = (await registry.RegisterSystem(request, None)).system_id
    assert (await registry.RegisterSystem(request, None)).system_id == id, "L2"
    jwk = json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=False))
    add = rpc.AddCredentialRequest(system_id=id, public_jwk=jwk)
    key = (await registry.AddCredential(add, None)).id
    await registry.AddCredential(
        rpc.AddCredentialRequest(system_id=id, public_jwk=PUBLIC_JWK), None
    )
    revoke = rpc.RevokeCredentialRequest(system_id=id, credential_id=key)
    assert (await registry.RevokeCredential(revoke, None)).id == key
    lock = rpc.LockSystemRequest(system_id=id, locked=True)
    assert (await registry.LockSystem(lock, None)).id == id
    snapshot = await registry.SnapshotSystems(rpc.SnapshotSystemsRequest(), None)
    (system,) = snapshot.systems
    assert list(system.organisation_ids) == served
    assert list(system.organisation_codes) == ["H57", "H29"]
    assert [each.credential_id for each in system.credentials] != [key]
    assert len(system.credentials) == 1
    assert system.locked
    end = await ports.log.end("docaxis.registry.events", 0)
    assert (snapshot.version, snapshot.place) == (end.version, end.place)


async def test_rule_17_credentials_of_all_kinds_are_in_the_snapshot_and_in_the_events(
    registry: RegistryServicer, ports: Ports
) -> None:
    request = rpc.RegisterSystemRequest(name="a", connection="administration", actor="chief")
    id = (await registry.RegisterSystem(request, None)).system_id
    secret = rpc.AddCredentialRequest(system_id=id, kind="hmac", credential_id="s" * 20, actor="me")
    assert (await registry.AddCredential(secret, None)).id == "s" * 20
    certificate = rpc.AddCredentialRequest(system_id=id, kind="certificate", thumbprint="0" * 64)
    thumbprint = (await registry.AddCredential(certificate, None)).id
    (system,) = (await registry.SnapshotSystems(rpc.SnapshotSystemsRequest(), None)).systems
    kinds = {each.credential_id: each.kind for each in system.credentials}
    assert kinds == {"s" * 20: "hmac", thumbprint: "certificate"}
    view = SystemsView.of([system])
    assert view.systems[id].is_administrator
    assert dict(view.systems[id].kinds) == kinds
    tail = ports.log.tail("docaxis.registry.events", {0: START})
    records: list[Recorded] = []
    while len(records) < 3:
        records += await tail.next(10, 1.0)
    await tail.close()
    assert [each.envelope.actor for each in records] == ["chief", "me", ""]
    followed = SystemsView()
    for each in records:
        followed.apply(each.envelope.type, each.data)
    assert followed.systems[id].kinds == view.systems[id].kinds
    assert followed.holders == view.holders


async def test_refusals_name_their_field(registry: RegistryServicer) -> None:
    await register(registry, told("H29"))
    with pytest.raises(DocaxisError) as refused:
        await registry.RegisterSystem(
            rpc.RegisterSystemRequest(
                name="QLVB", connection="direct", organisation_ids=[first_id("H29"), "x"]
            ),
            None,
        )
    assert refused.value.code == "unknown_organisation"
    assert refused.value.fields[0].pointer == "/organisation_ids/1"
    lock = rpc.LockOrganisationRequest(organisation_id="x", locked=True)
    with pytest.raises(DocaxisError) as refused:
        await registry.LockOrganisation(lock, None)
    assert refused.value.code == "unknown_organisation"


async def test_locks_and_policies_are_shown(registry: RegistryServicer) -> None:
    await register(registry, told("H29"))
    id = first_id("H29")
    await registry.LockOrganisation(
        rpc.LockOrganisationRequest(organisation_id=id, locked=True), None
    )
    for document_type, policy in (("", "required"), ("Công văn", "advisory")):
        await registry.SetSignaturePolicy(
            rpc.SetSignaturePolicyRequest(
                organisation_id=id, document_type=document_type, policy=policy
            ),
            None,
        )
    (found,) = await resolve(registry, "H29")
    assert found.organisation.locked
    assert dict(found.organisation.signature_policies) == {"": "required", "Công văn": "advisory"}


async def test_L29_a_snapshot_and_the_events_behind_it_miss_nothing(
    registry: RegistryServicer, ports: Ports
) -> None:
    """Systems come and are locked while snapshots are taken; each, moved on, is the whole truth."""
    await register(registry, told("H29"))
    done = asyncio.Event()
    snapshots = []

    async def change() -> None:
        for number in range(30):
            request = rpc.RegisterSystemRequest(
                name=f"S{number}", connection="lgsp", organisation_ids=[first_id("H29")]
            )
            id = (await registry.RegisterSystem(request, None)).system_id
            await registry.LockSystem(rpc.LockSystemRequest(system_id=id, locked=True), None)
        done.set()

    changing = asyncio.create_task(change())
    while not done.is_set():
        snapshots.append(await registry.SnapshotSystems(rpc.SnapshotSystemsRequest(), None))
        await asyncio.sleep(0)
    await changing
    tail = ports.log.tail("docaxis.registry.events", {0: START})
    records: list[Recorded] = []
    while tail.reached(0).place < (await ports.log.end("docaxis.registry.events", 0)).place:
        records += await tail.next(500, 1.0)
    whole = SystemsView()
    for record in records:
        whole.apply(record.envelope.type, record.data)
    assert len(whole.systems) == 30
    for snapshot in snapshots:
        view = SystemsView.of(snapshot.systems)
        for record in records:
            if record.envelope.sequence > snapshot.version:
                view.apply(record.envelope.type, record.data)
        assert view.systems == whole.systems


async def test_words_of_nearly_every_name_are_looked_for_without_an_index(
    registry: RegistryServicer,
) -> None:
    await register(
        registry,
        told("A", "Uỷ ban nhân dân xã Tân Thành"),
        told("B", "Sở Tân Thành"),
        told("C", "Uỷ ban nhân dân phường Bình An"),
    )

    async def found(query: str) -> list[str]:
        request = rpc.ListOrganisationsRequest(query=query)
        reply = await registry.ListOrganisations(request, None)
        return [each.code for each in reply.organisations]

    assert await found("uy ban nhan dan") == ["A", "C"]
    assert await found("xã") == ["A"]
    assert await found("xã tân thành") == ["A"]
    assert await found("tân thành") == ["A", "B"]
    assert await found("xã bình an") == []
