"""Small messages for tests of the log's adapter."""

from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.ports.event_log import Outgoing

TOPIC = "docaxis.test.events"


def outgoing(name: str, partition: int = 0, data: bytes = b"data", sequence: int = 0) -> Outgoing:
    """A message on its way to the test's topic."""
    envelope = Envelope(id=name, type="docaxis.test.v1.Happened", source="t", sequence=sequence)
    return Outgoing(TOPIC, partition, Message(envelope, data))
