"""What a consumer reads of its partitions, on the consumer's own thread: records in fair shares.

The client hands records out in the order in which brokers' answers came, so that one full partition
would starve all others: they are pulled into one queue per partition, and taken from these in turn.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.clients import OPERATION_S
from docaxis_adapters.kafka_log.failures import meaning, told
from docaxis_adapters.kafka_log.records import recorded
from docaxis_eventsourcing.errors import Divergence, Unavailable
from docaxis_eventsourcing.ports.event_log import Position, Recorded, TopicPartition

_MOST_QUEUED = 5_000
_BATCHES_QUEUED = 50
"""Of a topic that a batch has few records of: they may be large."""
_PULLED = 1_000
_SEEK_ATTEMPTS = 200
_SEEK_PAUSE_S = 0.01
_PASSING = {KafkaError._PARTITION_EOF}
_AWAY = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
}


@dataclass(slots=True)
class _Stream:
    """One partition that is being read."""

    at: Position
    """Behind what was taken."""
    queued: deque[Recorded] = field(default_factory=deque)
    end_seen: int = 0
    """The client's word that it stands at the end, and where."""
    moved: bool = False
    """Whether anything was pulled since the last seek: the client's own position is then true."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Records taken, by partition, and where each stood before."""

    records: Mapping[TopicPartition, tuple[Recorded, ...]]
    first: Mapping[TopicPartition, Position]


class PartitionReader:
    """Reads started partitions through one client. All calls on the client's thread."""

    def __init__(
        self,
        client: Client,
        expiring: Callable[[str], bool],
        prefix: str = "",
        at_most: Mapping[str, int] | None = None,
    ) -> None:
        """`expiring` tells whether a topic's old records are removed by time (L17); `at_most`, how
        many records of a topic are taken at once."""
        self._client = client
        self._expiring = expiring
        self._prefix = prefix
        self._streams: dict[TopicPartition, _Stream] = {}
        self.queued = 0
        """Records pulled and not yet taken."""
        self._at_most = dict(at_most or {})
        self._queued_of: Counter[str] = Counter()  # by topic
        self._paused: dict[str, list[Place]] = {}  # by topic
        self._failure: Exception | None = None
        self._ended: set[TopicPartition] = set()  # the client reads these no more: assign anew

    def place(self, at: TopicPartition, offset: int | None = None) -> Place:
        """A partition as the client names it."""
        if offset is None:
            return Place(self._prefix + at.topic, at.partition)
        return Place(self._prefix + at.topic, at.partition, offset)

    @property
    def started(self) -> tuple[TopicPartition, ...]:
        """The partitions that are being read."""
        return tuple(self._streams)

    def begin(self, at: TopicPartition, position: Position) -> None:
        """The client reads this partition from here already (it was assigned so)."""
        self.drop(at)
        self._streams[at] = _Stream(position)

    def left_from(self, at: TopicPartition, position: Position) -> Position:
        """Where reading can begin: of an expiring topic, with the first record that is left (L17).

        Raises `Unavailable`.
        """
        if not self._expiring(at.topic):
            return position
        low, _ = self._marks(at)
        return Position(position.version, max(position.place, low))

    def seek(
        self, at: TopicPartition, position: Position, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Read from here on, unless `wanted` tells that it no longer is. Raises `Unavailable`."""
        self.drop(at)
        position = self.left_from(at, position)
        place = self.place(at, position.place)
        if at in self._ended:
            with told():
                self._client.incremental_unassign([place])
                self._client.incremental_assign([place])
            self._ended.discard(at)
            self._streams[at] = _Stream(position)
        elif self._seek(place, wanted):
            self._streams[at] = _Stream(position)

    def stands(self, at: TopicPartition) -> Position | None:
        """Just behind what was taken; None for a partition that is not being read."""
        stream = self._streams.get(at)
        return None if stream is None else stream.at

    def drop(self, at: TopicPartition) -> None:
        """Read it no more; what was pulled of it is forgotten."""
        stream = self._streams.pop(at, None)
        if stream is not None:
            self._dequeued(at.topic, len(stream.queued))

    def reset(self) -> None:
        """Be as new: read nothing, hold nothing back.

        The client would keep a partition paused over any assignment, for its next reader, too.
        """
        for at in self.started:
            self.drop(at)
        paused, self._paused = self._paused, {}
        self._failure = None
        self._ended.clear()
        for places in paused.values():
            with told():
                self._client.resume(places)

    def pull(self, wait_s: float) -> None:
        """Take over what the client has; wait for the first record. Serves rebalances, too."""
        with told():
            self._restrain()
            first = self._client.poll(0 if self._paused else wait_s)
            if first is None:
                return
            self._sort_in(first)
            while True:
                self._restrain()
                more = self._client.consume(_PULLED, 0)
                for message in more:
                    self._sort_in(message)
                if len(more) < _PULLED:
                    break

    def take(self, limit: int) -> Taken | None:
        """At most `limit` records in equal shares; None where there are none.

        Raises what was found wrong while pulling.
        """
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        records: dict[TopicPartition, list[Recorded]] = {}
        first: dict[TopicPartition, Position] = {}
        room = dict(self._at_most)
        while limit > 0 and (full := self._full(room)):
            share = max(1, limit // len(full))
            for at in full[:limit]:
                most = min(share, room.get(at.topic, share))
                if not most:  # others of its topic had the rest
                    continue
                stream = self._streams.pop(at)
                self._streams[at] = stream  # to the end of the order: the others come first next
                first.setdefault(at, stream.at)
                taken = records.setdefault(at, [])
                count = min(most, len(stream.queued))
                taken += [stream.queued.popleft() for _ in range(count)]
                limit -= count
                if at.topic in room:
                    room[at.topic] -= count
                stream.at = taken[-1].after
        if not records:
            return None
        for at, each in records.items():
            self._dequeued(at.topic, len(each))
        return Taken({at: tuple(each) for at, each in records.items()}, first)

    def _full(self, room: Mapping[str, int]) -> list[TopicPartition]:
        """Partitions that have records and whose topic has room in the batch."""
        return [
            at for at, each in self._streams.items() if each.queued and room.get(at.topic, 1) > 0
        ]

    def _dequeued(self, topic: str, count: int) -> None:
        self.queued -= count
        self._queued_of[topic] -= count

    def reached(self) -> dict[TopicPartition, Position]:
        """Just behind all that was taken or skipped: markers and aborted records hold nothing."""
        places = self._places_of_client()
        found: dict[TopicPartition, Position] = {}
        for at, stream in self._streams.items():
            place = stream.at.place
            if not stream.queued:
                place = max(place, stream.end_seen, places.get(at, 0))
            found[at] = Position(stream.at.version, place)
        return found

    def _places_of_client(self) -> dict[TopicPartition, int]:
        """Where the client stands in partitions of which all that it gave was taken."""
        idle = [at for at, each in self._streams.items() if each.moved and not each.queued]
        if not idle:
            return {}
        with told():
            places = self._client.position([self.place(at) for at in idle])
        return {at: place.offset for at, place in zip(idle, places, strict=True)}

    def _restrain(self) -> None:
        """Fetch no more of a topic while enough of it is queued; the client is polled all the same.

        By topic, so that a flood of one lane holds no other lane up (L10).
        """
        for topic in {at.topic for at in self._streams} | self._paused.keys():
            queued = self._queued_of[topic]
            bound = self._at_most.get(topic)
            most = _MOST_QUEUED if bound is None else bound * _BATCHES_QUEUED
            if queued >= most and topic not in self._paused:
                self._paused[topic] = [self.place(at) for at in self._streams if at.topic == topic]
                self._client.pause(self._paused[topic])
            elif queued < most // 2 and topic in self._paused:
                started = {at.partition for at in self._streams if at.topic == topic}
                again = [each for each in self._paused.pop(topic) if each.partition in started]
                self._client.resume(again)

    def _sort_in(self, message: KafkaMessage) -> None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        error = message.error()
        if topic is None or partition is None or offset is None:
            if error is not None:
                self._fail(meaning(error))
            return
        at = TopicPartition(topic.removeprefix(self._prefix), partition)
        stream = self._streams.get(at)
        if stream is None:  # stopped, lost, or not started yet
            if error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:
                self._ended.add(at)  # fetched before its pause was heard, where nothing is left
            elif error is not None and error.fatal():
                self._fail(meaning(error))
            return
        if error is None:
            stream.queued.append(recorded(message, at.topic))
            stream.moved = True
            self.queued += 1
            self._queued_of[at.topic] += 1
        elif error.code() in _PASSING:
            stream.end_seen = max(stream.end_seen, offset)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._out_of_range(at, stream)
        elif error.code() in _AWAY:
            self._fail(Unavailable(f"{at.topic}/{at.partition} is not there: {error.str()}"))
        else:
            self._fail(meaning(error))

    def _out_of_range(self, at: TopicPartition, stream: _Stream) -> None:
        """What comes next is gone: it was removed unread, or the log is not the one it was.

        Who reads an expiring topic so slowly has to begin anew.
        """
        wanted = stream.queued[-1].after.place if stream.queued else stream.at.place
        low, high = self._marks(at)
        self._fail(
            Divergence(
                f"{at.topic}/{at.partition}: records from {wanted} on are gone, the log has {low}"
                f" to {high}: it was trimmed, restored or exchanged"
            )
        )

    def _marks(self, at: TopicPartition) -> tuple[int, int]:
        with told():
            marks = self._client.get_watermark_offsets(
                self.place(at), timeout=OPERATION_S, cached=False
            )
        if marks is None:
            raise Unavailable(f"the ends of {at.topic}/{at.partition} are not known")
        return marks

    def _seek(self, place: Place, wanted: Callable[[], bool]) -> bool:
        """The client refuses to seek for a moment after an assignment: it is asked again."""
        for _ in range(_SEEK_ATTEMPTS):
            if not wanted():  # lost while the client was asked
                return False
            try:
                with told():
                    self._client.seek(place)
                return True
            except Unavailable:
                message = self._client.poll(_SEEK_PAUSE_S)
                if message is not None:
                    self._sort_in(message)  # of another partition: this one has no stream now
        raise Unavailable(f"{place.topic}/{place.partition} cannot be read from {place.offset}")

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
