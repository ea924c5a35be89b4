"""The committed positions of a group, asked of its coordinator beside the members' own clients.

A member's client would wait on its one thread for as long as somebody's transaction over the
partition is open, ten seconds where its owner has died, and all other partitions with it. Here each
question waits on a thread of its own, on a consumer that never subscribes.

The admin client would not wait, and cannot be asked: where the coordinator has moved to another
broker, librdkafka 2.16 takes the process down (`rd_kafka_handle_OffsetFetch` asks for the new
one of a consumer group that an admin client does not have).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.clients import Config, asking
from docaxis_adapters.kafka_log.failures import error_of, meaning, told
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, Position, TopicPartition

_ANSWER_WITHIN_S = 1.0
_AT_ONCE = 32
"""Questions; more wait. A thread is begun when it is first needed."""
_CLOSED = "this consumer is closed"

Asked = Future[list[Place]]
"""An answer on its way; `positions` reads it."""


class Unstable(Unavailable):
    """Somebody's transaction over the position is still open, or the coordinator is away."""


class GroupOffsets:
    """Asks; usable from any thread. Topics are named without the log's prefix."""

    def __init__(self, base: Config, group: str, prefix: str) -> None:
        self._config = asking(base, group)
        self._prefix = prefix
        self._client: Client | None = None
        self._closed = False
        self._making = Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"{group} offsets")

    def ask(self, streams: Sequence[TopicPartition]) -> Asked:
        """Ask for the positions of these partitions. Raises `Unavailable` once it is closed."""
        places = [Place(self._prefix + each.topic, each.partition) for each in streams]
        try:
            return self._threads.submit(self._committed, places)
        except RuntimeError as error:
            raise Unavailable(_CLOSED) from error

    def _committed(self, places: list[Place]) -> list[Place]:
        """Raises `Unstable`, and what an error means."""
        with self._making:
            if self._closed:
                raise Unavailable(_CLOSED)
            if self._client is None:
                with told():
                    self._client = Client(self._config)
        try:
            found: list[Place] = self._client.committed(places, timeout=_ANSWER_WITHIN_S)
        except KafkaException as exception:
            error = error_of(exception)
            if error.code() == KafkaError._TIMED_OUT:
                words = f"unstable, or its coordinator is away: {error.str()}"
                raise Unstable(words) from exception
            raise meaning(error) from exception
        return found

    def close(self) -> None:
        """Free the client, when all that was asked is answered: within a second. Blocks."""
        with self._making:
            self._closed = True
        self._threads.shutdown()
        if self._client is not None:
            self._client.close()

    def positions(self, answer: Sequence[Place]) -> dict[TopicPartition, Position]:
        """What an answer says: `START` where nothing was committed.

        Raises `Unavailable`, `Unstable`.
        """
        found: dict[TopicPartition, Position] = {}
        for place in answer:
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
