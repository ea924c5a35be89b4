"""Our messages as Kafka's records: CloudEvents binary mode, the envelope in headers."""

from typing import Any

from confluent_kafka import Message as KafkaMessage

from docaxis_eventsourcing.envelope import Envelope, from_headers, to_headers
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, Recorded

FOREIGN = "foreign"
"""Source, and the front of the id, of a record that is not one of ours."""


def value_and_headers(outgoing: Outgoing) -> tuple[bytes, list[Any]]:
    """What `produce` takes for a message."""
    message = outgoing.message
    return message.data, list(to_headers(message.envelope))


def recorded(message: KafkaMessage, topic: str) -> Recorded:
    """A record as the kernel sees it; its time is the broker's append time (L5).

    One without our headers, which somebody else wrote into our topic, has an envelope without a
    type. Nobody knows that type: a command dies alone (L22), a fold of events stops (L16), and no
    reader is stuck before it.
    """
    offset, partition = message.offset(), message.partition()
    if offset is None or partition is None:
        raise ValueError("a record without a place")
    headers: Any = message.headers() or ()
    try:
        envelope = from_headers(headers)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its reader goes on
        envelope = Envelope(id=f"{FOREIGN}-{topic}-{partition}-{offset}", type="", source=FOREIGN)
    return Recorded(
        topic,
        partition,
        message.timestamp()[1],
        Position(envelope.sequence, offset + 1),
        envelope,
        message.value() or b"",
    )
