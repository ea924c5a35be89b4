"""Every `EventLog`: appending, reading, and what a reader may rely on; rules by number."""

import asyncio

import pytest

from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import START, EventLog, Outgoing, Position
from tests.contract.conftest import OpenLog
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    OUTCOMES,
    OUTCOMES_KEPT_S,
    WAIT_S,
    ids,
    message,
    outgoing,
    read_from,
    read_to_end,
)


async def test_L3_every_topic_has_the_installations_partitions(log: EventLog) -> None:
    assert log.partitions == 12
    with pytest.raises(ValueError):
        await log.append([outgoing("beyond", partition=12)])


async def test_declaring_again_changes_nothing(log: EventLog) -> None:
    await log.append([outgoing("kept")])
    await log.declare((COMMANDS, EVENTS))
    assert ids(await read_to_end(log, COMMANDS, 0)) == ["kept"]


async def test_a_topic_must_be_declared(log: EventLog) -> None:
    with pytest.raises(ValueError, match="unheard"):
        await log.append([outgoing("lost", topic="unheard")])


async def test_a_record_comes_back_as_it_was_given(log: EventLog) -> None:
    envelope = Envelope(
        id="Số 12/QĐ",
        type="docaxis.test.v1.Happened",
        source="docaxis/test",
        subject="document/1",
        time=1_700_000_000_123,
        sequence=7,
        epoch=3,
        correlation_id="first",
        causation_id="before",
        reply_to=4,
        actor="system-1",
        outcome=b"\x00outcome\xff",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    await log.append([Outgoing(EVENTS, 5, Message(envelope, b"\x00\xffdata"))])
    (record,) = await read_to_end(log, EVENTS, 5)
    assert (record.topic, record.partition) == (EVENTS, 5)
    assert (record.envelope, record.data) == (envelope, b"\x00\xffdata")
    assert record.after.version == 7


async def test_records_of_a_partition_stay_in_order(log: EventLog) -> None:
    for part in range(10):
        await log.append([outgoing(f"{part}.{i}", partition=i % 2) for i in range(10)])
    records = await read_to_end(log, COMMANDS, 1)
    assert ids(records) == [f"{part}.{i}" for part in range(10) for i in range(1, 10, 2)]
    places = [record.after.place for record in records]
    assert places == sorted(set(places))


async def test_many_tasks_append_and_nothing_is_lost_or_doubled(log: EventLog) -> None:
    async def append(task: int) -> None:
        for i in range(10):
            await log.append([outgoing(f"{task}.{i}", partition=task % 3)])

    await asyncio.gather(*(append(task) for task in range(30)))
    for partition in range(3):
        found = ids(await read_to_end(log, COMMANDS, partition))
        for task in range(partition, 30, 3):
            mine = [name for name in found if name.startswith(f"{task}.")]
            assert mine == [f"{task}.{i}" for i in range(10)]
        assert len(found) == 100


async def test_L4_a_log_opened_again_has_its_records_and_its_epoch(open_log: OpenLog) -> None:
    log = await open_log()
    epoch = log.epoch
    await log.append([outgoing(f"event-{i}", 3, EVENTS, sequence=i) for i in range(1, 6)])
    records = await read_to_end(log, EVENTS, 3)
    await log.close()
    again = await open_log()
    assert again.epoch == epoch
    assert await read_to_end(again, EVENTS, 3) == records
    await again.append([outgoing("event-6", 3, EVENTS, sequence=6)])
    assert (await read_to_end(again, EVENTS, 3))[-1].after > records[-1].after


async def test_L5_the_append_time_never_runs_backwards_in_a_partition(log: EventLog) -> None:
    for i in range(20):
        await log.append([outgoing(f"{i}")])
    times = [record.time for record in await read_to_end(log, COMMANDS, 0)]
    assert times == sorted(times)
    assert times[0] > 1_600_000_000_000


async def test_L15_the_end_counts_what_readers_do_not_yet_see(log: EventLog) -> None:
    for i in range(1, 31):
        await log.append([outgoing(f"{i}", topic=EVENTS, sequence=i)])
        # No wait between: whatever is not yet visible, passing the end means having it.
        assert ids(await read_to_end(log, EVENTS, 0))[-1] == f"{i}"


async def test_who_reads_from_where_the_log_is_settled_misses_nothing_that_is_shown_later(
    log: EventLog,
) -> None:
    assert await log.settled(EVENTS, 1) == START
    for number in range(1, 31):
        await log.append([outgoing(f"{number}", 1, EVENTS, number)])
        at = await log.settled(EVENTS, 1)
        assert at.place <= (await log.end(EVENTS, 1)).place
        every = await read_to_end(log, EVENTS, 1)
        before = [each for each in every if each.after.place <= at.place]
        behind = await read_from(log, EVENTS, 1, at)
        assert ids([*before, *behind]) == [f"{each}" for each in range(1, number + 1)]


async def test_L15_an_empty_partition_has_been_passed_from_the_start(log: EventLog) -> None:
    assert await log.end(EVENTS, 0) == START
    assert await read_to_end(log, EVENTS, 0) == []


async def test_a_tail_goes_on_behind_any_record(log: EventLog) -> None:
    await log.append([outgoing(f"{i}", topic=EVENTS, sequence=i) for i in range(1, 8)])
    for record in await read_to_end(log, EVENTS, 0):
        tail = log.tail(EVENTS, {0: record.after})
        assert tail.reached(0) == record.after
        rest: list[str] = []
        while len(rest) < 7 - record.envelope.sequence:
            rest += ids(await tail.next(3, WAIT_S))
        assert rest == [f"{i}" for i in range(record.envelope.sequence + 1, 8)]
        await tail.close()


async def test_a_tail_reads_the_partitions_that_it_was_given(log: EventLog) -> None:
    await log.append([outgoing(f"{i}", partition=i) for i in range(4)])
    tail = log.tail(COMMANDS, {1: START, 3: START})
    found: list[str] = []
    while len(found) < 2:
        found += ids(await tail.next(1, WAIT_S))
    assert sorted(found) == ["1", "3"]


async def test_a_waiting_tail_wakes_for_what_is_appended(log: EventLog) -> None:
    tail = log.tail(COMMANDS, {0: START})
    for i in range(20):
        waiting = asyncio.create_task(tail.next(10, WAIT_S))
        await log.append([outgoing(f"{i}")])
        records = await waiting
        while not records:  # places without a record were passed
            records = await tail.next(10, WAIT_S)
        assert ids(records) == [f"{i}"]


async def test_a_tail_answers_nothing_when_nothing_comes(log: EventLog) -> None:
    tail = log.tail(COMMANDS, {0: START})
    assert list(await tail.next(10, 0.01)) == []
    assert tail.reached(0) == START


async def test_an_append_is_all_or_nothing_where_it_is_refused(log: EventLog) -> None:
    with pytest.raises(ValueError):
        await log.append([outgoing("good"), outgoing("bad", topic="unheard")])
    assert await log.end(COMMANDS, 0) == START


async def test_large_records_come_back_whole(log: EventLog) -> None:
    data = bytes(range(256)) * 1000
    await log.append([Outgoing(EVENTS, 0, message(f"{i}", i, data)) for i in range(1, 5)])
    assert [record.data for record in await read_to_end(log, EVENTS, 0)] == [data] * 4


async def test_positions_of_a_partition_are_ordered_by_place(log: EventLog) -> None:
    await log.append([outgoing("1", topic=EVENTS, sequence=1)])
    first: Position = await log.end(EVENTS, 0)
    await log.append([outgoing("2", topic=EVENTS, sequence=2)])
    assert START.place < first.place < (await log.end(EVENTS, 0)).place


async def test_L17_what_lies_at_or_behind_the_place_of_a_trim_stays(log: EventLog) -> None:
    await log.append([outgoing(f"{i}", 2, EVENTS, sequence=i) for i in range(1, 21)])
    await log.append([outgoing("other", 3, EVENTS, sequence=1)])
    records = await read_to_end(log, EVENTS, 2)
    end = await log.end(EVENTS, 2)
    await log.trim(EVENTS, 2, records[11].after)
    assert await read_from(log, EVENTS, 2, records[11].after) == records[12:]
    assert await read_from(log, EVENTS, 2, records[16].after) == records[17:]
    assert ids(await read_to_end(log, EVENTS, 3)) == ["other"]
    assert await log.end(EVENTS, 2) == end
    await log.append([outgoing("21", 2, EVENTS, sequence=21)])
    assert ids(await read_from(log, EVENTS, 2, records[18].after)) == ["20", "21"]


async def test_L17_who_never_read_what_is_gone_is_told_and_never_passes_it_over(
    log: EventLog,
) -> None:
    await log.append([outgoing(f"{i}") for i in range(10)])
    records = await read_to_end(log, COMMANDS, 0)
    await log.trim(COMMANDS, 0, records[5].after)
    try:
        found = await read_to_end(log, COMMANDS, 0)
    except Divergence:
        return
    assert found == records, "nothing was removed yet, or somebody must be told"


async def test_L17_a_trim_of_nothing_and_one_again_are_harmless(log: EventLog) -> None:
    await log.trim(COMMANDS, 0, START)
    await log.append([outgoing(f"{i}") for i in range(6)])
    records = await read_to_end(log, COMMANDS, 0)
    for upto in (2, 2, 1):
        await log.trim(COMMANDS, 0, records[upto].after)
    assert await read_from(log, COMMANDS, 0, records[2].after) == records[3:]


async def test_L17_a_log_opened_again_is_trimmed_and_ends_where_it_ended(
    open_log: OpenLog,
) -> None:
    log = await open_log()
    await log.append([outgoing(f"{i}", 0, EVENTS, sequence=i) for i in range(1, 8)])
    records = await read_to_end(log, EVENTS, 0)
    await log.trim(EVENTS, 0, records[3].after)
    await log.close()
    log = await open_log()
    assert await read_from(log, EVENTS, 0, records[3].after) == records[4:]
    assert (await log.end(EVENTS, 0)).place >= records[-1].after.place
    await log.append([outgoing("8", 0, EVENTS, sequence=8)])
    assert (await read_from(log, EVENTS, 0, records[5].after))[-1].after > records[-1].after


async def test_L17_a_topic_is_declared_again_with_the_time_that_it_keeps(log: EventLog) -> None:
    for _ in range(2):
        await log.declare((OUTCOMES,), kept_s=OUTCOMES_KEPT_S)
    for other in (None, 2 * OUTCOMES_KEPT_S):
        with pytest.raises(ValueError, match=OUTCOMES):
            await log.declare((OUTCOMES,), kept_s=other)
    with pytest.raises(ValueError, match=COMMANDS):
        await log.declare((COMMANDS,), kept_s=OUTCOMES_KEPT_S)
    await log.append([outgoing("young", topic=OUTCOMES)])
    assert ids(await read_to_end(log, OUTCOMES, 0)) == ["young"]


async def test_L17_a_tail_of_a_topic_that_expires_goes_on_with_what_is_left(
    log: EventLog,
) -> None:
    await log.declare((OUTCOMES,), kept_s=OUTCOMES_KEPT_S)
    await log.append([outgoing(f"{i}", topic=OUTCOMES) for i in range(10)])
    records = await read_to_end(log, OUTCOMES, 0)
    await log.trim(OUTCOMES, 0, records[5].after)
    for at in (START, records[1].after):
        found = await read_from(log, OUTCOMES, 0, at)
        assert found[-4:] == records[6:], "some may stay, the last four must"
