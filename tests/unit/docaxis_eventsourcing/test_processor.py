"""Commands in, events and outcomes out, over the real log and store, kind and unkind (L33)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from docaxis_eventsourcing.decider import Moment, Request
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_eventsourcing.states import _TABLE, states_space
from docaxis_proto.kernel_v1_pb2 import CommandDied, Outcome
from tests.unit.docaxis_eventsourcing.bank import (
    CODEC,
    TOPICS,
    Account,
    Balance,
    CloseAt,
    Deposit,
    Number,
    Open,
    Poison,
    Post,
    Transfer,
    decider,
    partition,
)
from tests.unit.docaxis_eventsourcing.rig import (
    Rig,
    ask,
    check_once,
    check_versions,
    outcome_of,
    until,
)


async def test_L6_a_command_gets_its_aggregates_together(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    assert await ask(door, Deposit("a.1", 5)) == Balance("a.1", 5)
    assert await ask(door, Transfer("a.1", "a.2", 3)) == Balance("a.1", 2)
    assert await ask(door, Transfer("a.2", "a.1", 3)) == Balance("a.2", 0)
    with pytest.raises(DocaxisError) as refused:
        await ask(door, Transfer("a.2", "a.1", 1))
    assert refused.value.code == "too_poor"
    assert refused.value.params == {"balance": "0"}
    assert [problem.pointer for problem in refused.value.fields] == ["/amount"]


async def test_L3_L7_under_load_versions_have_no_gaps_and_each_command_one_outcome(
    any_rig: Rig,
) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    ids = [f"post-{number}" for number in range(400)]
    numbers: list[Number] = await asyncio.gather(
        *(ask(door, Post(f"b{i % 17}.x"), command_id) for i, command_id in enumerate(ids))
    )
    for branch in range(17):
        given = sorted(each.number for each in numbers if each.inbox == f"b{branch}.x")
        assert given == list(range(1, len(given) + 1))
    events = await any_rig.records()
    check_versions(events)
    check_once(events, set(ids))
    outcomes = [record.envelope.causation_id for record in await any_rig.records(TOPICS.outcomes)]
    assert sorted(outcomes) == sorted(ids)


async def test_L2_a_repeat_gets_the_first_answer_also_after_a_restart(any_rig: Rig) -> None:
    first = True
    for start in range(3):
        door = any_rig.door()
        any_rig.start(any_rig.processor())
        any_rig.start(door)
        for _ in range(2):
            outcome = await outcome_of(door, Deposit("a.1", 5), "same")
            assert outcome is not None
            assert CODEC.decode(outcome.answer.type, outcome.answer.data) == Balance("a.1", 5)
            assert outcome.kind == (Outcome.DECIDED if first else Outcome.ALREADY_DECIDED)
            first = False
        await ask(door, Deposit("a.1", 1), f"other-{start}")
        await any_rig.restart()
    events = await any_rig.records()
    check_once(events, {"same", "other-0", "other-1", "other-2"})


async def test_L2_L26_states_folded_anew_know_the_repeats_and_are_the_same(any_rig: Rig) -> None:
    door = any_rig.door()
    first = any_rig.start(any_rig.processor())
    any_rig.start(door)
    ids = [f"d{number}" for number in range(60)]
    for start in range(0, 60, 20):
        await asyncio.gather(
            *(ask(door, Deposit(f"b{i % 5}.x", 1), ids[i]) for i in range(start, start + 20))
        )
    await any_rig.stop(first)
    again = any_rig.processor(decider(fold_version=2))
    any_rig.start(again)
    answer = await ask(door, Deposit("b0.x", 1), "d0")
    assert answer == Balance("b0.x", 1)
    await any_rig.stop()
    check_once(await any_rig.records(), set(ids))
    await any_rig.fold(decider())  # the first may have been stopped before it kept all
    await any_rig.fold(decider(fold_version=2))
    digests = [
        await space_digest(any_rig.store, states_space(decider(version)), (_TABLE,))
        for version in (1, 2)
    ]
    assert digests[0] == digests[1]


async def test_L2_asked_many_times_at_once_it_is_decided_once(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    outcomes = await asyncio.gather(
        *(outcome_of(door, Deposit("a.1", 5), "same") for _ in range(30))
    )
    kinds = [outcome.kind for outcome in outcomes if outcome is not None]
    assert sorted(kinds) == [Outcome.DECIDED] + [Outcome.ALREADY_DECIDED] * 29
    assert len(await any_rig.records()) == 1


async def test_L7_a_refusal_writes_no_event_and_who_does_not_wait_gets_no_outcome(
    rig: Rig,
) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    await rig.append(Deposit("a.1", 1))
    await rig.append(Transfer("a.1", "a.2", 9))
    with pytest.raises(DocaxisError, match="too_poor"):
        await ask(door, Transfer("a.1", "a.2", 9))
    assert len(await rig.records()) == 1
    assert len(await rig.records(TOPICS.outcomes)) == 1


async def test_L7_a_refused_command_is_decided_anew_later(rig: Rig) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    with pytest.raises(DocaxisError, match="too_poor"):
        await ask(door, Transfer("a.1", "a.2", 1), "same")
    await ask(door, Deposit("a.1", 1))
    assert await ask(door, Transfer("a.1", "a.2", 1), "same") == Balance("a.1", 0)


async def test_L5_now_is_log_time_and_never_runs_backwards_not_even_over_a_restart(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = rig.door(clock=lambda: 4_000_000_000_000)  # a door far ahead claims what it likes
    rig.start(rig.processor())
    rig.start(door)
    await ask(door, Deposit("a.1", 1))
    await rig.stop()
    (first,) = await rig.records()
    assert first.envelope.time < 4_000_000_000_000
    ahead = first.envelope.time + 3_600_000

    # As if this partition's last command had come in a lane whose log time was an hour ahead.
    processor = rig.processor()
    real = processor._decide_partition

    async def later(at: int, held: Any, pendings: Any) -> Any:
        moved = [replace(each, record=replace(each.record, time=ahead)) for each in pendings]
        return await real(at, held, moved)

    monkeypatch.setattr(processor, "_decide_partition", later)
    door = rig.door()
    rig.start(door)
    task = rig.start(processor)
    await ask(door, Deposit("a.1", 1))
    await rig.stop(task)
    rig.start(rig.processor())
    await ask(door, Deposit("a.1", 1))
    times = [record.envelope.time for record in await rig.records()]
    assert times[1:] == [ahead, ahead]


async def test_L22_a_poisoned_command_dies_alone(any_rig: Rig) -> None:
    door = any_rig.door()
    processor = any_rig.processor()
    any_rig.start(processor)
    any_rig.start(door)

    async def poison(how: str) -> None:
        for _ in range(2):  # a repeat is dead, too, and writes nothing more
            with pytest.raises(DocaxisError, match="command_dead"):
                await ask(door, Poison("a.1", how), f"poison-{how}")

    hows = ("decide", "evolve", "stranger", "encode")
    await asyncio.gather(
        *(poison(how) for how in hows), *(ask(door, Deposit("a.1", 1)) for _ in range(20))
    )
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 21)
    events = await any_rig.records()
    check_versions(events)
    died = [CommandDied.FromString(e.data) for e in events if e.envelope.type.endswith("Died")]
    assert {each.command_id for each in died} == {f"poison-{how}" for how in hows}
    assert len(died) == len(hows)
    assert {CODEC.decode(each.command_type, each.command_data) for each in died} == {
        Poison("a.1", how) for how in hows
    }
    await until(lambda: processor.health.state is PartState.WORKING)


@pytest.mark.parametrize(
    ("type_name", "data"), [("docaxis.bank.v1.Unheard", b""), ("docaxis.bank.v1.Deposit", b"\xff")]
)
async def test_L22_a_command_that_cannot_be_read_dies_alone(
    rig: Rig, type_name: str, data: bytes
) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    envelope = Envelope(id="odd", type=type_name, source="test", reply_to=0, actor="who")
    await rig.log.append([Outgoing(TOPICS.commands(), partition("a.1"), Message(envelope, data))])
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 1)
    first, _ = await rig.records()
    died = CommandDied.FromString(first.data)
    assert (died.command_id, died.command_data, died.actor) == ("odd", data, "who")


async def test_L22_facts_that_fail_for_one_command_kill_that_one_alone(rig: Rig) -> None:
    away = True

    async def facts(requests: Sequence[Request]) -> Sequence[Moment]:
        if away:
            raise Unavailable("the registry does not answer")
        if any(isinstance(request.command, Open) for request in requests):
            raise KeyError("a fault of ours")
        return [Moment(request.now, request.command_id) for request in requests]

    door = rig.door()
    processor = rig.processor(decider(facts=facts))
    rig.start(processor)
    rig.start(door)
    deposits = [asyncio.create_task(ask(door, Deposit("a.1", 1))) for _ in range(5)]
    opening = asyncio.create_task(ask(door, Open("a.2", "An")))
    await until(lambda: processor.health.state is PartState.WAITING)
    away = False
    assert {balance.amount for balance in await asyncio.gather(*deposits)} == {1, 2, 3, 4, 5}
    with pytest.raises(DocaxisError, match="command_dead"):
        await opening
    await until(lambda: processor.health.state is PartState.WORKING)


@pytest.mark.parametrize("call", ["apply", "get", "checkpoint", "declare"])
async def test_L22_a_store_that_is_away_pauses_and_nothing_is_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real = getattr(rig.store, call)
    away = True

    async def broken(*args: Any, **kw: Any) -> Any:
        if away:
            raise Unavailable("the store is away")
        return await real(*args, **kw)

    monkeypatch.setattr(rig.store, call, broken)
    door = rig.door()
    processor = rig.processor()
    rig.start(processor)
    rig.start(door)
    asked = [asyncio.create_task(ask(door, Post("a.x"), f"p{i}")) for i in range(20)]
    await until(lambda: processor.health.state is PartState.WAITING)
    away = False
    numbers = {each.number for each in await asyncio.gather(*asked)}
    assert numbers == set(range(1, 21))
    check_once(await rig.records(), {f"p{i}" for i in range(20)})


async def test_L21_a_timer_is_appended_when_due_and_decided_once(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    await ask(door, CloseAt("a.1", 1000))

    async def closed() -> bool:
        return any(e.envelope.type.endswith(".Closed") for e in await any_rig.records())

    await until(closed)
    with pytest.raises(DocaxisError, match="closed"):
        await ask(door, Deposit("a.1", 1))
    await any_rig.stop()
    events = [e for e in await any_rig.records() if e.envelope.type.endswith(".Closed")]
    assert len(events) == 1
    assert events[0].envelope.subject == "account/a.1"


async def test_L5_L21_a_clock_that_is_ahead_is_told_not_yet_and_asks_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.processor.TIMER_TICK_S", 0.01)
    ahead = 4_000_000_000_000
    door = rig.door()
    rig.start(rig.processor(clock=lambda: ahead + 1))
    rig.start(door)
    await ask(door, CloseAt("a.1", ahead))

    async def asked_again() -> bool:
        commands = await rig.records(TOPICS.commands())
        return sum(each.envelope.type.endswith(".Close") for each in commands) > 3

    await until(asked_again)
    assert len(await rig.records()) == 1
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 1)


async def test_L21_timers_that_are_never_decided_do_not_starve_the_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.processor.TIMER_TICK_S", 0.01)
    monkeypatch.setattr("docaxis_eventsourcing.timers._AT_ONCE", 5)

    def decide(states: Any, facts: Any, command: Any) -> Any:
        if type(command).__name__ == "Close" and command.due < 2000:
            raise ValueError("this timer's command dies")
        return decider().decide(states, facts, command)

    door = rig.door()
    rig.start(rig.processor(decider(decide=decide)))
    rig.start(door)
    await asyncio.gather(*(ask(door, CloseAt(f"a.{i}", 1000 + i)) for i in range(12)))
    await ask(door, CloseAt("a.last", 3000))

    async def closed() -> bool:
        return any(e.envelope.type.endswith(".Closed") for e in await rig.records())

    await until(closed)


async def test_a_state_of_another_shape_stops_its_partition_and_no_other(rig: Rig) -> None:
    door = rig.door()
    task = rig.start(rig.processor())
    rig.start(door)
    await ask(door, Deposit("a.1", 1))
    await rig.stop(task)
    processor = rig.processor(replace(decider(), states={"account": int, "inbox": Account}))
    rig.start(processor)
    await rig.append(Deposit("a.1", 1))
    await until(lambda: processor.health.state is PartState.FAILED)
    assert "fold version" in processor.health.reason
    other = next(f"x{i}.1" for i in range(99) if partition(f"x{i}.1") != partition("a.1"))
    with pytest.raises(DocaxisError, match="too_poor"):
        await ask(door, Transfer(other, other + "1", 1))
