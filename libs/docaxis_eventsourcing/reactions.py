"""Reactions (L18): events of other services, and one's own, become commands; stateless.

They append without a transaction and store now and then how far they came: derived ids make what
is appended twice harmless, and no open transaction of theirs can hold up anybody's commands.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.follow_up import CommandWriter, FollowUp
from docaxis_eventsourcing.member_progress import MemberProgress
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import Batch, Consumer, EventLog, Outgoing, Recorded
from docaxis_eventsourcing.together import together

_log = structlog.get_logger(__name__)

_POLL_S = 1.0


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

    @property
    def follows(self) -> tuple[str, str]:
        """The group, and the topic that it goes through."""
        return self._group, self._source.topic

    async def run(self) -> None:
        """Ends only by cancellation."""
        consumer = await until_available(
            self.health,
            "joining",
            lambda: self._event_log.join(self._group, (self._source.topic,)),
        )
        progress = MemberProgress(consumer)
        try:
            while True:
                polled = await until_available(
                    self.health,
                    "polling",
                    lambda: consumer.poll(self._limit, progress.wait_s(_POLL_S)),
                )
                progress.lost(polled.revoked)
                for partition in polled.assigned:
                    consumer.start(partition)
                if polled.batch is not None:
                    await self._work_off(polled.batch, consumer, progress)
                await progress.store(idle=polled.batch is None)
                if progress.trouble:
                    self.health.waiting(progress.trouble)
                else:
                    self.health.working()
        finally:
            await progress.close()
            await consumer.close()

    async def _work_off(self, batch: Batch, consumer: Consumer, progress: MemberProgress) -> None:
        async for _ in backoff(self.health, "reacting"):
            try:
                outputs, failed = await self._react(batch.records)
                if outputs:
                    await self._event_log.append(outputs)
                break
            except Unavailable as error:
                self.health.waiting(str(error))
        progress.reached({at: to for at, to in batch.upto.items() if at.partition not in failed})
        for partition, fault in failed.items():
            _log.critical("reaction_failed", partition=partition, exc_info=fault)
            self.health.failed(f"partition {partition}: {fault!r}")
            consumer.stop(partition)

    async def _react(
        self, records: Sequence[Recorded]
    ) -> tuple[list[Outgoing], dict[int, Exception]]:
        """The commands that follow, and the partitions where a reaction failed by its own fault.

        Of a failed partition, what comes before the failing event is still appended.
        """
        source = self._source
        known = [record for record in records if source.codec.knows(record.envelope.type)]
        events = [self._decoded(record) for record in known]
        sound = [event for event in events if not isinstance(event, Exception)]
        gathered = iter([None] * len(sound))
        if source.gather is not None:
            gathered = iter(await together(source.gather, sound))
        outputs: list[Outgoing] = []
        failed: dict[int, Exception] = {}
        for record, event in zip(known, events, strict=True):
            given = event if isinstance(event, Exception) else next(gathered)
            if record.partition in failed:
                continue
            try:
                if isinstance(given, Exception):
                    raise given
                follow_ups = source.react(event, record.envelope, given)
                outputs += self._writer.outgoing(record.envelope, follow_ups)
            except Exception as error:  # noqa: BLE001 - L22: stop this partition, loudly
                failed[record.partition] = error
        return outputs, failed

    def _decoded(self, record: Recorded) -> Any:
        try:
            return self._source.codec.decode(record.envelope.type, record.data)
        except Exception as error:  # noqa: BLE001 - told where its turn comes
            return error
