"""Readers see committed records alone; what was aborted is passed over, and passed."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from docaxis_adapters.kafka_log import KafkaEventLog
from docaxis_eventsourcing.ports.event_log import START, EventLog
from tests.cluster.kafka_clients import open_transaction
from tests.cluster.kafka_guards import without_read_committed
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import EVENTS, ids, outgoing, read_to_end, take_all

pytestmark = pytest.mark.cluster

WORDS = ["first", "aborted", "second", "aborted at the end"]
"""As they lie in the log."""
COMMITTED = ["first", "second"]
PLACES = len(WORDS) + 2
"""Each abort leaves a marker."""


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[KafkaEventLog]:
    """One partition of events: what was committed and what was aborted, in turn."""
    async with fresh_topics() as prefix:
        log = await kafka_log(prefix, partitions=1)
        await log.declare((EVENTS,))
        for version, word in enumerate(WORDS, 1):
            event = outgoing(word, topic=EVENTS, sequence=version)
            if word.startswith("aborted"):
                open_transaction(kafka, prefix, [event]).abort_transaction()
            else:
                await log.append([event])
        async with asyncio.timeout(10):
            while (await log.end(EVENTS, 0)).place < PLACES:  # noqa: ASYNC110 - markers come later
                await asyncio.sleep(0.02)
        yield log
        await log.close()


async def by_a_tail(log: EventLog) -> list[str]:
    """Until the end is passed, which two markers and two aborted records are part of."""
    return ids(await read_to_end(log, EVENTS, 0))


async def by_a_member(log: EventLog) -> list[str]:
    end = await log.end(EVENTS, 0)
    consumer = await log.join("view", (EVENTS,))
    await take_all(consumer, 1)
    found: list[str] = []
    while consumer.reached(EVENTS, 0).place < end.place:
        polled = await consumer.poll(100, 1)
        found += ids(polled.batch.records) if polled.batch else []
    await consumer.close()
    return found


@pytest.mark.parametrize("read", [by_a_tail, by_a_member])
async def test_aborted_records_are_never_seen_and_the_end_is_passed(
    log: KafkaEventLog, read: Callable[[EventLog], list[str]]
) -> None:
    end = await log.end(EVENTS, 0)
    assert end.place == PLACES, "each abort left a marker, the last one at the end"
    assert await read(log) == COMMITTED  # type: ignore[misc]


@pytest.mark.parametrize("read", [by_a_tail, by_a_member])
async def test_L34_without_read_committed_aborted_records_are_seen(
    log: KafkaEventLog,
    read: Callable[[EventLog], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_read_committed(monkeypatch.setattr)
    assert await read(log) == WORDS  # type: ignore[misc]


async def test_a_tail_behind_the_last_record_passes_the_markers(log: KafkaEventLog) -> None:
    end = await log.end(EVENTS, 0)
    *_, last = await read_to_end(log, EVENTS, 0)
    assert last.after.place < end.place
    tail = log.tail(EVENTS, {0: last.after})
    while tail.reached(0).place < end.place:
        assert await tail.next(10, 1) == ()
    assert tail.reached(0).version == last.after.version
    await tail.close()


async def test_nothing_but_what_was_aborted_is_passed_from_the_start(kafka: str) -> None:
    async with fresh_topics() as prefix:
        log = await kafka_log(prefix, partitions=1)
        await log.declare((EVENTS,))
        open_transaction(kafka, prefix, [outgoing("x", topic=EVENTS)]).abort_transaction()
        assert await log.end(EVENTS, 0) != START
        assert await read_to_end(log, EVENTS, 0) == []
        assert await by_a_member(log) == []
        await log.close()
