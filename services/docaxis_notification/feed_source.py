"""The topics that the live stream reads, and their records as entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.ports.event_log import EventLog, Position, Recorded, Tail
from docaxis_notification.feed_place import Stream
from docaxis_notification.feed_recent import Entry, Telling
from docaxis_notification.happenings import happenings


@dataclass(frozen=True, slots=True)
class Source:
    """One topic of events. `number` is its place in cursors: it never changes."""

    number: int
    topic: str
    codec: MessageCodec

    def entry(self, record: Recorded) -> Entry | None:
        """What an event tells; None where it is nobody's business."""
        if not self.codec.knows(record.envelope.type):
            return None
        event = self.codec.decode(record.envelope.type, record.data)
        tellings = tuple(
            Telling(
                derived_id("public-event", record.envelope.id, place),
                each.event_type,
                each.organisation_id,
                each.document_id,
                each.delivery_id,
                record.envelope.time,
            )
            for place, each in enumerate(happenings(event))
        )
        if not tellings:
            return None
        return Entry(Stream(self.number, record.partition), record.after.place, tellings)

    def tail(self, log: EventLog, places: Mapping[Stream, int]) -> Tail:
        """A reader of those streams that are of this topic."""
        return log.tail(
            self.topic,
            {
                stream.partition: Position(0, place)
                for stream, place in places.items()
                if stream.source == self.number
            },
        )


async def settled(log: EventLog, sources: Sequence[Source]) -> dict[Stream, int]:
    """Where readers stand that have seen all there is to see. Raises `Unavailable`."""
    return {
        Stream(source.number, partition): (await log.settled(source.topic, partition)).place
        for source in sources
        for partition in range(log.partitions)
    }
