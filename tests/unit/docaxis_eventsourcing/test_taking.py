"""Taking a partition (L15), and what must stop it: divergence (L16) and a foreign log (L4)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness, raise_epoch
from docaxis_eventsourcing.decider import Decider
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.folding import catch_up
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import Outgoing, Position
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.states import PartitionStates, declare_states, states_space
from tests.unit.docaxis_eventsourcing.bank import (
    CODEC,
    TOPICS,
    Balance,
    Deposit,
    Deposited,
    decider,
    partition,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, check_versions, running, until

AT = partition("a.1")
OTHER = next(f"x{i}.1" for i in range(99) if partition(f"x{i}.1") != AT)


def event(sequence: int, event_id: str = "", of: str = "", data: bytes = b"") -> Outgoing:
    """A deposit of 1 to a.1 as some owner might have written it."""
    name, encoded = CODEC.encode(Deposited("a.1", 1, 0))
    envelope = Envelope(
        id=event_id or f"e{sequence}",
        type=of or name,
        source="test",
        subject="account/a.1",
        sequence=sequence,
        causation_id=f"c{sequence}",
    )
    return Outgoing(TOPICS.events, AT, Message(envelope, data or encoded))


async def fold(log: Any, store: Any, of: Decider) -> PartitionStates:
    states = PartitionStates(of, store, AT)
    await catch_up(states, log, of, CODEC, TOPICS.events, AT)
    return states


async def test_L15_committed_events_that_are_not_yet_visible_are_waited_for(
    tmp_path: Path,
) -> None:
    unkind = Unkindness(late_chance=1, latest_ms=200, gap_chance=0.9, regain_chance=0)
    log = await SqliteEventLog.open(tmp_path / "late", unkindness=unkind, synchronous="OFF")
    async with running(tmp_path) as rig:
        await log.declare((TOPICS.events,))
        await declare_states(decider(), rig.store)
        for version in range(1, 6):
            await log.append([event(version)])
            states = await fold(log, rig.store, decider())
            assert states.position.version == version
        await log.close()


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ((event(1), event(3)), "expected 2"),
        ((event(1), event(1, "twice")), "expected 2"),
        ((event(1), event(2, of="docaxis.bank.v1.Future")), "newer one wrote it"),
        ((event(1), event(2, data=b"\xff")), "cannot be folded"),
        ((event(1), event(2, of="docaxis.bank.v1.Poisoned", data=b"\x0a\x01a\x12\x06evolve")), "x"),
    ],
    ids=["gap", "same version", "unknown type", "unreadable", "evolve fails"],
)
async def test_L16_divergence_stops_the_partition_loudly_and_no_other(
    rig: Rig, outputs: tuple[Outgoing, ...], words: str
) -> None:
    await rig.log.append(outputs)
    door = rig.door(wait_s=0.5)
    processor = rig.processor()
    rig.start(processor)
    rig.start(door)
    await until(lambda: processor.health.state is PartState.FAILED)
    assert f"partition {AT}" in processor.health.reason
    assert words in processor.health.reason
    assert await ask(door, Deposit(OTHER, 1)) == Balance(OTHER, 1)
    assert await door.ask(Deposit("a.1", 1), command_id="c", partition=AT) is None
    assert processor.health.state is PartState.FAILED
    assert len(await rig.records()) == len(outputs) + 1


async def test_L16_a_stopped_partition_goes_on_where_it_was_once_the_release_knows_the_type(
    rig: Rig,
) -> None:
    await rig.log.append([event(1, of="docaxis.bank.v1.Future")])
    processor = rig.processor()
    task = rig.start(processor)
    await until(lambda: processor.health.state is PartState.FAILED)
    waiting = await rig.append(Deposit("a.1", 1))
    await rig.stop(task)

    class Newer:
        def __getattr__(self, name: str) -> Any:
            return getattr(CODEC, name)

        def decode(self, name: str, data: bytes) -> Any:
            return Deposited("a.1", 5, 0) if name.endswith("Future") else CODEC.decode(name, data)

    newer: Any = Newer()
    rig.start(Processor(decider(), newer, rig.log, rig.store, TOPICS))
    door = rig.door()
    rig.start(door)
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 7)
    assert waiting in {each.envelope.causation_id for each in await rig.records()}


async def test_L4_a_checkpoint_beyond_the_end_refuses(rig: Rig) -> None:
    await declare_states(decider(), rig.store)
    await rig.store.apply(states_space(decider()), AT, None, Position(9, 9), {})
    with pytest.raises(Divergence, match="the log ends at"):
        await fold(rig.log, rig.store, decider())
    processor = rig.processor()
    rig.start(processor)
    await until(lambda: processor.health.state is PartState.FAILED)


async def test_L4_after_a_restore_states_are_folded_anew(rig: Rig) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    await ask(door, Deposit("a.1", 1))
    await rig.close()
    (rig.folder / "log" / "log.sqlite").unlink()  # an older backup is put in its place: empty
    for rest in (rig.folder / "log").glob("log.sqlite-*"):
        rest.unlink()
    await rig.open()
    await rig.close()
    assert raise_epoch(rig.folder / "log") == 2
    await rig.open()
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    answers = [await ask(door, Deposit("a.1", 1)) for _ in range(3)]
    assert answers[-1] == Balance("a.1", 3)
    events = await rig.records()
    check_versions(events)
    assert {each.envelope.epoch for each in events} == {2}


async def test_L26_a_new_version_folds_its_states_before_it_takes_partitions(
    any_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = any_rig.door()
    old = any_rig.start(any_rig.processor())
    any_rig.start(door)
    await asyncio.gather(*(ask(door, Deposit(f"b{i % 7}.x", 1)) for i in range(70)))
    joining = asyncio.Event()
    may_join = asyncio.Event()
    real = any_rig.log.join

    async def join(group: str, topics: Any, **options: Any) -> Any:
        joining.set()
        await may_join.wait()
        return await real(group, topics, **options)

    monkeypatch.setattr(any_rig.log, "join", join)
    of = decider(fold_version=2)
    any_rig.start(any_rig.processor(of))
    await joining.wait()
    for at in {partition(f"b{i}.x") for i in range(7)}:
        end = await any_rig.log.end(TOPICS.events, at)
        stored = await any_rig.store.checkpoint(states_space(of), at)
        assert stored is not None
        assert stored.version == end.version
    assert await ask(door, Deposit("b0.x", 1)) == Balance("b0.x", 11)  # the old one still decides
    may_join.set()
    await any_rig.stop(old)
    assert await ask(door, Deposit("b0.x", 1)) == Balance("b0.x", 12)


async def test_L7_undecided_commands_are_answered_from_the_log_after_a_restart(
    any_rig: Rig,
) -> None:
    door = any_rig.door()
    any_rig.start(door)
    assert await door.ask(Deposit("a.1", 1), command_id="c", partition=AT, wait_s=0.02) is None
    await any_rig.restart()
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    assert await ask(door, Deposit("a.1", 1), "c") == Balance("a.1", 1)
