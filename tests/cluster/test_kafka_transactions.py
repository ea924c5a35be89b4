"""A processor's transaction on real brokers: all of it or nothing, and what a successor ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic

import pytest

from docaxis_adapters.kafka_log import ClientBroken, KafkaEventLog
from docaxis_adapters.kafka_log.clients import TRANSACTION_S
from docaxis_eventsourcing.ports.event_log import START
from tests.cluster.kafka_guards import Death
from tests.cluster.kafka_worker import GROUP, WorkerSettings
from tests.cluster.kafka_worker_process import running
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    ids,
    next_batch,
    outgoing,
    read_to_end,
    take_all,
)

pytestmark = pytest.mark.cluster

_LOOKS = 5
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Killed:
    """A log of one partition and two commands, whose processor was killed in its first commit."""

    log: KafkaEventLog
    worker: WorkerSettings
    asked_at: float
    """When it was told to commit, by the monotonic clock."""


@asynccontextmanager
async def killed(
    kafka: str, death: Death, *, without: str = "", transaction_s: float = TRANSACTION_S
) -> AsyncIterator[Killed]:
    async with fresh_topics() as prefix:
        log = await kafka_log(prefix, partitions=1)
        await log.declare((COMMANDS, EVENTS))
        await log.append([outgoing("one"), outgoing("two")])
        worker = WorkerSettings(
            kafka, prefix, "routing-0", without=without, dies=death, transaction_s=transaction_s
        )
        async with running(worker) as (process,):
            assert await process.ask("poll") == ["one", "two"]
            asked_at = monotonic()
            process.tell("decide")
            assert await process.end() == -9
        try:
            yield Killed(log, worker, asked_at)
        finally:
            await log.close()


async def events_in_the_end(kafka: str, death: Death, without: str = "") -> list[str]:
    """What the events are once the process was started again and has decided one command more."""
    async with killed(kafka, death, without=without) as found:
        async with running(replace(found.worker, dies="")) as (successor,):
            successor.tell("copy")
            await found.log.append([outgoing("last")])
            tail = found.log.tail(EVENTS, {0: START})
            seen: list[str] = []
            while "of-last" not in seen:
                seen += ids(await tail.next(10, 1))
            await tail.close()
        return seen


async def test_L34_a_process_killed_within_its_commit_has_written_nothing_or_both(
    kafka: str,
) -> None:
    *guarded, unguarded = await asyncio.gather(
        *(events_in_the_end(kafka, death) for death in Death),
        events_in_the_end(kafka, Death.BEFORE_POSITIONS, without="transaction"),
    )
    assert guarded == [["of-one", "of-two", "of-last"]] * len(Death)
    assert unguarded == ["of-one", "of-two", "of-one", "of-two", "of-last"]


async def test_L13_a_second_process_of_the_same_name_ends_the_first(kafka: str) -> None:
    async with fresh_topics() as prefix:
        first, second = [await kafka_log(prefix, "routing-0", partitions=1) for _ in range(2)]
        await first.declare((COMMANDS, EVENTS))
        await first.append([outgoing("command")])
        member = await first.join(GROUP, (COMMANDS,), transactional=True)
        await take_all(member, 1)
        batch = await next_batch(member)
        await second.join(GROUP, (COMMANDS,), transactional=True)
        for _ in range(2):  # it stays broken, with both of its producers
            with pytest.raises(ClientBroken, match="fenced"):
                await member.commit(batch, [outgoing("twice", topic=EVENTS, sequence=1)])
        await first.close()
        assert await read_to_end(second, EVENTS, 0) == []
        await second.close()


async def test_L13_who_comes_back_by_its_name_ends_what_it_left_open(
    kafka: str, record_property: Callable[[str, object], None]
) -> None:
    async with killed(kafka, Death.BEFORE_END, transaction_s=_MINUTE_S) as found:
        log, group = found.log, GROUP
        end = await log.end(EVENTS, 0)
        prefix = found.worker.prefix
        stranger = await kafka_log(prefix, "routing-1", partitions=1)
        await stranger.join(group, (COMMANDS,), transactional=True)
        tail = log.tail(EVENTS, {0: START})
        for _ in range(_LOOKS):
            await tail.next(10, 0.2)
        assert tail.reached(0) == START, "under another name nobody ends it"
        await tail.close()
        back_at = monotonic()
        again = await kafka_log(prefix, "routing-0", partitions=1)
        await again.join(group, (COMMANDS,), transactional=True)
        assert await read_to_end(log, EVENTS, 0) == []
        record_property("readers_wait_s", monotonic() - back_at)
        assert (await log.end(EVENTS, 0)).place > end.place, "the marker of its abort"
        assert monotonic() - found.asked_at < _MINUTE_S, "the cluster did not end it by its timeout"
        await stranger.close()
        await again.close()


async def test_L13_the_cluster_ends_what_nobody_comes_back_for(
    kafka: str, record_property: Callable[[str, object], None]
) -> None:
    async with killed(kafka, Death.BEFORE_END) as found:
        assert await read_to_end(found.log, EVENTS, 0) == []
        waited_s = monotonic() - found.asked_at
        record_property("readers_wait_s", waited_s)
        assert waited_s >= TRANSACTION_S
