"""L34: each guard is taken away once, and the check that it serves then fails.

The checks are those that the other tests make; here they must not hold.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_log.groups import Group
from docaxis_adapters.sqlite_log.writer import WriteJob
from docaxis_eventsourcing.ports.event_log import START, Batch
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.states import Entry, Fold, declare_states
from tests.unit.docaxis_eventsourcing.bank import (
    TOPICS,
    Deposit,
    Post,
    decider,
    partition,
)
from tests.unit.docaxis_eventsourcing.bank_views import VIEW
from tests.unit.docaxis_eventsourcing.rig import (
    Rig,
    ask,
    check_once,
    check_versions,
    running,
    until,
)
from tests.unit.docaxis_eventsourcing.test_taking import event, fold
from tests.unit.docaxis_eventsourcing.view_runs import deposits, expected, passed, rows, runner

AT = partition("a.1")


async def counts_over_a_restart(rig: Rig) -> None:
    """L12: a processor ends after its commit; its successor goes on behind it."""
    ids = [await rig.append(Deposit("a.1", 1)) for _ in range(5)]
    for last in ("last", "after"):
        door = rig.door()
        rig.start(door)
        rig.start(rig.processor())
        await ask(door, Deposit("a.1", 1), last)
        await rig.restart()
    events = await rig.records()
    check_once(events, {*ids, "last", "after"})
    check_versions(events)


def without_repeats(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Entry, "repeated", lambda self, command_id: None)


def without_transaction(patch: pytest.MonkeyPatch) -> None:
    """Events first, positions never: as if it always died in between."""

    async def commit(self: Any, batch: Batch, outputs: Any) -> Any:
        return await self._write({}, batch.token, outputs)

    patch.setattr("docaxis_adapters.sqlite_log.consumer.SqliteConsumer.commit", commit)


def positions_before_events(patch: pytest.MonkeyPatch) -> None:
    """Positions first, events never."""

    async def commit(self: Any, batch: Batch, outputs: Any) -> Any:
        await self._write(batch.upto, batch.token, ())
        return [START for _ in outputs]

    async def not_kept(self: Any, *_: Any) -> bool:
        return True

    patch.setattr("docaxis_adapters.sqlite_log.consumer.SqliteConsumer.commit", commit)
    patch.setattr(Processor, "_keep", not_kept)


async def test_the_transaction_of_events_and_positions(rig: Rig) -> None:
    await counts_over_a_restart(rig)


async def test_L34_events_without_their_positions_are_decided_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_transaction(monkeypatch)
    without_repeats(monkeypatch)  # which would hide it, for the last 64 commands
    with pytest.raises(AssertionError, match="decided twice"):
        await counts_over_a_restart(rig)


async def test_L34_positions_without_their_events_lose_acknowledged_commands(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions_before_events(monkeypatch)
    rig.start(rig.processor())
    command = await rig.append(Deposit("a.1", 1))
    await _committed(rig, "docaxis.bank.processor", TOPICS.commands())
    with pytest.raises(AssertionError, match="lost"):
        check_once(await rig.records(), {command})


async def _committed(rig: Rig, group: str, topic: str) -> None:
    """Wait until the group has committed past all that the topic's partition holds."""
    end = await rig.log.end(topic, AT)
    log: Any = rig.log
    streams = log._parts.streams
    stream = streams.number(topic, AT)
    await until(lambda: bool(streams.committed_by(group, stream).place >= end.place))


async def asked_twice(rig: Rig) -> None:
    """L2: a client that heard nothing asks again."""
    door = rig.door()
    rig.start(door)
    rig.start(rig.processor())
    for _ in range(2):
        await ask(door, Deposit("a.1", 1), "same")
    await rig.stop()
    check_once(await rig.records(), {"same"})


async def test_repeats(rig: Rig) -> None:
    await asked_twice(rig)


async def test_L34_without_repeats_a_command_counts_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_repeats(monkeypatch)
    with pytest.raises(AssertionError, match="decided twice"):
        await asked_twice(rig)


class AlwaysLate(Unkindness):
    """What was committed is seen only a moment later."""

    def delay_s(self) -> float:
        return 0.3


async def late_events_are_folded(folder: Path) -> None:
    """L15: the owner before committed, and its events are not yet visible."""
    unkind = AlwaysLate(gap_chance=0, regain_chance=0)
    log = await SqliteEventLog.open(folder / "late", unkindness=unkind, synchronous="OFF")
    try:
        async with running(folder) as rig:
            await log.declare((TOPICS.events,))
            await declare_states(decider(), rig.store)
            await log.append([event(1)])
            states = await fold(log, rig.store, decider())
            assert states.position.version == 1, "decides on a state older than its own events"
    finally:
        await log.close()


async def test_the_end_that_counts_what_is_not_yet_visible(tmp_path: Path) -> None:
    await late_events_are_folded(tmp_path)


async def test_L34_who_folds_only_to_the_last_visible_record_decides_on_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def visible_end(self: Any, topic: str, at: int) -> Any:
        streams = self._parts.streams
        stream = streams.number(topic, at)
        return streams.end(stream)._replace(place=streams.visible[stream])

    monkeypatch.setattr(SqliteEventLog, "end", visible_end)
    with pytest.raises(AssertionError, match="older than its own events"):
        await late_events_are_folded(tmp_path)


async def rebuilt_counts(rig: Rig) -> None:
    """L24: a batch whose answer was lost is applied once."""
    door = rig.door()
    rig.start(door)
    rig.start(rig.processor())
    view = runner(rig)
    rig.start(view)
    await deposits(rig, door, 60)
    await passed(view)
    assert await rows(view) == await expected(rig)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_checkpoint(tmp_path: Path, seed: int) -> None:
    async with running(tmp_path, seed) as rig:
        await rebuilt_counts(rig)


async def test_L34_without_the_checkpoint_a_replay_counts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as rig:
        real: Callable[..., Any] = rig.store.apply

        async def unchecked(space: str, at: int, start: Any, end: Any, changes: Any) -> None:
            if space.startswith(VIEW.full_name):
                stored = await rig.store.checkpoint(space, at)
                await real(space, at, stored, end, changes)
                stored = await rig.store.checkpoint(space, at)  # the answer was lost: once more
                await real(space, at, stored, end, changes)
            else:
                await real(space, at, start, end, changes)

        monkeypatch.setattr(rig.store, "apply", unchecked)
        with pytest.raises(AssertionError):
            await rebuilt_counts(rig)


async def zombies(folder: Path) -> None:
    """L11: a processor that was stopped past its session wakes up and commits its batch."""
    async with running(folder) as rig:
        door = rig.door()
        rig.start(door)
        zombie = rig.processor()
        asleep, wake = asyncio.Event(), asyncio.Event()
        real = zombie._decide

        async def sleeping(batch: Batch, consumer: Any) -> Any:
            decided = await real(batch, consumer)
            asleep.set()
            await wake.wait()
            return decided

        zombie._decide = sleeping  # type: ignore[method-assign]
        rig.start(zombie)
        asked = asyncio.create_task(ask(door, Post("b0.x"), "c"))
        await asleep.wait()
        log: Any = rig.log
        group: Group = log._groups.get("docaxis.bank.processor", TOPICS.all_commands)
        (member,) = group._members
        group.leave(member)  # its session is over
        rig.start(rig.processor())
        await asked
        wake.set()
        await ask(door, Post("b1.x"), "d")
        await log._parts.writer.submit(WriteJob(log._parts.streams))  # behind the zombie's own
        events = await rig.records()
        check_once(events, {"c", "d"})
        check_versions(events)


async def test_fencing(tmp_path: Path) -> None:
    await zombies(tmp_path)


async def test_L34_without_fencing_two_owners_write_one_version_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Group, "holds", lambda self, member, leases: True)
    with pytest.raises(AssertionError, match="decided twice"):
        await zombies(tmp_path)


async def gap_is_seen(rig: Rig) -> None:
    """L16: what was written by two owners, or with a hole, is never folded."""
    await declare_states(decider(), rig.store)
    await rig.log.append([event(1), event(1, "by another owner")])
    try:
        await fold(rig.log, rig.store, decider())
    except Exception as error:  # noqa: BLE001 - any refusal will do here
        assert "expected 2" in str(error)
    else:
        raise AssertionError("a diverged log was folded")


async def test_the_version_check(rig: Rig) -> None:
    await gap_is_seen(rig)


async def test_L34_without_the_version_check_a_diverged_log_is_folded(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Fold.add

    def unchecked(self: Fold, envelope: Any, of: Any) -> None:
        self.version = envelope.sequence - 1
        real(self, envelope, of)

    monkeypatch.setattr(Fold, "add", unchecked)
    with pytest.raises(AssertionError, match="diverged"):
        await gap_is_seen(rig)
