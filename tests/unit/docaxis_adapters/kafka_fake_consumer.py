"""A client library's consumer that does as it is told, for what no broker can be made to do."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.records import value_and_headers
from docaxis_eventsourcing.ports.event_log import Outgoing
from tests.contract.messages import message

Event = Message | Callable[[], None]


class FakeConsumer:
    """Gives `events` in their order: messages, and functions that stand for callbacks."""

    def __init__(self, config: object = None) -> None:
        self.events: deque[Event] = deque()
        self.paused: set[tuple[str, int]] = set()
        self.seeks: list[tuple[str, int, int]] = []
        self.refused_seeks = 0
        """So many are refused first."""
        self.places: dict[tuple[str, int], int] = {}
        self.callbacks: dict[str, Callable[[Any, list[Place]], None]] = {}
        self.closed = False

    def subscribe(self, topics: Sequence[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def poll(self, timeout: float) -> Message | None:
        while self.events:
            event = self.events.popleft()
            if isinstance(event, Message):
                return event
            event()
        return None

    def consume(self, count: int, timeout: float) -> list[Message]:
        found: list[Message] = []
        while len(found) < count and (each := self.poll(timeout)) is not None:
            found.append(each)
        return found

    def seek(self, place: Place) -> None:
        if self.refused_seeks:
            self.refused_seeks -= 1
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.seeks.append((place.topic, place.partition, place.offset))

    def pause(self, places: list[Place]) -> None:
        self.paused |= {(each.topic, each.partition) for each in places}

    def resume(self, places: list[Place]) -> None:
        self.paused -= {(each.topic, each.partition) for each in places}

    def position(self, places: list[Place]) -> list[Place]:
        return [
            Place(each.topic, each.partition, self.places.get((each.topic, each.partition), -1001))
            for each in places
        ]

    def incremental_assign(self, places: list[Place]) -> None:
        pass

    def incremental_unassign(self, places: list[Place]) -> None:
        pass

    def consumer_group_metadata(self) -> bytes:
        return b"metadata"

    def close(self) -> None:
        self.closed = True


def record(topic: str, partition: int, offset: int) -> Message:
    """A record with the id `<partition>:<offset>`."""
    made = message(f"{partition}:{offset}")
    value, headers = value_and_headers(Outgoing(topic, partition, made))
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        value=value,
        headers=headers,
        timestamp=(2, 1_700_000_000_000),
    )


def failure(code: int, topic: str | None = None, partition: int = 0, offset: int = 0) -> Message:
    """What the client gives in a record's place."""
    return Message(topic=topic, partition=partition, offset=offset, error=KafkaError(code))
