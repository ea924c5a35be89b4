"""L15 on real brokers: the end of a partition counts what is not committed yet."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from docaxis_adapters.kafka_log import KafkaEventLog
from docaxis_eventsourcing.ports.event_log import START, EventLog, Position, Recorded
from tests.cluster.kafka_clients import open_transaction
from tests.cluster.kafka_guards import without_high_watermark
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    ids,
    next_batch,
    outgoing,
    read_from,
    read_to_end,
    take_all,
)

pytestmark = pytest.mark.cluster

_LOOKS = 5


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    async with fresh_topics() as found:
        yield found


@pytest.fixture
async def log(prefix: str) -> AsyncIterator[KafkaEventLog]:
    """One partition of commands, with one command."""
    log = await kafka_log(prefix, partitions=1)
    await log.declare((COMMANDS, EVENTS))
    await log.append([outgoing("command")])
    yield log
    await log.close()


async def decide_on(log: EventLog, folded: list[Recorded]) -> None:
    """Decide the command as the next version behind what was folded."""
    consumer = await log.join("processor", (COMMANDS,), transactional=True)
    await take_all(consumer, 1)
    batch = await next_batch(consumer)
    event = outgoing("decided", topic=EVENTS, sequence=len(folded) + 1)
    await consumer.commit(batch, [event])
    await consumer.close()


async def versions(log: EventLog) -> list[int]:
    return [record.envelope.sequence for record in await read_to_end(log, EVENTS, 0)]


async def look(log: EventLog) -> Position:
    """Where a reader comes to while it looks several times."""
    tail = log.tail(EVENTS, {0: START})
    for _ in range(_LOOKS):
        await tail.next(10, 0.2)
    await tail.close()
    return tail.reached(0)


async def test_L15_the_end_counts_an_open_transaction_and_a_fold_waits_for_it(
    kafka: str, prefix: str, log: KafkaEventLog
) -> None:
    earlier = open_transaction(kafka, prefix, [outgoing("earlier", topic=EVENTS, sequence=1)])
    assert (await log.end(EVENTS, 0)).place == 1
    fold = asyncio.create_task(read_to_end(log, EVENTS, 0))
    assert await look(log) == START
    assert not fold.done()
    earlier.commit_transaction()
    await decide_on(log, await fold)
    assert await versions(log) == [1, 2]


async def test_L34_without_L15_a_version_is_written_twice(
    kafka: str, prefix: str, log: KafkaEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = open_transaction(kafka, prefix, [outgoing("earlier", topic=EVENTS, sequence=1)])
    without_high_watermark(monkeypatch.setattr)
    assert (await log.end(EVENTS, 0)).place == 0
    await decide_on(log, await read_to_end(log, EVENTS, 0))
    monkeypatch.undo()
    earlier.commit_transaction()
    assert await versions(log) == [1, 1]


async def test_what_an_open_transaction_wrote_lies_behind_where_the_log_is_settled(
    log: KafkaEventLog, kafka: str, prefix: str
) -> None:
    """Who began at the high watermark would never see it, and no other reader has seen it yet."""
    await log.append([outgoing("before", topic=EVENTS, sequence=1)])
    open_one = open_transaction(kafka, prefix, [outgoing("open", topic=EVENTS, sequence=2)])
    settled, end = await log.settled(EVENTS, 0), await log.end(EVENTS, 0)
    assert settled.place < end.place
    open_one.commit_transaction()
    assert ids(await read_from(log, EVENTS, 0, settled)) == ["open"]
    assert ids(await read_from(log, EVENTS, 0, end)) == []
