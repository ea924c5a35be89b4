"""The door: outcomes to who asked (L7), 202 after the wait, and back-pressure (L23)."""

import asyncio
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.parts import PartState
from tests.unit.docaxis_eventsourcing.bank import (
    TOPICS,
    Balance,
    Close,
    CloseAt,
    Deposit,
    partition,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, until

AT = partition("a.1")


async def test_L7_not_decided_within_the_wait_is_durable_and_answered_later(rig: Rig) -> None:
    door = rig.door()
    rig.start(door)
    assert await door.ask(Deposit("a.1", 1), command_id="c", partition=AT, wait_s=0.01) is None
    assert len(await rig.records(TOPICS.commands())) == 1
    rig.start(rig.processor())
    assert await ask(door, Deposit("a.1", 1), "c") == Balance("a.1", 1)
    assert len(await rig.records()) == 1


async def test_L7_each_replica_hears_its_own_outcomes(rig: Rig) -> None:
    doors = [rig.door(outcomes_partition=number) for number in (0, 7)]
    rig.start(rig.processor())
    for door in doors:
        rig.start(door)
    first, second = await asyncio.gather(*(ask(door, Deposit("a.1", 1), "c") for door in doors))
    assert first == second == Balance("a.1", 1)


async def test_L23_a_door_refuses_before_it_writes_while_its_partition_lags(rig: Rig) -> None:
    door = rig.door(wait_s=0.05)
    rig.start(door)
    assert await door.ask(Deposit("a.1", 1), command_id="c", partition=AT) is None

    async def busy() -> bool:
        try:
            await door.ask(Deposit("a.1", 1), command_id="d", partition=AT, wait_s=0)
        except DocaxisError as error:
            assert error.code == "busy"
            assert error.retry_after_s is not None
            return True
        return False

    await until(busy)
    commands = len(await rig.records(TOPICS.commands()))
    with pytest.raises(DocaxisError, match="busy"):
        await door.ask(Deposit("a.1", 1), command_id="e", partition=AT)
    assert len(await rig.records(TOPICS.commands())) == commands
    other = (AT + 1) % 12  # no other partition is held up
    assert await door.ask(Deposit("a.1", 1), command_id="f", partition=other) is None
    rig.start(rig.processor())

    async def asked_again() -> bool:
        try:
            return await door.ask(Deposit("a.1", 1), command_id="g", partition=AT) is not None
        except DocaxisError:
            return False

    await until(asked_again)


async def test_L23_a_command_without_an_outcome_does_not_count_as_lag_for_ever(rig: Rig) -> None:
    door = rig.door(wait_s=0.2)
    rig.start(rig.processor())
    rig.start(door)
    await ask(door, CloseAt("a.1", 4_000_000_000_000))
    not_yet = Close("a.1", 4_000_000_000_000)
    assert await door.ask(not_yet, command_id="n", partition=AT, wait_s=0.01) is None
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 1)
    assert [lag.seconds() for lag in door._lags.values()] == [0.0]


async def test_a_door_keeps_nothing_of_who_is_gone(rig: Rig) -> None:
    door = rig.door()
    rig.start(door)
    tasks = [
        asyncio.create_task(door.ask(Deposit("a.1", 1), command_id=f"c{i}", partition=AT))
        for i in range(20)
    ]
    await until(lambda: len(door._waiting) == 20)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert door._waiting == {}


async def test_a_door_whose_log_is_away_says_so_and_misses_no_outcome(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rig.log.tail
    broken: list[Any] = []

    def tail(*args: Any) -> Any:
        found = real(*args)
        if len(broken) < 3:
            broken.append(found)
            monkeypatch.setattr(found, "next", away)
        return found

    async def away(*_: Any) -> Any:
        raise Unavailable("the broker is away")

    door = rig.door()
    rig.start(rig.processor())
    monkeypatch.setattr(rig.log, "tail", tail)
    rig.start(door)
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 1)
    await until(lambda: door.health.state is PartState.WORKING)
    assert len(broken) == 3


async def test_a_command_that_could_not_be_made_durable_is_told_and_forgotten(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("disk full")

    door = rig.door()
    rig.start(door)
    monkeypatch.setattr(rig.log, "append", away)
    with pytest.raises(Unavailable):
        await door.ask(Deposit("a.1", 1), command_id="c", partition=AT)
    assert door._waiting == {}
    assert [lag.seconds() for lag in door._lags.values()] == [0.0]


async def test_L9_no_message_is_larger_than_256_kilobytes(rig: Rig) -> None:
    door = rig.door()
    rig.start(door)
    with pytest.raises(DocaxisError, match="request_too_large"):
        await door.ask(Deposit("a" * 300_000, 1), command_id="c", partition=0)
    assert door._waiting == {}
