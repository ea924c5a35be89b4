"""Partitions are taken beside the decisions (L15): one that waits, is lost or is won anew."""

import asyncio
from typing import Any

import pytest

from docaxis_adapters.sqlite_log.groups import Group
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.states import Entry, declare_states
from docaxis_eventsourcing.taking import Takings
from tests.unit.docaxis_eventsourcing.bank import (
    TOPICS,
    Balance,
    Deposit,
    Post,
    decider,
    partition,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, check_once, check_versions, until
from tests.unit.docaxis_eventsourcing.test_taking import AT, OTHER, event

GROUP = "docaxis.bank.processor"


class OpenTransaction:
    """What a dead owner left: the next fold of AT's events cannot go on until `ended`.

    Folds that begin later can.
    """

    def __init__(self, log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.met = asyncio.Event()
        self.ended = asyncio.Event()
        self._real = log.tail
        self._next = True
        monkeypatch.setattr(log, "tail", self._tail)

    def _tail(self, topic: str, start: Any) -> Any:
        tail = self._real(topic, start)
        if topic == TOPICS.events and AT in start and self._next:
            self._next = False
            real = tail.next

            async def held_up(limit: int, wait_s: float) -> Any:
                self.met.set()
                await self.ended.wait()
                return await real(limit, wait_s)

            tail.next = held_up
        return tail


async def with_open_transaction(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> OpenTransaction:
    """The states of AT are one event behind, and that event cannot be read for now."""
    await rig.log.append([event(1)])
    await declare_states(decider(), rig.store)
    await rig.states(decider(), AT)
    await rig.log.append([event(2)])
    return OpenTransaction(rig.log, monkeypatch)


def group_of(rig: Rig) -> Group:
    log: Any = rig.log
    group: Group = log._groups.get(GROUP, TOPICS.all_commands)
    return group


def takings() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("taking")]


async def test_L15_a_partition_that_cannot_be_folded_yet_holds_no_other_up(
    any_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = await with_open_transaction(any_rig, monkeypatch)
    processor = any_rig.processor()
    any_rig.start(processor)
    door = any_rig.door()
    any_rig.start(door)
    await transaction.met.wait()
    assert await ask(door, Deposit(OTHER, 1)) == Balance(OTHER, 1)
    waiting = await door.ask(Deposit("a.1", 1), command_id="c", partition=AT, wait_s=0.05)
    if not any_rig.seed:  # an unkind log gives partitions back, and they are taken anew
        assert waiting is None
        assert processor.health.state is PartState.STARTING, "not ready before it holds all"
    transaction.ended.set()
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 4)
    await until(lambda: processor.health.state is PartState.WORKING)
    check_versions(await any_rig.records())


async def test_L15_a_partition_that_is_lost_while_it_is_taken_is_left_to_its_owner(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = await with_open_transaction(rig, monkeypatch)
    first = rig.processor()
    task = rig.start(first)
    await transaction.met.wait()
    second = rig.start(rig.processor())
    door = rig.door()
    rig.start(door)
    assert await ask(door, Deposit("a.1", 1), "by the second") == Balance("a.1", 3)
    await until(lambda: not first._takings)
    assert AT not in first._held
    transaction.ended.set()
    await until(lambda: not takings())
    assert await ask(door, Deposit("a.1", 1), "still") == Balance("a.1", 4)
    assert await ask(door, Post("b0.x"), "elsewhere")
    assert AT not in first._held and not task.done()
    await rig.stop(second)
    assert await ask(door, Deposit("a.1", 1), "by the first") == Balance("a.1", 5)
    events = await rig.records()
    check_versions(events)
    check_once(events, {"by the second", "still", "elsewhere", "by the first"})


async def test_L15_a_partition_that_is_won_anew_while_it_is_taken_is_taken_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first taking asked where the group stands before another member decided further."""
    monkeypatch.setattr(Entry, "repeated", lambda self, command_id: None)  # would hide a second
    transaction = await with_open_transaction(rig, monkeypatch)
    first = rig.processor()
    task = rig.start(first)
    await transaction.met.wait()
    second = rig.start(rig.processor())
    door = rig.door()
    rig.start(door)
    assert await ask(door, Deposit("a.1", 1), "by the second") == Balance("a.1", 3)
    await rig.stop(second)
    assert await ask(door, Deposit("a.1", 1), "by the first") == Balance("a.1", 4)
    transaction.ended.set()
    await until(lambda: not takings())
    assert await ask(door, Deposit("a.1", 1), "after") == Balance("a.1", 5)
    assert not task.done()
    events = await rig.records()
    check_versions(events)
    check_once(events, {"by the second", "by the first", "after"})


async def test_L11_partitions_given_back_at_once_are_all_taken_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = await with_open_transaction(rig, monkeypatch)
    processor = rig.processor()
    rig.start(processor)
    door = rig.door()
    rig.start(door)
    await transaction.met.wait()
    group = group_of(rig)
    (member,) = group._members
    group.shake(member)
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 3)
    assert not transaction.ended.is_set(), "the taking of before is still held up"
    await until(lambda: not takings())
    assert set(processor._held) == set(range(rig.partitions))


async def test_a_processor_that_stops_while_it_takes_leaves_nothing_behind(
    any_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = await with_open_transaction(any_rig, monkeypatch)
    task = any_rig.start(any_rig.processor())
    await transaction.met.wait()
    await any_rig.stop(task)
    assert takings() == []
    assert not group_of(any_rig)._members
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 3)


async def test_a_fault_of_our_own_while_taking_is_seen(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(*_: Any) -> Any:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("docaxis_eventsourcing.taking.catch_up", faulty)
    processor = rig.processor()
    monkeypatch.setattr(processor._taker, "fold_ahead", lambda at: asyncio.sleep(0))
    with pytest.raises(KeyError, match="a fault of ours"):
        await processor.run()
    assert takings() == []


async def test_L16_a_partition_that_diverges_stops_and_the_others_are_taken(rig: Rig) -> None:
    await declare_states(decider(), rig.store)
    await rig.log.append([event(1), event(3)])
    processor = rig.processor()
    rig.start(processor)
    await until(lambda: processor.health.state is PartState.FAILED)
    await until(lambda: set(processor._held) == set(range(rig.partitions)) - {AT})


async def test_L17_commands_that_are_gone_undecided_stop_the_processor_loudly(rig: Rig) -> None:
    for _ in range(3):
        await rig.append(Deposit("a.1", 1))
    commands = [record for record in await rig.records(TOPICS.commands())]
    await rig.log.trim(TOPICS.commands(), AT, commands[1].after)
    processor = rig.processor()
    with pytest.raises(Divergence):
        await processor.run()
    assert processor.health.state is PartState.FAILED
    assert partition("a.1") == AT


async def test_who_is_told_twice_of_a_partition_takes_it_once() -> None:
    begun = 0

    async def take(at: int, consumer: Any) -> Any:
        nonlocal begun
        begun += 1
        await asyncio.Event().wait()

    consumer: Any = None
    each = Takings(take)
    each.begin(3, consumer)
    await until(lambda: begun == 1)
    each.begin(3, consumer)
    await until(lambda: begun == 2 and len(takings()) == 1)
    await each.close()
    assert not takings() and not each
