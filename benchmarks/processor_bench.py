"""Commands a second of one processor, on each log with each store.

The decider is the tests' bank, one event a command: what is measured is the log, the store and the
kernel, no domain. The store beside the same log tells what is the store's part: the
MongoDB-compatible server of the tests is a slow one.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import product
from pathlib import Path

from docaxis_adapters.kafka_log import KafkaEventLog, KafkaSettings
from docaxis_adapters.mongo_store import MongoReadStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.topics import OUTCOMES_KEPT_S
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS, Deposit, decider
from tests.unit.docaxis_eventsourcing.bank import partition as partition_of_account

PARTITIONS = 4
_ACCOUNTS = 400
_AT_ONCE = 500
_APPENDED_S = 1.0
"""Long enough for the last commands to be in the log before the clock starts."""
_LONGEST_S = 300.0


async def processor_rates(kafka: str, mongo: str, commands: int) -> dict[str, float]:
    """Commands decided a second, by log and store (`kafka+mongo`)."""
    rates = {}
    for log_kind, store_kind in product(("sqlite", "kafka"), ("sqlite", "mongo")):
        async with _adapters(log_kind, store_kind, kafka, mongo) as (log, store):
            rates[f"{log_kind}+{store_kind}"] = await _rate(log, store, commands)
    return rates


@asynccontextmanager
async def _adapters(
    log_kind: str, store_kind: str, kafka: str, mongo: str
) -> AsyncIterator[tuple[EventLog, ReadStore]]:
    name = f"bench-{new_id()}"
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="docaxis-bench-")))
        log: EventLog
        store: ReadStore
        if log_kind == "kafka":
            settings = KafkaSettings(kafka_servers=kafka, kafka_topic_prefix=f"{name}.")
            log = await KafkaEventLog.open(settings, replica="bench-0", partitions=PARTITIONS)
        else:
            log = await SqliteEventLog.open(folder / "log", PARTITIONS)
        closing.push_async_callback(log.close)
        if store_kind == "mongo":
            store = await MongoReadStore.open(mongo, name)
        else:
            store = await SqliteReadStore.open(folder / "store.sqlite")
        closing.push_async_callback(store.close)
        yield log, store


async def _rate(log: EventLog, store: ReadStore, commands: int) -> float:
    await log.declare((*TOPICS.all_commands, TOPICS.events))
    await log.declare((TOPICS.outcomes,), kept_s=OUTCOMES_KEPT_S)
    await _decide(log, store, 50)  # connections, caches, compiled code of the brokers
    return await _decide(log, store, commands)


async def _decide(log: EventLog, store: ReadStore, count: int) -> float:
    """Append so many commands, then let a processor loose on them.

    A partition is decided in order: the outcome of a last command tells that all before it are.
    """
    outgoing = [_command(number) for number in range(count)]
    for start in range(0, count, _AT_ONCE):
        await log.append(outgoing[start : start + _AT_ONCE])
    door = FrontDoor(log, TOPICS, CODEC, wait_s=_LONGEST_S)
    processor = Processor(decider(), CODEC, log, store, TOPICS)
    tasks = [asyncio.create_task(door.run())]
    try:
        last = {partition_of_account(name, PARTITIONS): name for name in _accounts()}
        asked = [
            asyncio.create_task(
                door.ask_decided(Deposit(name, 1), command_id=new_id(), partition=partition)
            )
            for partition, name in last.items()
        ]
        await asyncio.sleep(_APPENDED_S)
        begun = time.perf_counter()
        tasks.append(asyncio.create_task(processor.run()))
        await asyncio.gather(*asked)
        return count / (time.perf_counter() - begun)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _accounts() -> list[str]:
    return [f"b{number}.x" for number in range(_ACCOUNTS)]


def _command(number: int) -> Outgoing:
    name, data = CODEC.encode(Deposit(f"b{number % _ACCOUNTS}.x", 1))
    envelope = Envelope(id=new_id(), type=name, source="docaxis/bench")
    at = partition_of_account(f"b{number % _ACCOUNTS}.x", PARTITIONS)
    return Outgoing(TOPICS.commands(), at, Message(envelope, data))
