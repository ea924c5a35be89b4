"""The committed positions of a group, asked of its coordinator beside the members' own clients.

A member's client would wait on its one thread for as long as somebody's transaction over the
partition is open, ten seconds where its owner has died, and all other partitions with it. The
admin client says at once that a position is not stable yet.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.administration import Administration
from docaxis_adapters.kafka_log.failures import error_of, told
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, Position, TopicPartition

_ANSWER_WITHIN_S = 3.0

Asked = Future[Any]
"""An answer on its way; `positions` reads it."""


class Unstable(Unavailable):
    """Somebody's transaction over the position is still open."""


class GroupOffsets:
    """Asks; usable from any thread. Topics are named without the log's prefix."""

    def __init__(self, administration: Administration, group: str, prefix: str) -> None:
        self._administration = administration
        self._group = group
        self._prefix = prefix

    def ask(self, streams: Sequence[TopicPartition]) -> Asked:
        """Ask for the positions of these partitions. Raises `Unavailable`."""
        places = [Place(self._prefix + each.topic, each.partition) for each in streams]
        wanted = ConsumerGroupTopicPartitions(self._group, places)
        client = self._administration.client
        with told():
            (asked,) = client.list_consumer_group_offsets(
                [wanted], require_stable=True, request_timeout=_ANSWER_WITHIN_S
            ).values()

        def look(answer: Asked) -> None:
            if _timed_out(answer):
                self._administration.renew(client)

        asked.add_done_callback(look)
        return asked

    def positions(self, answer: Any) -> dict[TopicPartition, Position]:
        """What an answer says: `START` where nothing was committed.

        Raises `Unavailable`, `Unstable`.
        """
        found: dict[TopicPartition, Position] = {}
        for place in answer.topic_partitions:
            if place.error is not None:
                unstable = place.error.code() == KafkaError.UNSTABLE_OFFSET_COMMIT
                failure = Unstable if unstable else Unavailable
                raise failure(f"{place.topic}/{place.partition}: {place.error.str()}")
            at = TopicPartition(place.topic.removeprefix(self._prefix), place.partition)
            known = place.offset >= 0
            version = int(place.metadata) if known and place.metadata else 0
            found[at] = Position(version, place.offset) if known else START
        return found

    def places(self, positions: Mapping[TopicPartition, Position]) -> list[Place]:
        """Positions as they are committed: the version rides in the offset's metadata."""
        return [
            Place(
                self._prefix + at.topic,
                at.partition,
                position.place,
                metadata=str(position.version),
            )
            for at, position in positions.items()
        ]


def _timed_out(answer: Asked) -> bool:
    exception = None if answer.cancelled() else answer.exception()
    if not isinstance(exception, KafkaException):
        return False
    return error_of(exception).code() == KafkaError._TIMED_OUT
