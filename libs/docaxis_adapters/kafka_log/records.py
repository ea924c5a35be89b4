"""Our messages as Kafka's records: CloudEvents binary mode, the envelope in headers."""

from typing import Any

from confluent_kafka import Message as KafkaMessage

from docaxis_eventsourcing.envelope import from_headers, to_headers
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, Recorded


def value_and_headers(outgoing: Outgoing) -> tuple[bytes, list[Any]]:
    """What `produce` takes for a message."""
    message = outgoing.message
    return message.data, list(to_headers(message.envelope))


def recorded(message: KafkaMessage, topic: str) -> Recorded:
    """A record as the kernel sees it; its time is the broker's append time (L5).

    Raises `KeyError` for a record without our headers: somebody else wrote into our topic.
    """
    offset, partition = message.offset(), message.partition()
    if offset is None or partition is None:
        raise ValueError("a record without a place")
    headers: Any = message.headers() or ()
    envelope = from_headers(headers)
    return Recorded(
        topic,
        partition,
        message.timestamp()[1],
        Position(envelope.sequence, offset + 1),
        envelope,
        message.value() or b"",
    )
