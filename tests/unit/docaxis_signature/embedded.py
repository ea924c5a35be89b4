"""A composed service beside routing, whose events the test itself writes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from google.protobuf.message import Message as ProtobufMessage

from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.event_log import START, Outgoing, Recorded
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import ServiceTopics
from tests.embedded import at_work

PARTITIONS = 4
ROUTING = ServiceTopics("routing")
EVENT_TIME = 1_795_300_000_123
"""Unix ms in November 2026."""

Compose = Callable[[Ports], RunningService]


@asynccontextmanager
async def running(ports: Ports, compose: Compose) -> AsyncIterator[RunningService]:
    """The service while its parts run, beside routing's events."""
    service = compose(ports)
    async with at_work(ports, service, topics=(ROUTING.events,)):
        yield service


@dataclass
class RoutingEvents:
    """Writes events as routing's processor would, numbered in each partition."""

    ports: Ports
    written: dict[int, int] = field(default_factory=dict)

    async def append(
        self, event: ProtobufMessage, partition: int, time: int = EVENT_TIME
    ) -> Envelope:
        if not self.written:
            await self.ports.log.declare((ROUTING.events,))
        number = self.written[partition] = self.written.get(partition, 0) + 1
        envelope = Envelope(
            id=derived_id("event", partition, number),
            type=event.DESCRIPTOR.full_name,
            source="docaxis/routing",
            time=time,
            sequence=number,
            epoch=self.ports.log.epoch,
        )
        message = Message(envelope, event.SerializeToString())
        await self.ports.log.append([Outgoing(ROUTING.events, partition, message)])
        return envelope

    async def append_again(
        self, event: ProtobufMessage, envelope: Envelope, partition: int
    ) -> None:
        """The very same event once more, as a log that delivers twice would.

        It has a number of its own: views of routing's events stop at one that comes twice (L16).
        """
        number = self.written[partition] = self.written.get(partition, 0) + 1
        envelope = replace(envelope, sequence=number)
        message = Message(envelope, event.SerializeToString())
        await self.ports.log.append([Outgoing(ROUTING.events, partition, message)])


async def stored(ports: Ports, topic: str) -> list[Recorded]:
    """All that a topic holds, partition by partition."""
    tail = ports.log.tail(topic, dict.fromkeys(range(PARTITIONS), START))
    found: list[Recorded] = []
    try:
        while records := await tail.next(1000, 0.2):
            found += records
    finally:
        await tail.close()
    return found
