"""What reactions and effects have in common: an event becomes commands with derived ids (L2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from docaxis_eventsourcing.decider import Command
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_eventsourcing.topics import Lane, ServiceTopics


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A command that an event gives rise to, and the partition that decides it."""

    command: Command
    partition: int
    lane: Lane = Lane.NORMAL


@dataclass(frozen=True, slots=True)
class CommandWriter:
    """Turns follow-ups into records of a service's command topics."""

    topics: ServiceTopics
    codec: MessageCodec

    def outgoing(self, cause: Envelope, follow_ups: Sequence[FollowUp]) -> list[Outgoing]:
        """The same event gives the same commands with the same ids, so a repeat is harmless."""
        return [self._one(cause, index, follow_up) for index, follow_up in enumerate(follow_ups)]

    def _one(self, cause: Envelope, index: int, follow_up: FollowUp) -> Outgoing:
        name, data = self.codec.encode(follow_up.command)
        envelope = Envelope(
            id=derived_id("follow-up", self.topics.service, cause.id, index, name),
            type=name,
            source=f"docaxis/{self.topics.service}",
            time=cause.time,
            correlation_id=cause.correlation_id,
            causation_id=cause.id,
            actor=cause.actor,
            traceparent=cause.traceparent,
        )
        return Outgoing(
            self.topics.commands(follow_up.lane), follow_up.partition, Message(envelope, data)
        )
