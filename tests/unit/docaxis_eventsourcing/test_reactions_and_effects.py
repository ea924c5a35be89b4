"""Events become commands: reactions (L18) and effects (L19), over the real log."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.follow_up import CommandWriter, FollowUp
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_eventsourcing.reactions import Reactions, Source
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS, Deposited, Note, partition
from tests.unit.docaxis_eventsourcing.rig import Rig, check_versions, until

SOURCE = "docaxis.elsewhere.events"
WRITER = CommandWriter(TOPICS, CODEC)


def follow(event: Deposited, envelope: Envelope, given: Any = None) -> Sequence[FollowUp]:
    return [FollowUp(Note(event.account, envelope.id), partition(event.account))]


async def publish(rig: Rig, count: int, first: int = 0, account: str = "") -> list[str]:
    """Events of another service; each is to become one note."""
    await rig.log.declare((SOURCE,))
    ids = [f"{account}e{number}" for number in range(first, first + count)]
    for number, event_id in enumerate(ids, start=first):
        name, data = CODEC.encode(Deposited(account or f"b{number % 9}.1", 1, 0))
        envelope = Envelope(id=event_id, type=name, source="test", sequence=number + 1)
        at = partition(account) if account else number % rig.partitions
        await rig.log.append([Outgoing(SOURCE, at, Message(envelope, data))])
    return ids


async def notes(rig: Rig) -> Counter[str]:
    """How often each event was noted: decided, not only appended."""
    events = [event for event in await rig.records() if event.envelope.type.endswith(".Noted")]
    return Counter(CODEC.decode(event.envelope.type, event.data).cause for event in events)


async def noted(rig: Rig, ids: list[str]) -> None:
    """Wait until all are noted; each once."""

    async def all_noted() -> bool:
        return set(await notes(rig)) >= set(ids)

    await until(all_noted)
    assert set((await notes(rig)).values()) == {1}
    check_versions(await rig.records())


async def test_L18_each_event_is_followed_once_whatever_is_repeated(any_rig: Rig) -> None:
    ids = await publish(any_rig, 60)
    any_rig.start(any_rig.processor())
    source = Source(SOURCE, CODEC, follow)
    parts = [any_rig.start(Reactions("notes", source, WRITER, any_rig.log, 10)) for _ in range(2)]
    await noted(any_rig, ids[:10])
    await any_rig.stop(parts[0])
    ids += await publish(any_rig, 40, first=60)
    await noted(any_rig, ids)


async def test_L18_appended_and_then_fenced_is_appended_again_with_the_same_ids(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await publish(rig, 12)
    real = rig.log.join
    fenced = 0

    async def join(*args: Any, **options: Any) -> Any:
        nonlocal fenced
        consumer = await real(*args, **options)
        if "reactions" in args[0] and not fenced:
            fenced += 1

            async def progress(_: Any) -> None:
                raise Fenced

            monkeypatch.setattr(consumer, "progress", progress)
        return consumer

    monkeypatch.setattr(rig.log, "join", join)
    rig.start(rig.processor())
    source = Source(SOURCE, CODEC, follow)
    first = rig.start(Reactions("notes", source, WRITER, rig.log))
    await noted(rig, ids)
    await rig.stop(first)
    rig.start(Reactions("notes", source, WRITER, rig.log))

    async def appended_twice() -> bool:
        return len(await rig.records(TOPICS.commands())) == 24

    await until(appended_twice)
    commands = Counter(each.envelope.id for each in await rig.records(TOPICS.commands()))
    assert set(commands.values()) == {2}
    await noted(rig, ids)


def test_L2_follow_ups_have_ids_from_their_event() -> None:
    cause = Envelope(id="e1", type="t", source="s", correlation_id="c0", actor="who")
    two = [FollowUp(Note("a.1", "x"), 0), FollowUp(Note("a.1", "x"), 0)]
    first, second = WRITER.outgoing(cause, two)
    name = first.message.envelope.type
    assert first.message.envelope.id == derived_id("follow-up", "bank", "e1", 0, name)
    assert second.message.envelope.id != first.message.envelope.id
    assert (first.message.envelope.causation_id, first.message.envelope.reply_to) == ("e1", -1)
    assert first.message.envelope.correlation_id == "c0"


@pytest.mark.parametrize("failing", ["react", "gather", "decode"])
async def test_L22_a_reaction_that_fails_stops_its_partition_before_the_event(
    rig: Rig, failing: str
) -> None:
    broken = True

    def react(event: Any, envelope: Envelope, given: Any) -> Sequence[FollowUp]:
        if broken and failing == "react" and envelope.id == "a.1e3":
            raise KeyError("our own fault")
        return follow(event, envelope)

    async def gather(events: Sequence[Any]) -> Sequence[Any]:
        if broken and failing == "gather" and any(each.amount == 3 for each in events):
            raise KeyError("our own fault")
        return [None] * len(events)

    ids = await publish(rig, 3, account="a.1")
    name, data = CODEC.encode(Deposited("a.1", 3, 0))
    bad = b"\xff" if failing == "decode" else data
    envelope = Envelope(id="a.1e3", type=name, source="test", sequence=4)
    await rig.log.append([Outgoing(SOURCE, partition("a.1"), Message(envelope, bad))])
    await publish(rig, 1, first=4, account="a.1")
    others = await publish(rig, 24)
    rig.start(rig.processor())
    reactions = Reactions("notes", Source(SOURCE, CODEC, react, gather), WRITER, rig.log)
    task = rig.start(reactions)
    await until(lambda: reactions.health.state is PartState.FAILED)
    more = await publish(rig, 24, first=24)
    here = partition("a.1")
    moving = [each for i, each in enumerate([*others, *more]) if i % 12 != here]
    await noted(rig, [*ids, *moving])
    assert not {"a.1e3", "a.1e4"} & set(await notes(rig))
    if failing != "decode":  # the fault is mended, and nothing was passed over
        broken = False
        await rig.stop(task)
        rig.start(Reactions("notes", Source(SOURCE, CODEC, react, gather), WRITER, rig.log))
        await noted(rig, [*ids, "a.1e3", "a.1e4", *others, *more])


async def test_types_that_are_none_of_ours_are_passed_over(rig: Rig) -> None:
    await rig.log.declare((SOURCE,))
    strange = Envelope(id="strange", type="docaxis.bank.v1.Future", source="test", sequence=1)
    await rig.log.append([Outgoing(SOURCE, 0, Message(strange, b""))])
    ids = await publish(rig, 12, first=1)
    rig.start(rig.processor())
    rig.start(Reactions("notes", Source(SOURCE, CODEC, follow), WRITER, rig.log))

    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        return []

    effects = Effects("nothing", SOURCE, CODEC, work, WRITER, rig.log)
    rig.start(effects)
    await noted(rig, ids)
    await until(lambda: effects.health.state is PartState.WORKING)


async def test_L19_effects_end_out_of_order_and_are_done_again_after_a_crash(
    any_rig: Rig,
) -> None:
    ids = await publish(any_rig, 12, account="a.1")
    gate = asyncio.Event()
    done: Counter[str] = Counter()

    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        if envelope.id == ids[4]:
            await gate.wait()
        done[envelope.id] += 1
        return follow(event, envelope)

    def effects() -> Effects:
        return Effects("notes", SOURCE, CODEC, work, WRITER, any_rig.log, concurrency=4)

    any_rig.start(any_rig.processor())
    task = any_rig.start(effects())
    rest = [each for each in ids if each != ids[4]]
    await noted(any_rig, rest)  # the fifth hangs and holds none of the others up
    await until(lambda: set(done) == set(rest))
    await any_rig.stop(task)
    gate.set()
    any_rig.start(effects())
    await noted(any_rig, ids)
    await until(lambda: done[ids[11]] >= 2)  # behind the lowest unfinished: done again
    if not any_rig.seed:
        assert done[ids[0]] == 1  # before it: not
    await noted(any_rig, ids)


async def test_L19_two_replicas_share_the_work_and_a_lost_partition_harms_nothing(
    any_rig: Rig,
) -> None:
    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        await asyncio.sleep(0)
        return follow(event, envelope)

    def effects() -> Effects:
        return Effects("notes", SOURCE, CODEC, work, WRITER, any_rig.log, concurrency=3)

    any_rig.start(any_rig.processor())
    ids = await publish(any_rig, 36)
    first = any_rig.start(effects())
    await noted(any_rig, ids[:6])
    any_rig.start(effects())
    ids += await publish(any_rig, 36, first=36)
    await noted(any_rig, ids[:50])
    await any_rig.stop(first)
    ids += await publish(any_rig, 12, first=72)
    await noted(any_rig, ids)


async def test_L19_work_whose_surroundings_fail_or_that_is_too_slow_is_tried_again(
    rig: Rig,
) -> None:
    (event_id,) = await publish(rig, 1)
    tries = 0

    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Unavailable("no answer")
        if tries == 2:
            await asyncio.Event().wait()
        return follow(event, envelope)

    rig.start(rig.processor())
    rig.start(Effects("notes", SOURCE, CODEC, work, WRITER, rig.log, deadline_s=0.05))
    await noted(rig, [event_id])
    assert tries == 3


@pytest.mark.parametrize("data", [None, b"\xff"], ids=["work", "decode"])
async def test_L22_an_effect_that_fails_stops_its_partition_loudly(
    rig: Rig, data: bytes | None
) -> None:
    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        if envelope.id == "bad":
            raise KeyError("our own fault")
        return follow(event, envelope)

    await publish(rig, 1, account="a.1")
    name, encoded = CODEC.encode(Deposited("a.1", 1, 0))
    bad = Message(Envelope(id="bad", type=name, source="test", sequence=2), data or encoded)
    await rig.log.append([Outgoing(SOURCE, partition("a.1"), bad)])
    rig.start(rig.processor())
    effects = Effects("notes", SOURCE, CODEC, work, WRITER, rig.log)
    rig.start(effects)
    await until(lambda: effects.health.state is PartState.FAILED)
    assert f"partition {partition('a.1')}" in effects.health.reason
    other = next(f"x{i}.1" for i in range(99) if partition(f"x{i}.1") != partition("a.1"))
    await noted(rig, await publish(rig, 3, account=other))


async def test_L19_no_partition_runs_far_ahead_of_an_event_that_hangs(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.effects._FARTHEST_AHEAD", 10)
    ids = await publish(rig, 60, account="a.1")
    gate = asyncio.Event()
    begun: list[str] = []

    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        begun.append(envelope.id)
        if envelope.id == ids[0]:
            await gate.wait()
        return follow(event, envelope)

    rig.start(rig.processor())
    rig.start(Effects("notes", SOURCE, CODEC, work, WRITER, rig.log, concurrency=4))
    await until(lambda: len(begun) > 10)
    other = next(f"x{i}.1" for i in range(99) if partition(f"x{i}.1") != partition("a.1"))
    await noted(rig, await publish(rig, 30, account=other))
    assert len([each for each in begun if each in ids]) < 20
    gate.set()
    await noted(rig, ids)


async def test_L22_a_part_that_is_never_idle_is_well_again_once_nothing_of_it_waits(
    rig: Rig,
) -> None:
    ids = await publish(rig, 2)
    away = True

    async def work(event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        if envelope.id == ids[0]:
            await asyncio.Event().wait()  # slow, not failing
        if away:
            raise Unavailable("no answer")
        return ()

    effects = Effects("slow", SOURCE, CODEC, work, WRITER, rig.log, deadline_s=3600.0)
    rig.start(effects)
    await until(lambda: effects.health.state is PartState.WAITING)
    away = False
    await until(lambda: effects.health.state is PartState.WORKING)
