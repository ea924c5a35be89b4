"""The directory of systems (L29), on a real log that misbehaves as a broker does (L33)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message as Protobuf

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import Divergence, DocaxisError, Unavailable, UnknownType
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_proto import registry_events_v1_pb2 as events
from docaxis_proto import registry_v1_pb2 as registry
from docaxis_proto import status_events_v1_pb2
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import twin
from docaxis_runtime.registry_directory import EVENTS_TOPIC, SystemDirectory
from docaxis_runtime.registry_systems import SystemsView


@dataclass
class Snapshots:
    """A registry that only has its snapshot."""

    reply: registry.SnapshotSystemsReply = field(default_factory=registry.SnapshotSystemsReply)

    async def SnapshotSystems(self, request: Any, context: Any) -> registry.SnapshotSystemsReply:
        return self.reply


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Scene:
    log: SqliteEventLog
    registry: Snapshots
    clock: Clock
    directory: SystemDirectory
    sequence: int = 0

    async def tell(self, *told: Protobuf, skip: int = 0) -> None:
        for event in told:
            self.sequence += 1 + skip
            name = event.DESCRIPTOR.full_name
            envelope = Envelope(id=new_id(), type=name, source="x", sequence=self.sequence)
            message = Message(envelope, event.SerializeToString())
            await self.log.append([Outgoing(EVENTS_TOPIC, 0, message)])


@pytest.fixture(params=["kind", "unkind"])
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    unkindness = Unkindness() if request.param == "unkind" else None
    log = await SqliteEventLog.open(tmp_path, 1, unkindness=unkindness)
    await log.declare([EVENTS_TOPIC])
    snapshots, clock = Snapshots(), Clock()
    directory = SystemDirectory(twin(snapshots, RegistryStub), log, clock=clock)
    yield Scene(log, snapshots, clock, directory)
    await directory.stop()
    await log.close()


def registered(system_id: str, *organisations: str) -> events.SystemRegistered:
    return events.SystemRegistered(
        system_id=system_id, name="n", connection="lgsp", organisation_ids=organisations
    )


def key(name: str) -> str:
    return json.dumps({"kty": "OKP", "kid": name})


async def test_it_starts_from_the_snapshot_and_follows(scene: Scene) -> None:
    await scene.tell(registered("old", "o1"), registered("other", "o2"))
    end = await scene.log.end(EVENTS_TOPIC, 0)
    old = registry.System(
        system_id="old",
        name="n",
        connection="direct",
        organisation_ids=["o1"],
        organisation_codes=["G22"],
        credentials=[registry.Credential(credential_id="k", public_jwk=key("k"))],
    )
    # The snapshot is of the state after both events; what it lacks does not come again.
    scene.registry.reply = registry.SnapshotSystemsReply(systems=[old], version=2, place=end.place)
    await scene.tell(registered("new", "o3"))
    directory = scene.directory
    await directory.start()
    known = directory.system("old")
    assert known is not None
    assert (known.connection, dict(known.credentials)) == (
        "direct",
        {"k": {"kty": "OKP", "kid": "k"}},
    )
    assert directory.system("other") is None
    assert directory.serves("new", "o3")
    assert not directory.serves("new", "o1")
    assert not directory.serves("nobody", "o1")
    assert directory.version == 3


async def test_every_event_about_systems_is_applied(scene: Scene) -> None:
    directory = scene.directory
    await directory.start()
    await scene.tell(
        registered("s", "o1"),
        events.CredentialAdded(system_id="s", credential_id="k1", public_jwk=key("k1")),
        events.CredentialAdded(system_id="s", credential_id="k2", public_jwk=key("k2")),
        events.CredentialRevoked(system_id="s", credential_id="k1"),
        events.SystemServes(system_id="s", organisation_ids=["o2", "o3"]),
        events.SystemLocked(system_id="s", locked=True),
        events.OrganisationsRegistered(
            entries=[
                events.OrganisationEntry(organisation_id="o2", code="H29"),
                events.OrganisationEntry(organisation_id="o9", code="H99"),
            ]
        ),
        events.OrganisationLocked(organisation_id="o2", locked=True),
        events.SignaturePolicySet(organisation_id="o2", policy="required"),
    )
    await directory.wait_for_version(9)
    system = directory.system("s")
    assert system is not None
    assert (list(system.credentials), system.organisation_ids) == (["k2"], ("o2", "o3"))
    assert system.locked
    assert directory.served_organisation("s", "H29") == "o2"
    assert directory.served_organisation("s", "H99") is None
    assert (directory.code_of("o2"), directory.code_of("o9")) == ("H29", None)
    await scene.tell(
        events.OrganisationsRegistered(
            entries=[events.OrganisationEntry(organisation_id="o2", code="H30")]
        )
    )
    await directory.wait_for_version(10)
    assert directory.served_organisation("s", "H29") is None
    assert directory.served_organisation("s", "H30") == "o2"


async def test_L29_without_an_answer_authority_ends_after_five_seconds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = scene.directory
    await directory.start()
    directory.require_fresh()

    async def away(topic: str, partition: int) -> Any:
        raise Unavailable("away")

    monkeypatch.setattr(scene.log, "end", away)
    scene.clock.now += 4.9
    directory.require_fresh()
    scene.clock.now += 0.2
    with pytest.raises(DocaxisError) as caught:
        directory.require_fresh()
    assert (caught.value.code, caught.value.retry_after_s) == ("unavailable", 1.0)
    with pytest.raises(DocaxisError):
        directory.serves("s", "o1")
    with pytest.raises(DocaxisError):
        await directory.catch_up()
    monkeypatch.undo()
    await directory.catch_up()
    directory.require_fresh()


async def test_L29_an_end_that_is_asked_but_not_passed_gives_no_authority(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = scene.directory
    await directory.start()
    end = await scene.log.end(EVENTS_TOPIC, 0)

    async def further(topic: str, partition: int) -> Any:
        return end._replace(place=end.place + 1000)

    monkeypatch.setattr(scene.log, "end", further)
    scene.clock.now += 6
    await asyncio.sleep(1.3)
    with pytest.raises(DocaxisError):
        directory.require_fresh()
    with pytest.raises(DocaxisError):
        await directory.catch_up(timeout_s=0.1)
    with pytest.raises(DocaxisError):
        await directory.wait_for_version(99, timeout_s=0.1)


async def test_catching_up_sees_what_was_appended_before(scene: Scene) -> None:
    directory = scene.directory
    await directory.start()
    for number in range(20):
        await scene.tell(registered(f"s{number}"))
        await directory.catch_up()
        assert directory.system(f"s{number}") is not None


async def test_L16_a_gap_or_an_unknown_event_ends_it_loudly(scene: Scene) -> None:
    await scene.directory.start()
    await scene.tell(registered("a"))
    await scene.tell(registered("b"), skip=1)
    with pytest.raises(Divergence):
        await asyncio.wait_for(scene.directory.wait(), 5)


async def test_L16_an_unknown_event_ends_it_loudly(scene: Scene) -> None:
    await scene.directory.start()
    await scene.tell(status_events_v1_pb2.Status())
    with pytest.raises(UnknownType):
        await asyncio.wait_for(scene.directory.wait(), 5)


async def test_a_log_that_comes_and_goes_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.directory.start()
    tail = type(scene.log.tail(EVENTS_TOPIC, {0: await scene.log.end(EVENTS_TOPIC, 0)}))
    original = tail.next
    failures = 2

    async def shaky(self: Any, limit: int, wait_s: float) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise Unavailable("away")
        return await original(self, limit, wait_s)

    monkeypatch.setattr(tail, "next", shaky)
    await scene.tell(registered("a"), registered("b"))
    await scene.directory.wait_for_version(2, timeout_s=5)
    assert failures == 0


def test_L29_a_suspended_system_is_shut_out_from_the_snapshot_on() -> None:
    told = registry.System(system_id="s", onboarding="suspended", organisation_ids=["o"])
    view = SystemsView.of([told, registry.System(system_id="t")])
    assert (view.systems["s"].locked, view.systems["s"].suspended) == (True, True)
    assert (view.systems["t"].locked, view.systems["t"].onboarding) == (False, "registered")
    onboarded = events.SystemOnboarded(system_id="s", state="testing")
    view.apply(onboarded.DESCRIPTOR.full_name, onboarded.SerializeToString())
    assert view.systems["s"].locked is False


def test_a_credential_of_the_snapshot_counts_within_its_dates_its_end_excluded() -> None:
    credential = registry.Credential(
        credential_id="k", public_jwk="{}", not_before=10, not_after=20
    )
    known = SystemsView.of([registry.System(system_id="s", credentials=[credential])]).systems["s"]
    assert [each for each in (9, 10, 19, 20) if known.counts("k", each)] == [10, 19]
    assert not known.counts("other", 15)


def test_every_event_of_the_registry_is_known() -> None:
    parts = {"Alias", "OrganisationEntry"}
    told = set(events.DESCRIPTOR.message_types_by_name) - parts
    view = SystemsView.of([])
    for name in sorted(told):
        view.apply(f"docaxis.registry.v1.{name}", getattr(events, name)().SerializeToString())
