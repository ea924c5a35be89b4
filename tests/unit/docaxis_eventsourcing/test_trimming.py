"""Decided commands are removed (L17), and nothing that is not decided."""

import asyncio
from typing import Any

import pytest

from docaxis_eventsourcing.errors import Divergence, Unavailable
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import START, Consumer, Position, Recorded
from docaxis_eventsourcing.trimming import CommandTrimming
from tests.unit.docaxis_eventsourcing.bank import TOPICS, Balance, Deposit, Post, partition
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, check_once, check_versions, until

AT = partition("a.1")
COMMANDS = TOPICS.commands()


async def first_left(rig: Rig) -> int:
    """How many of AT's commands were removed: the log tells who asks for the first."""
    tail = rig.log.tail(COMMANDS, {AT: START})
    try:
        await tail.next(1, 0)
        return 0
    except Divergence:
        log: Any = rig.log
        return int(log._parts.streams.removed[log._parts.streams.number(COMMANDS, AT)])
    finally:
        await tail.close()


async def commands_of(rig: Rig, count: int) -> list[Recorded]:
    for number in range(count):
        await rig.append(Deposit("a.1", 1), id=f"c{number}")
    return [each for each in await rig.records(COMMANDS) if each.partition == AT]


async def member(rig: Rig, decided: int) -> Consumer:
    """A member whose group has committed so many of AT's commands, and read all of them."""
    consumer = await rig.log.join("group", TOPICS.all_commands, transactional=True)
    polled = await consumer.poll(1, 20.0)
    for at in polled.assigned:
        consumer.start(at)
    batch = (await consumer.poll(decided, 20.0)).batch
    assert batch is not None and len(batch.records) == decided
    await consumer.commit(batch, ())
    assert (await consumer.poll(100, 20.0)).batch is not None  # read, and not decided
    return consumer


async def test_L17_only_what_the_group_has_committed_is_removed(rig: Rig) -> None:
    records = await commands_of(rig, 6)
    consumer = await member(rig, 4)
    assert consumer.reached(COMMANDS, AT) == records[5].after, (
        "what was read is not what is decided"
    )
    await CommandTrimming(rig.log).trim(AT, consumer)
    assert await first_left(rig) == records[3].after.place
    tail = rig.log.tail(COMMANDS, {AT: records[3].after})
    assert list(await tail.next(10, 20.0)) == records[4:]


async def test_L17_a_group_that_has_decided_nothing_keeps_all(rig: Rig) -> None:
    await commands_of(rig, 3)
    consumer = await rig.log.join("group", TOPICS.all_commands, transactional=True)
    await CommandTrimming(rig.log).trim(AT, consumer)
    assert await first_left(rig) == 0


async def test_L17_it_is_asked_for_where_the_place_moved_and_not_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commands_of(rig, 6)
    consumer = await member(rig, 2)
    real, asked = rig.log.trim, []

    async def trim(topic: str, at: int, before: Position) -> None:
        asked.append(before.place)
        await real(topic, at, before)

    monkeypatch.setattr(rig.log, "trim", trim)
    trimming = CommandTrimming(rig.log)
    for _ in range(3):
        await trimming.trim(AT, consumer)
        await trimming.trim(AT - 1, consumer)
    assert asked == [2]


async def test_L22_a_log_that_is_away_is_tried_again_and_nobody_hears_of_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = rig.log.trim, 0

    async def trim(topic: str, at: int, before: Position) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Unavailable("no broker")
        await real(topic, at, before)

    monkeypatch.setattr(rig.log, "trim", trim)
    door = rig.door()
    processor = rig.processor(trim_every_s=0.01)
    rig.start(processor)
    rig.start(door)
    for amount in range(1, 4):
        assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", amount)

    async def trimmed() -> bool:
        return await first_left(rig) >= 2  # the last one stays

    await until(trimmed)
    assert processor.health.state is PartState.WORKING


async def test_L17_a_running_processor_trims_and_its_successor_goes_on(any_rig: Rig) -> None:
    """Under load, on kind and unkind logs: whatever is removed was decided once."""
    ids: set[str] = set()
    for start in range(3):
        door = any_rig.door()
        any_rig.start(any_rig.processor(batch_limit=10, trim_every_s=0.005))
        any_rig.start(door)
        mine = [f"{start}-{number}" for number in range(60)]
        await asyncio.gather(*(ask(door, Post(f"b{i % 9}.x"), one) for i, one in enumerate(mine)))
        await asyncio.gather(*(ask(door, Deposit("a.1", 1), f"a{start}-{i}") for i in range(20)))
        ids |= {*mine, *(f"a{start}-{i}" for i in range(20))}

        async def trimmed(least: int = 20 * start + 1) -> bool:
            return await first_left(any_rig) >= least

        await until(trimmed)
        await any_rig.restart()
    events = await any_rig.records()
    check_versions(events)
    check_once(events, ids)


async def undecided_commands_are_decided(rig: Rig) -> None:
    """A holiday: commands were acknowledged, nobody decides, and somebody trims."""
    ids = {await rig.append(Deposit("a.1", 1)) for _ in range(5)}
    consumer = await rig.log.join("docaxis.bank.processor", TOPICS.all_commands)
    await CommandTrimming(rig.log).trim(AT, consumer)
    await consumer.close()
    door = rig.door()
    processor = rig.processor()
    rig.start(door)
    task = asyncio.create_task(processor.run())
    asking = asyncio.create_task(ask(door, Deposit("a.1", 1), "last"))
    try:
        await asyncio.wait((task, asking), return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), "acknowledged commands are gone"
    finally:
        for each in (task, asking):
            each.cancel()
        await asyncio.gather(task, asking, return_exceptions=True)
    check_once(await rig.records(), {*ids, "last"})


async def test_the_position_that_the_log_tells(rig: Rig) -> None:
    await undecided_commands_are_decided(rig)


async def test_L34_who_trims_by_another_position_loses_acknowledged_commands(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard removed: what was written is taken for decided."""

    async def by_the_end(self: CommandTrimming, at: int, consumer: Consumer) -> None:
        await rig.log.trim(COMMANDS, at, await rig.log.end(COMMANDS, at))

    monkeypatch.setattr(CommandTrimming, "trim", by_the_end)
    with pytest.raises(AssertionError, match="gone"):
        await undecided_commands_are_decided(rig)
