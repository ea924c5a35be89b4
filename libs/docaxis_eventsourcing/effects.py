"""Effects (L19): events become slow or foreign work, many at a time; each result is commands.

Progress is the lowest unfinished event of each partition, so after a crash some work is done
again: its commands carry ids from their event, and the repeat is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.follow_up import CommandWriter, FollowUp
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import (
    Consumer,
    EventLog,
    Position,
    Recorded,
    TopicPartition,
)

_log = structlog.get_logger(__name__)

Work = Callable[[Any, Envelope], Awaitable[Sequence[FollowUp]]]


class Effects:
    """Does the work that a topic's events ask for, until cancelled.

    `work` gets an event and its envelope and answers the commands to append. It raises
    `Unavailable` where its surroundings fail (tried again, without bound); a failure of the work
    itself is a result and must be told as a command. Anything else that it raises is a fault:
    the event's partition stops, loudly.
    """

    def __init__(
        self,
        name: str,
        topic: str,
        codec: MessageCodec,
        work: Work,
        writer: CommandWriter,
        log: EventLog,
        *,
        concurrency: int = 64,
        deadline_s: float = 60.0,
    ) -> None:
        self._topic = topic
        self._codec = codec
        self._work = work
        self._writer = writer
        self._event_log = log
        self._concurrency = concurrency
        self._deadline_s = deadline_s
        self._group = f"docaxis.{writer.topics.service}.effects.{name}"
        self.health = PartHealth(f"{writer.topics.service}.effects.{name}")

    async def run(self) -> None:
        """Ends only by cancellation."""
        consumer = await self._event_log.join(self._group, (self._topic,))
        running: set[asyncio.Task[None]] = set()
        progress: dict[int, _Progress] = {}
        try:
            while True:
                room = self._concurrency - len(running)
                polled = await consumer.poll(max(room, 1), 0.05 if running else 1.0)
                for partition in polled.revoked:
                    progress.pop(partition, None)
                for partition in polled.assigned:
                    progress[partition] = _Progress()
                    consumer.start(partition)
                for record in polled.batch.records if polled.batch else ():
                    self._begin(record, progress, running, consumer)
                if len(running) >= self._concurrency:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                await self._store(consumer, progress)
                if not running:
                    self.health.working()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await consumer.close()

    def _begin(
        self,
        record: Recorded,
        progress: dict[int, "_Progress"],
        running: set[asyncio.Task[None]],
        consumer: Consumer,
    ) -> None:
        place = progress.setdefault(record.partition, _Progress())
        place.begin(record.after)
        if not self._codec.knows(record.envelope.type):
            place.finish(record.after)
            return
        task = asyncio.create_task(self._do(record, place, consumer))
        running.add(task)
        task.add_done_callback(running.discard)

    async def _do(self, record: Recorded, progress: "_Progress", consumer: Consumer) -> None:
        event = self._codec.decode(record.envelope.type, record.data)
        async for _ in backoff(self.health, "an effect"):
            try:
                async with asyncio.timeout(self._deadline_s):
                    follow_ups = await self._work(event, record.envelope)
                outputs = self._writer.outgoing(record.envelope, follow_ups)
                if outputs:
                    await self._event_log.append(outputs)
                break
            except (Unavailable, TimeoutError) as error:
                self.health.waiting(repr(error))
            except Exception as error:  # noqa: BLE001 - a fault of ours: stop, loudly
                _log.critical("effect_failed", event_id=record.envelope.id, exc_info=True)
                self.health.failed(f"partition {record.partition}: {error!r}")
                consumer.stop(record.partition)
                return  # never finished: progress stays before it
        progress.finish(record.after)

    async def _store(self, consumer: Consumer, progress: dict[int, "_Progress"]) -> None:
        moved = {
            TopicPartition(self._topic, partition): position
            for partition, each in progress.items()
            if (position := each.take_moved())
        }
        if not moved:
            return
        try:
            await consumer.progress(moved)
        except Fenced:
            return  # the next owner does the unfinished again
        except Unavailable as error:
            self.health.waiting(str(error))


class _Progress:
    """The lowest unfinished event of one partition."""

    def __init__(self) -> None:
        self._open: dict[Position, bool] = {}  # in log order; True when finished
        self._moved: Position | None = None

    def begin(self, after: Position) -> None:
        self._open[after] = False

    def finish(self, after: Position) -> None:
        self._open[after] = True
        while self._open and self._open[first := next(iter(self._open))]:
            del self._open[first]
            self._moved = first

    def take_moved(self) -> Position | None:
        """How far all is finished, where that changed since the last call."""
        moved, self._moved = self._moved, None
        return moved
