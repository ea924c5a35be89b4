"""Effects (L19): events become slow or foreign work, many at a time; each result is commands.

Progress is the lowest unfinished event of each partition, stored now and then, so after a crash
some work is done again: its commands carry ids from their event, and the repeat is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.follow_up import CommandWriter, FollowUp
from docaxis_eventsourcing.member_progress import MemberProgress
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import (
    START,
    Consumer,
    EventLog,
    Polled,
    Position,
    Recorded,
    TopicPartition,
)

_log = structlog.get_logger(__name__)

_POLL_S = 1.0
_LOOK_AGAIN_S = 0.05
_FARTHEST_AHEAD = 5_000

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
        self._waiting: set[tuple[int, Position]] = set()
        """Events whose work waits for surroundings that fail."""
        self._group = f"docaxis.{writer.topics.service}.effects.{name}"
        self.health = PartHealth(f"{writer.topics.service}.effects.{name}")

    @property
    def follows(self) -> tuple[str, str]:
        """The group, and the topic that it goes through."""
        return self._group, self._topic

    async def run(self) -> None:
        """Ends only by cancellation."""
        consumer = await until_available(
            self.health, "joining", lambda: self._event_log.join(self._group, (self._topic,))
        )
        running: set[asyncio.Task[None]] = set()
        progress: dict[int, _Progress] = {}
        stored = MemberProgress(consumer)
        try:
            while True:
                polled = await self._poll(consumer, len(running), stored)
                stored.lost(polled.revoked)
                for partition in polled.revoked:
                    progress.pop(partition, None)
                for partition in polled.assigned:
                    progress[partition] = _Progress()
                    consumer.start(partition)
                for record in polled.batch.records if polled.batch else ():
                    if place := progress.get(record.partition):
                        self._begin(record, place, running, consumer)
                if len(running) >= self._concurrency:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                stored.reached(self._done(progress))
                await stored.store(idle=polled.batch is None and not running)
                self._restrain(consumer, progress)
                if stored.trouble:
                    self.health.waiting(stored.trouble)
                elif not self._waiting:
                    self.health.working()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            stored.reached(self._done(progress))
            await stored.close()
            await consumer.close()

    async def _poll(self, consumer: Consumer, running: int, stored: MemberProgress) -> Polled:
        room = max(self._concurrency - running, 1)
        wait_s = _LOOK_AGAIN_S if running else stored.wait_s(_POLL_S)
        return await until_available(self.health, "polling", lambda: consumer.poll(room, wait_s))

    def _begin(
        self,
        record: Recorded,
        progress: "_Progress",
        running: set[asyncio.Task[None]],
        consumer: Consumer,
    ) -> None:
        progress.begin(record.after)
        if not self._codec.knows(record.envelope.type):
            progress.finish(record.after)
            return
        task = asyncio.create_task(self._do(record, progress, consumer))
        running.add(task)
        task.add_done_callback(running.discard)

    async def _do(self, record: Recorded, progress: "_Progress", consumer: Consumer) -> None:
        try:
            await self._do_until_done(record, progress, consumer)
        finally:
            self._waiting.discard((record.partition, record.after))

    async def _do_until_done(
        self, record: Recorded, progress: "_Progress", consumer: Consumer
    ) -> None:
        async for _ in backoff(self.health, "an effect"):
            try:
                event = self._codec.decode(record.envelope.type, record.data)
                async with asyncio.timeout(self._deadline_s):
                    follow_ups = await self._work(event, record.envelope)
                outputs = self._writer.outgoing(record.envelope, follow_ups)
                if outputs:
                    await self._event_log.append(outputs)
                break
            except (Unavailable, TimeoutError) as error:
                self._waiting.add((record.partition, record.after))
                self.health.waiting(repr(error))
            except Exception as error:  # noqa: BLE001 - a fault of ours: stop, loudly
                _log.critical("effect_failed", event_id=record.envelope.id, exc_info=True)
                self.health.failed(f"partition {record.partition}: {error!r}")
                progress.failed = True  # never finished: progress stays before it
                consumer.stop(record.partition)
                return
        progress.finish(record.after)

    def _done(self, progress: dict[int, "_Progress"]) -> dict[TopicPartition, Position]:
        return {
            TopicPartition(self._topic, partition): each.done
            for partition, each in progress.items()
            if each.done is not None
        }

    def _restrain(self, consumer: Consumer, progress: dict[int, "_Progress"]) -> None:
        """Let no partition run far ahead of an event that hangs: it would all be done again."""
        for partition, each in progress.items():
            if each.failed:
                continue
            if not each.held_back and each.ahead > _FARTHEST_AHEAD:
                each.held_back = True
                consumer.stop(partition)
            elif each.held_back and each.ahead <= _FARTHEST_AHEAD // 2:
                each.held_back = False
                consumer.start(partition, {self._topic: each.begun})


class _Progress:
    """The lowest unfinished event of one partition."""

    def __init__(self) -> None:
        self._open: dict[Position, bool] = {}  # in log order; True when finished
        self.begun = START
        self.done: Position | None = None
        """How far all is finished."""
        self.held_back = False
        self.failed = False

    @property
    def ahead(self) -> int:
        """How many events were begun from the lowest unfinished one on."""
        return len(self._open)

    def begin(self, after: Position) -> None:
        self._open[after] = False
        self.begun = after

    def finish(self, after: Position) -> None:
        self._open[after] = True
        while self._open and self._open[first := next(iter(self._open))]:
            del self._open[first]
            self.done = first
