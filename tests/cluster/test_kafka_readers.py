"""What readers of real brokers must not lose: over cancelled calls, pauses, open transactions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import Any, TypeVar

import pytest
from confluent_kafka import Producer

from docaxis_adapters.kafka_log import KafkaEventLog, partition_reader
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_adapters.kafka_log.partition_reader import PartitionReader
from docaxis_adapters.kafka_log.records import FOREIGN
from docaxis_adapters.kafka_log.topics import Topics
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, Batch, Polled, Position, TopicPartition
from tests.cluster.kafka_clients import WITHIN_S, open_transaction
from tests.cluster.kafka_worker import until_there
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    OUTCOMES,
    OUTCOMES_KEPT_S,
    WAIT_S,
    gather_ids,
    ids,
    next_batch,
    outgoing,
    read_from,
    read_to_end,
    take_all,
)

pytestmark = pytest.mark.cluster

Result = TypeVar("Result")


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    async with fresh_topics() as found:
        yield found


@pytest.fixture
async def log(prefix: str) -> AsyncIterator[KafkaEventLog]:
    """Two partitions."""
    log = await kafka_log(prefix, partitions=2)
    await log.declare((COMMANDS, EVENTS))
    yield log
    await log.close()


async def write(log: KafkaEventLog, count: int, partition: int = 0) -> list[str]:
    """So many commands; their ids."""
    names = [f"{i}" for i in range(count)]
    await log.append([outgoing(name, partition) for name in names])
    return names


async def cut_off(call: Coroutine[Any, Any, Result], turns: int) -> list[Result]:
    """Cancel a call after some turns of the loop; what it answered where it was quicker."""
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    (answer,) = await asyncio.gather(task, return_exceptions=True)
    return [] if isinstance(answer, BaseException) else [answer]


def ids_of(polled: Polled) -> list[str]:
    return ids(polled.batch.records) if polled.batch else []


async def test_a_tail_gives_again_what_a_cancelled_call_has_taken(log: KafkaEventLog) -> None:
    names = await write(log, 300)
    tail = log.tail(COMMANDS, {0: START})
    found: list[str] = []
    while len(found) < len(names):
        for records in await cut_off(tail.next(7, WAIT_S), turns=len(found) % 9):
            found += ids(records)
        found += ids(await tail.next(7, 1))
    assert found == names
    await tail.close()


async def test_a_member_gives_again_what_a_cancelled_poll_has_taken(log: KafkaEventLog) -> None:
    names = await write(log, 300)
    consumer = await log.join("group", (COMMANDS,))
    held: set[int] = set()
    while len(held) < log.partitions:
        for polled in await cut_off(consumer.poll(1, WAIT_S), turns=3):
            held |= polled.assigned
        held |= (await consumer.poll(1, 1)).assigned
    for partition in held:
        consumer.start(partition)
    found: list[str] = []
    while len(found) < len(names):
        for polled in await cut_off(consumer.poll(7, WAIT_S), turns=len(found) % 9):
            found += ids_of(polled)
        found += ids_of(await consumer.poll(7, 1))
    assert found == names


async def taken_and_not_told(consumer: KafkaConsumer) -> Batch:
    """A batch that a poll has taken and whose answer never arrived."""
    client = consumer._client
    polling = asyncio.create_task(consumer.poll(10, WAIT_S))
    while client._given is None:
        await asyncio.sleep(0)
        polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    return client._given[1]


async def test_L12_going_back_further_stands_above_what_a_cancelled_poll_took(
    log: KafkaEventLog,
) -> None:
    names = await write(log, 30)
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    first = await next_batch(consumer, 10)
    lost = await taken_and_not_told(consumer)
    assert lost.records[0].envelope.id not in ids(first.records)
    await consumer.rewind(first)
    assert await gather_ids(consumer, len(names)) == names


async def test_a_stopped_partition_gives_nothing_that_a_cancelled_poll_took(
    log: KafkaEventLog,
) -> None:
    names = await write(log, 10)
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    await taken_and_not_told(consumer)
    consumer.stop(0)
    assert (await consumer.poll(10, 0.1)).batch is None
    consumer.start(0)
    assert await gather_ids(consumer, len(names)) == names


async def test_a_tail_that_was_held_back_leaves_no_pause_to_the_next(
    log: KafkaEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "_MOST_QUEUED", 10)
    names = await write(log, 200)
    first = log.tail(COMMANDS, {0: START})
    assert ids(await first.next(1, WAIT_S)) == names[:1]
    client = first._client
    assert client is not None
    while not client._reader._paused:
        await first.next(1, 0.1)
    await first.close()
    second = log.tail(COMMANDS, {0: START})
    assert ids(await second.next(1, WAIT_S)) == names[:1]
    assert second._client is client, "the same client reads for the next tail"
    await second.close()
    assert ids(await read_to_end(log, COMMANDS, 0)) == names


async def test_a_tail_whose_first_read_could_not_begin_begins_with_the_next(
    log: KafkaEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await write(log, 5)
    tail = log.tail(COMMANDS, {0: START})
    with monkeypatch.context() as away:
        away.setattr(PartitionReader, "left_from", _no_answer)
        with pytest.raises(Unavailable):
            await tail.next(10, WAIT_S)
    assert tail.reached(0) == START
    assert ids(await tail.next(10, WAIT_S)) == names
    await tail.close()


def _no_answer(reader: PartitionReader, at: TopicPartition, position: Position) -> Position:
    raise Unavailable("no answer")


async def test_L17_who_reads_too_slowly_what_expires_is_told_to_read_again(
    log: KafkaEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.declare((OUTCOMES,), kept_s=OUTCOMES_KEPT_S)
    await log.append([outgoing(f"{i}", topic=OUTCOMES) for i in range(10)])
    records = await read_to_end(log, OUTCOMES, 0)
    await log.trim(OUTCOMES, 0, records[5].after)
    tail = log.tail(OUTCOMES, {0: START})
    with monkeypatch.context() as before:  # the records went after the look at what is left
        before.setattr(PartitionReader, "left_from", lambda reader, at, position: position)
        with pytest.raises(Unavailable, match="too slowly"):
            await tail.next(10, WAIT_S)
    assert ids(await tail.next(10, WAIT_S))[-4:] == ["6", "7", "8", "9"]
    await tail.close()
    assert await read_from(log, OUTCOMES, 0, records[5].after) == records[6:]


async def test_L22_a_transaction_of_others_over_one_partition_holds_up_no_other(
    kafka: str, prefix: str, log: KafkaEventLog
) -> None:
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    metadata = await consumer._client.thread.call(consumer._client._metadata)
    others = open_transaction(kafka, prefix, [outgoing("event", topic=EVENTS, sequence=1)])
    places = consumer._offsets.places({TopicPartition(COMMANDS, 0): Position(0, 7)})
    others.send_offsets_to_transaction(places, metadata, WITHIN_S)
    with pytest.raises(Unavailable, match="unstable"):
        await consumer.committed(0)
    asking = asyncio.create_task(until_there(lambda: consumer.committed(0)))
    names = await write(log, 20, partition=1)
    assert await gather_ids(consumer, len(names)) == names
    assert await consumer.committed(1) == {COMMANDS: START}
    assert not asking.done()
    others.commit_transaction()
    assert await asking == {COMMANDS: Position(0, 7)}


async def test_a_member_starts_where_the_end_of_its_partitions_could_not_be_told(
    log: KafkaEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a partition has no leader for a moment; what lies before is gone, besides."""
    names = await write(log, 40)
    records = await read_to_end(log, COMMANDS, 0)
    await log.trim(COMMANDS, 0, records[9].after)
    monkeypatch.setattr(Topics, "ends_now", lambda topics, places: {})
    consumer = await log.join("group", (COMMANDS,))
    await consumer.poll(1, WAIT_S)
    assert (await consumer.poll(10, 0.5)).batch is None
    consumer.start(0, {COMMANDS: records[9].after})
    assert await gather_ids(consumer, 30) == names[10:]


async def test_L22_a_record_that_is_none_of_ours_stops_nobody(
    kafka: str, prefix: str, log: KafkaEventLog
) -> None:
    await write(log, 1)
    stranger = Producer({"bootstrap.servers": kafka, "log_level": 0})
    stranger.produce(prefix + COMMANDS, b"\xff{}", partition=0)
    stranger.produce(
        prefix + COMMANDS, b"", partition=0, headers={"ce_id": b"\xff", "ce_time": None}
    )
    assert stranger.flush(WITHIN_S) == 0
    await log.append([outgoing("after")])
    consumer = await log.join("group", (COMMANDS,))
    await take_all(consumer, log.partitions)
    by_member = [record for batch in [await next_batch(consumer)] for record in batch.records]
    while len(by_member) < 4:
        by_member += (await next_batch(consumer)).records
    assert by_member == await read_to_end(log, COMMANDS, 0)
    assert [each.envelope.type for each in by_member[1:3]] == ["", ""]
    assert len({each.envelope.id for each in by_member}) == 4
    assert by_member[1].data == b"\xff{}"
    assert by_member[1].envelope.source == FOREIGN
    assert by_member[3].envelope.id == "after"


async def test_calls_after_the_end_are_answered_and_do_not_hang(log: KafkaEventLog) -> None:
    await write(log, 1)
    consumer = await log.join("group", (COMMANDS,), transactional=True)
    await take_all(consumer, log.partitions)
    batch = await next_batch(consumer)
    polling = asyncio.create_task(consumer.poll(1, WAIT_S))
    await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_S):
        await consumer.close()
        lates: list[Awaitable[object]] = [polling, consumer.poll(1, WAIT_S)]
        lates += [consumer.committed(0), consumer.progress(batch.upto), consumer.rewind(batch)]
        for late in lates:
            with pytest.raises(Unavailable):
                await late
        consumer.stop(0)
        await consumer.close()
        tail = log.tail(COMMANDS, {0: START})
        await tail.next(1, WAIT_S)
        reading = asyncio.create_task(tail.next(1, WAIT_S))
        await asyncio.sleep(0)
        await log.close()
        after: list[Awaitable[object]] = [reading, tail.next(1, 1), log.end(COMMANDS, 0)]
        for late in [*after, log.append([outgoing("late")])]:
            with pytest.raises(Unavailable):
                await late
        with pytest.raises(Unavailable):
            await log.join("group", (COMMANDS,))
        await log.close()
