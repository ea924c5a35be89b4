"""A member of a group as a process of its own: `python -m tests.cluster.kafka_worker SETTINGS`.

SETTINGS is JSON, the fields of `WorkerSettings`. The process reads words from its standard input,
one a line, and answers each with one line of JSON. A command becomes the event `of-<its id>`, with
the next version of its partition.

- `poll`: take what is assigned, and the first batch; answers its records' ids
- `rejoined`: wait until the group has made it a member anew since that batch
- `decide`: commit the batch's events; answers the word for what became of it
- `committed`: ask for the committed position of partition 0; answers its place
- `copy`: from now on decide whatever comes, until the end of the input; answers nothing
"""

import asyncio
import faulthandler
import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from docaxis_adapters.kafka_log import ClientBroken, KafkaEventLog, KafkaSettings, clients
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import (
    START,
    Batch,
    Consumer,
    EventLog,
    Outgoing,
    Position,
)
from tests.cluster.kafka_guards import WITHOUT, Death, die_at
from tests.contract.messages import COMMANDS, EVENTS, message, next_batch

Result = TypeVar("Result")

GROUP = "copiers"
BROKEN = 3
"""Exit code of a process whose client broke (L13): somebody starts it again."""
_LARGEST_BATCH = 60
_POLL_S = 0.5
_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told."""

    servers: str
    prefix: str
    replica: str
    partitions: int = 1
    replication: int = 1
    without: str = ""
    """The guard that is taken away: a key of `kafka_guards.WITHOUT`."""
    dies: str = ""
    """Where in its first commit it is killed: a `kafka_guards.Death`."""
    transaction_s: float = clients.TRANSACTION_S
    """After this the cluster ends what it left open."""

    async def open(self) -> KafkaEventLog:
        """The log, with its topics."""
        settings = KafkaSettings(
            kafka_servers=self.servers,
            kafka_topic_prefix=self.prefix,
            kafka_replication=self.replication,
            kafka_min_insync=max(1, self.replication - 1),
        )
        log = await KafkaEventLog.open(settings, replica=self.replica, partitions=self.partitions)
        await log.declare((COMMANDS, EVENTS))
        return log


class Decisions:
    """What the events of the held partitions say: how many there are."""

    def __init__(self, log: EventLog, consumer: Consumer) -> None:
        self._log = log
        self._consumer = consumer
        self._versions: dict[int, int] = {}

    async def take(self, partition: int) -> None:
        """Committed position, the events' end, the fold, then the start (L15)."""
        committed = await until_there(lambda: self._consumer.committed(partition))
        end = await until_there(lambda: self._log.end(EVENTS, partition))
        tail = self._log.tail(EVENTS, {partition: START})
        version = 0
        try:
            while tail.reached(partition).place < end.place:
                for record in await until_there(lambda: tail.next(1000, _POLL_S)):
                    assert record.envelope.sequence == version + 1, "a gap, or a version twice"
                    version += 1
        finally:
            await tail.close()
        self._versions[partition] = version
        self._consumer.start(partition, committed)

    def drop(self, partition: int) -> None:
        """It is somebody else's."""
        self._versions.pop(partition, None)

    def events(self, batch: Batch) -> list[Outgoing]:
        """One for each command."""
        versions = dict(self._versions)
        events = []
        for record in batch.records:
            at = record.partition
            versions[at] += 1
            events.append(Outgoing(EVENTS, at, message(f"of-{record.envelope.id}", versions[at])))
        return events

    def done(self, places: list[Position], events: list[Outgoing]) -> None:
        """These were committed."""
        for event, place in zip(events, places, strict=True):
            self._versions[event.partition] = place.version


async def until_there(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """What `attempt` gives, tried again while brokers are away."""
    while True:
        try:
            return await attempt()
        except Unavailable:
            await asyncio.sleep(_AGAIN_S)


class Worker:
    """Obeys the commands."""

    def __init__(self, log: KafkaEventLog, consumer: KafkaConsumer) -> None:
        self._log = log
        self._consumer = consumer
        self._decisions = Decisions(log, consumer)
        self._batch: Batch | None = None

    async def poll(self) -> list[str]:
        """The ids of the first batch."""
        polled = await self._consumer.poll(1, 30)
        for partition in polled.assigned:
            await self._decisions.take(partition)
        self._batch = await next_batch(self._consumer, 10)
        return [record.envelope.id for record in self._batch.records]

    async def rejoined(self) -> str:
        """Nothing is polled here: the member stays one by itself, or becomes one again."""
        client = self._consumer._client
        assert self._batch is not None
        before = self._batch.token.metadata  # type: ignore[attr-defined]
        while await client.thread.call(client._metadata) == before:  # noqa: ASYNC110 - asked again
            await asyncio.sleep(_AGAIN_S)
        return "rejoined"

    async def decide(self) -> str:
        """Commit the events of the batch."""
        assert self._batch is not None
        return await self._commit(self._batch)

    async def committed(self) -> int:
        """Of partition 0."""
        positions = await until_there(lambda: self._consumer.committed(0))
        return positions[COMMANDS].place

    async def copy(self) -> None:
        """Decide whatever comes, until cancelled."""
        while True:
            size = random.randint(1, _LARGEST_BATCH)
            polled = await until_there(partial(self._consumer.poll, size, _POLL_S))
            for partition in polled.revoked:
                self._decisions.drop(partition)
            for partition in polled.assigned:
                await self._decisions.take(partition)
            if polled.batch is not None:
                while await self._commit(polled.batch) == "unavailable":  # noqa: ASYNC110 - retried
                    await asyncio.sleep(_AGAIN_S)

    async def _commit(self, batch: Batch) -> str:
        events = self._decisions.events(batch)
        try:
            places = await self._consumer.commit(batch, events)
        except Fenced:
            await self._consumer.rewind(batch)
            return "fenced"
        except Unavailable:
            return "unavailable"
        self._decisions.done(list(places), events)
        return "committed"


async def obey(settings: WorkerSettings) -> None:
    """Obey until the end of the input."""
    log = await until_there(settings.open)
    consumer = await until_there(lambda: log.join(GROUP, (COMMANDS,), transactional=True))
    worker = Worker(log, consumer)
    print(json.dumps("joined"), flush=True)
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if word == "copy":
            copying = asyncio.create_task(worker.copy())
            await asyncio.wait(
                {copying, asyncio.create_task(asyncio.to_thread(sys.stdin.readline))},
                return_when=asyncio.FIRST_COMPLETED,
            )
            if copying.done():
                copying.result()
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)
            break
        print(json.dumps(await getattr(worker, word)()), flush=True)
    await log.close()


async def serve(settings: WorkerSettings) -> None:
    """Obey, and end at once where that fails: a thread still waits for the input then."""
    try:
        await obey(settings)
    except ClientBroken as error:
        print(f"{settings.replica}: {error}", file=sys.stderr, flush=True)
        os._exit(BROKEN)
    except Exception:  # noqa: BLE001 - told, and an exit code
        traceback.print_exc()
        os._exit(1)


def main() -> None:
    """Take the guard away, then obey. SIGUSR1 writes what each thread does."""
    faulthandler.register(signal.SIGUSR1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = WorkerSettings(**json.loads(sys.argv[1]))
    if settings.without:
        WITHOUT[settings.without]()
    if settings.dies:
        die_at(Death(settings.dies))
    clients.TRANSACTION_S = settings.transaction_s
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
