"""Every `EventLog`'s consumer groups: taking partitions, batches, commits and fencing."""

import asyncio

import pytest

from docaxis_eventsourcing.errors import Divergence, Fenced
from docaxis_eventsourcing.ports.event_log import START, EventLog, Outgoing, TopicPartition
from tests.contract.conftest import OpenLog
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    OUTCOMES,
    OUTCOMES_KEPT_S,
    URGENT,
    WAIT_S,
    gather_ids,
    ids,
    message,
    next_batch,
    outgoing,
    read_to_end,
    regain,
    share_with,
    take_all,
)


async def one_in_each(log: EventLog, topic: str = COMMANDS) -> None:
    await log.append([outgoing(f"{topic}/{p}", p, topic) for p in range(log.partitions)])


async def test_a_lone_member_gets_all_partitions_and_their_records(log: EventLog) -> None:
    await one_in_each(log)
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    found = await gather_ids(consumer, log.partitions)
    assert sorted(found) == sorted(f"{COMMANDS}/{p}" for p in range(log.partitions))


async def test_nothing_comes_before_a_partition_is_started(log: EventLog) -> None:
    await one_in_each(log)
    consumer = await log.join("group", (COMMANDS,))
    polled = await consumer.poll(10, WAIT_S)
    assert polled.assigned and polled.batch is None
    assert (await consumer.poll(10, 0.01)).batch is None
    consumer.start(4)
    assert ids((await next_batch(consumer)).records) == [f"{COMMANDS}/4"]


async def test_two_members_share_the_partitions_and_no_partition_has_two(log: EventLog) -> None:
    first = await log.join("group", (COMMANDS,))
    await take_all(first, log.partitions)
    second = await log.join("group", (COMMANDS,))
    lost, got = await share_with(first, second)
    assert lost >= got
    assert 0 < len(got) < log.partitions


async def test_who_leaves_passes_its_partitions_on(log: EventLog) -> None:
    first = await log.join("group", (COMMANDS,))
    await take_all(first, log.partitions)
    second = await log.join("group", (COMMANDS,))
    _, got = await share_with(first, second)
    await second.close()
    await regain(first, got)


async def test_groups_do_not_know_of_each_other(log: EventLog) -> None:
    await one_in_each(log)
    for group in ("processor", "projector"):
        consumer = await log.join(group, (COMMANDS,))
        await take_all(consumer, log.partitions)
        assert len(await gather_ids(consumer, log.partitions)) == log.partitions


async def test_L10_a_batch_carries_positions_for_each_lane(log: EventLog) -> None:
    await log.append([outgoing("calm", 2), outgoing("urgent", 2, URGENT)])
    consumer = await log.join("group", (URGENT, COMMANDS), transactional=True)
    await take_all(consumer, log.partitions)
    seen: dict[TopicPartition, str] = {}
    while len(seen) < 2:
        batch = await next_batch(consumer)
        assert set(batch.upto) == set(batch.first)
        for record in batch.records:
            seen[TopicPartition(record.topic, record.partition)] = record.envelope.id
            assert batch.upto[TopicPartition(record.topic, 2)] == record.after
        await consumer.commit(batch, ())
    assert seen == {TopicPartition(COMMANDS, 2): "calm", TopicPartition(URGENT, 2): "urgent"}
    committed = await consumer.committed(2)
    assert set(committed) == {URGENT, COMMANDS}
    assert all(position.place > 0 for position in committed.values())


async def test_L10_a_flood_in_one_lane_leaves_the_other_its_share(log: EventLog) -> None:
    await log.append([outgoing(f"calm-{number}", 2) for number in range(300)])
    await log.append([outgoing("urgent", 2, URGENT)])
    consumer = await log.join("group", (URGENT, COMMANDS))
    await take_all(consumer, log.partitions)
    found: list[str] = []
    while "urgent" not in found:
        found += ids((await next_batch(consumer, 20)).records)
    assert len(found) <= 100, "the urgent one waited for the flood"


async def test_L10_of_a_bounded_lane_a_batch_has_no_more_and_all_of_it_comes(log: EventLog) -> None:
    flood = [outgoing(f"{number}/{p}", p) for number in range(5) for p in range(log.partitions)]
    await log.append(flood)
    await log.append([outgoing(f"urgent-{number}", 2, URGENT) for number in range(30)])
    consumer = await log.join("group", (URGENT, COMMANDS), at_most={COMMANDS: 4})
    await take_all(consumer, log.partitions)
    found: list[str] = []
    while len(found) < len(flood) + 30:
        batch = await next_batch(consumer)
        assert sum(each.topic == COMMANDS for each in batch.records) <= 4
        for record in batch.records:
            at = TopicPartition(record.topic, record.partition)
            assert batch.first[at].place < record.after.place <= batch.upto[at].place
        found += ids(batch.records)
    assert sorted(found) == sorted(
        [*(each.message.envelope.id for each in flood), *(f"urgent-{n}" for n in range(30))]
    )
    for p in range(log.partitions):
        mine = [each for each in found if each.endswith(f"/{p}")]
        assert mine == [f"{number}/{p}" for number in range(5)]


async def test_a_commit_writes_outputs_and_positions_together(log: EventLog) -> None:
    await log.append([outgoing("command", 3)])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    assert (await consumer.committed(3))[COMMANDS] == START
    batch = await next_batch(consumer)
    events = [outgoing(f"event-{i}", 3, EVENTS, sequence=i) for i in (1, 2, 3)]
    places = await consumer.commit(batch, events)
    records = await read_to_end(log, EVENTS, 3)
    assert ids(records) == ["event-1", "event-2", "event-3"]
    assert list(places) == [record.after for record in records]
    assert (await consumer.committed(3))[COMMANDS] == batch.upto[TopicPartition(COMMANDS, 3)]


async def test_committed_positions_survive_a_restart(open_log: OpenLog) -> None:
    log = await open_log()
    await log.append([outgoing("one"), outgoing("two")])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer, limit=1)
    await consumer.commit(batch, ())
    await log.close()
    log = await open_log()
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    assert ids((await next_batch(consumer)).records) == ["two"]


async def test_L11_a_batch_of_an_old_generation_is_fenced(log: EventLog) -> None:
    await one_in_each(log)
    first = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(first, log.partitions)
    batches = [await next_batch(first)]
    while sum(len(batch.records) for batch in batches) < log.partitions:
        batches.append(await next_batch(first))
    second = await log.join("group", (COMMANDS,))
    _, got = await share_with(first, second)
    for batch in batches:
        stale = {place.partition for place in batch.upto} & got
        if stale:
            with pytest.raises(Fenced):
                await first.commit(batch, [outgoing("twice", topic=EVENTS, sequence=1)])
    assert await read_to_end(log, EVENTS, 0) == []
    for partition in got:
        assert (await second.committed(partition))[COMMANDS] == START


async def test_L11_a_partition_lost_and_regained_fences_the_batch_of_before(log: EventLog) -> None:
    await one_in_each(log)
    first = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(first, log.partitions)
    batches = [await next_batch(first)]
    while sum(len(batch.records) for batch in batches) < log.partitions:
        batches.append(await next_batch(first))
    second = await log.join("group", (COMMANDS,))
    _, got = await share_with(first, second)
    await second.close()
    await regain(first, got)
    moved = [batch for batch in batches if {place.partition for place in batch.upto} & got]
    assert moved
    for batch in moved:
        with pytest.raises(Fenced):
            await first.commit(batch, [outgoing("twice", topic=EVENTS, sequence=1)])
    assert await read_to_end(log, EVENTS, 0) == []


async def test_L11_progress_of_a_partition_held_by_another_is_fenced(log: EventLog) -> None:
    await one_in_each(log)
    first = await log.join("group", (COMMANDS,))
    await take_all(first, log.partitions)
    batch = await next_batch(first)
    await first.progress(batch.upto)
    second = await log.join("group", (COMMANDS,))
    _, got = await share_with(first, second)
    partition = min(got)
    at = (await second.committed(partition))[COMMANDS]
    with pytest.raises(Fenced):
        await first.progress({TopicPartition(COMMANDS, partition): at})


async def test_L11_who_has_left_commits_nothing(log: EventLog) -> None:
    await log.append([outgoing("command")])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer)
    await consumer.close()
    with pytest.raises(Fenced):
        await consumer.commit(batch, [outgoing("late", topic=EVENTS)])
    assert await read_to_end(log, EVENTS, 0) == []


async def test_L12_a_batch_commits_its_own_positions_not_the_consumers(log: EventLog) -> None:
    await log.append([outgoing("one"), outgoing("two"), outgoing("three")])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    first = await next_batch(consumer, limit=1)
    second = await next_batch(consumer, limit=1)
    assert (ids(first.records), ids(second.records)) == (["one"], ["two"])
    await consumer.commit(first, ())
    assert (await consumer.committed(0))[COMMANDS] == first.upto[TopicPartition(COMMANDS, 0)]


async def test_L12_after_a_rewind_the_batch_comes_again(log: EventLog) -> None:
    await log.append([outgoing(f"{i}") for i in range(5)])
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer, limit=3)
    await consumer.rewind(batch)
    assert await gather_ids(consumer, 5, limit=2) == [f"{i}" for i in range(5)]


async def test_L15_who_takes_a_partition_passes_all_that_was_committed(log: EventLog) -> None:
    for partition in range(log.partitions):
        await log.append([outgoing(f"{i}", partition) for i in range(10)])
    first = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(first, log.partitions)
    written = [0] * log.partitions
    while not all(written):
        batch = await next_batch(first, limit=2 * log.partitions)
        events = []
        for record in batch.records:
            at = record.partition
            written[at] += 1
            events.append(outgoing(record.envelope.id, at, EVENTS, written[at]))
        await first.commit(batch, events)
    second = await log.join("group", (COMMANDS,))
    _, got = await share_with(first, second)
    for partition in got:
        committed = await second.committed(partition)
        folded = await read_to_end(log, EVENTS, partition)
        versions = [record.envelope.sequence for record in folded]
        assert versions == list(range(1, written[partition] + 1))
        if written[partition] == 10:
            continue
        second.start(partition, committed)
        rest = await gather_ids(second, 10 - written[partition])
        second.stop(partition)
        assert ids(folded) + rest == [f"{i}" for i in range(10)]


async def test_a_later_poll_goes_on_behind_the_last_batch(log: EventLog) -> None:
    await log.append([outgoing(f"{i}") for i in range(7)])
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    assert await gather_ids(consumer, 7, limit=2) == [f"{i}" for i in range(7)]


async def test_a_partition_starts_where_it_is_told(log: EventLog) -> None:
    await log.append([outgoing(f"{i}") for i in range(5)])
    third = (await read_to_end(log, COMMANDS, 0))[2]
    consumer = await log.join("group", (COMMANDS,))
    await consumer.poll(1, WAIT_S)
    consumer.start(0, {COMMANDS: third.after})
    assert await gather_ids(consumer, 2) == ["3", "4"]


async def test_L22_a_stopped_partition_pauses_alone(log: EventLog) -> None:
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    consumer.stop(0)
    await log.append([outgoing("paused", 0), outgoing("goes on", 1)])
    assert await gather_ids(consumer, 1) == ["goes on"]
    assert (await consumer.poll(10, 0.01)).batch is None
    consumer.start(0)
    assert await gather_ids(consumer, 1) == ["paused"]


async def test_a_full_partition_does_not_starve_the_others(log: EventLog) -> None:
    data = bytes(4000)  # more in all than one answer of a broker carries
    await log.append([Outgoing(COMMANDS, 0, message(f"many-{i}", 0, data)) for i in range(2000)])
    await log.append([outgoing(f"few-{p}", p) for p in range(1, log.partitions)])
    for partition in range(log.partitions):
        await read_to_end(log, COMMANDS, partition)  # all is visible before the race begins
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    found: list[str] = []
    while sum(name.startswith("few") for name in found) < log.partitions - 1:
        batch = await next_batch(consumer, limit=48)
        assert len(batch.records) <= 48
        found += ids(batch.records)
    assert len(found) < 2000


async def test_a_waiting_poll_wakes_for_what_is_appended(log: EventLog) -> None:
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    for i in range(20):
        waiting = asyncio.create_task(next_batch(consumer))
        await log.append([outgoing(f"{i}", i % log.partitions)])
        assert ids((await waiting).records) == [f"{i}"]


async def test_a_poll_without_news_comes_back_empty(log: EventLog) -> None:
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    polled = await consumer.poll(10, 0.01)
    assert polled.batch is None and not polled.assigned and not polled.revoked


async def test_other_calls_may_come_while_a_poll_waits(log: EventLog) -> None:
    await log.append([outgoing("first", 3)])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer)
    polling = asyncio.create_task(next_batch(consumer))
    await asyncio.sleep(0)  # it waits
    assert (await consumer.committed(3))[COMMANDS] == START
    await consumer.commit(batch, ())
    found = await asyncio.gather(*(consumer.committed(partition) for partition in range(4)))
    at = batch.upto[TopicPartition(COMMANDS, 3)]
    assert [each[COMMANDS] for each in found] == [START, START, START, at]
    consumer.stop(3)
    consumer.start(3)
    await log.append([outgoing("second", 3)])
    assert ids((await polling).records) == ["second"]


async def test_L17_a_committed_group_goes_on_where_commands_were_removed(
    open_log: OpenLog,
) -> None:
    log = await open_log()
    await log.append([outgoing(f"{i}") for i in range(9)])
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer, limit=5)
    await consumer.commit(batch, ())
    done = len(batch.records)
    await log.trim(COMMANDS, 0, (await consumer.committed(0))[COMMANDS])
    rest = [f"{i}" for i in range(done, 9)]
    assert await gather_ids(consumer, 9 - done) == rest
    await log.close()
    log = await open_log()
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    assert await gather_ids(consumer, 9 - done) == rest


async def test_L17_a_group_without_a_position_is_told_that_commands_are_gone(
    log: EventLog,
) -> None:
    await log.append([outgoing(f"{i}") for i in range(9)])
    records = await read_to_end(log, COMMANDS, 0)
    await log.trim(COMMANDS, 0, records[4].after)
    consumer = await log.join("new", (COMMANDS,), transactional=True)
    try:
        await take_all(consumer, log.partitions)
        batch = await next_batch(consumer)
    except Divergence:
        return
    assert batch.records[0] == records[0], "nothing was removed yet, or somebody must be told"


async def test_L17_a_group_on_a_topic_that_expires_goes_on_with_what_is_left(
    log: EventLog,
) -> None:
    await log.declare((OUTCOMES,), kept_s=OUTCOMES_KEPT_S)
    await log.append([outgoing(f"{i}", topic=OUTCOMES) for i in range(9)])
    records = await read_to_end(log, OUTCOMES, 0)
    await log.trim(OUTCOMES, 0, records[4].after)
    consumer = await log.join("view", (OUTCOMES,))
    await take_all(consumer, log.partitions)
    found: list[str] = []
    while not found or found[-1] != "8":
        found += await gather_ids(consumer, 1)
    assert found[-4:] == ["5", "6", "7", "8"]
