"""Reactions (L18): events of other services, and one's own, become commands; stateless.

They append without a transaction and then store how far they came: derived ids make what is
appended twice harmless, and no open transaction of theirs can hold up anybody's commands.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.follow_up import CommandWriter, FollowUp
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import (
    Batch,
    Consumer,
    EventLog,
    Position,
    Recorded,
    TopicPartition,
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A topic of events, how they are read, and what follows from each.

    `react` is pure. Types that the codec does not know are none of ours and are passed over.
    `gather`, where given, fetches what a batch of events needs from views, one result an event.
    """

    topic: str
    codec: MessageCodec
    react: Callable[[Any, Envelope, Any], Sequence[FollowUp]]
    gather: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]] | None = None


class Reactions:
    """Follows one topic of events and appends the commands that follow, until cancelled."""

    def __init__(
        self, name: str, source: Source, writer: CommandWriter, log: EventLog, limit: int = 500
    ) -> None:
        self._source = source
        self._writer = writer
        self._event_log = log
        self._limit = limit
        self._group = f"docaxis.{writer.topics.service}.reactions.{name}"
        self.health = PartHealth(f"{writer.topics.service}.reactions.{name}")

    async def run(self) -> None:
        """Ends only by cancellation."""
        consumer = await self._event_log.join(self._group, (self._source.topic,))
        try:
            while True:
                polled = await consumer.poll(self._limit, 1.0)
                for partition in polled.assigned:
                    consumer.start(partition)
                if polled.batch is not None:
                    await self._work_off(polled.batch, consumer)
                self.health.working()
        finally:
            await consumer.close()

    async def _work_off(self, batch: Batch, consumer: Consumer) -> None:
        async for _ in backoff(self.health, "reacting"):
            try:
                outputs, upto = await self._react(batch, consumer)
                if outputs:
                    await self._event_log.append(outputs)
                await consumer.progress(upto)
                return
            except Unavailable as error:
                self.health.waiting(str(error))
            except Fenced:
                return  # the next owner appends the same commands again: harmless

    async def _react(
        self, batch: Batch, consumer: Consumer
    ) -> tuple[list[Any], dict[TopicPartition, Position]]:
        events = [
            (record, self._source.codec.decode(record.envelope.type, record.data))
            for record in batch.records
            if self._source.codec.knows(record.envelope.type)
        ]
        gathered: Sequence[Any] = [None] * len(events)
        if self._source.gather is not None and events:
            gathered = await self._source.gather([event for _, event in events])
        outputs: list[Any] = []
        stopped: dict[int, Recorded] = {}
        for (record, event), given in zip(events, gathered, strict=True):
            if record.partition in stopped:
                continue
            try:
                follow_ups = self._source.react(event, record.envelope, given)
                outputs += self._writer.outgoing(record.envelope, follow_ups)
            except Exception as error:  # noqa: BLE001 - L22: our own fault; stop this partition, loudly
                _log.critical("reaction_failed", event_id=record.envelope.id, exc_info=True)
                self.health.failed(f"partition {record.partition}: {error!r}")
                consumer.stop(record.partition)
                stopped[record.partition] = record
        upto = {at: to for at, to in batch.upto.items() if at.partition not in stopped}
        return outputs, upto
