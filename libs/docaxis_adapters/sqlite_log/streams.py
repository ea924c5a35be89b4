"""Where every stream stands, shared by the writer thread (writes) and event loops (read).

A stream is one partition of one topic, known by its number. Values are replaced as a whole, so a
reader on another thread sees the old one or the new one.
"""

from collections.abc import Iterable, Sequence
from time import monotonic

from docaxis_adapters.sqlite_log.record_cache import RecordCache
from docaxis_adapters.sqlite_log.schema import KEPT_FOR_EVER, Head, Loaded
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import START, Position, Recorded, TopicPartition


class Streams:
    """Numbers of topics, heads, what readers may see, committed positions, newest records."""

    def __init__(self, loaded: Loaded, partitions: int, cache: RecordCache) -> None:
        self.partitions = partitions
        self.epoch = loaded.epoch
        self.cache = cache
        self.topics = loaded.topics
        self.topic_names = {number: name for name, number in loaded.topics.items()}
        self._kept_ms = loaded.kept_ms
        self.removed = loaded.removed
        """Stream -> the place just behind its last removed record."""
        self.heads = loaded.heads
        self.committed = loaded.committed
        self.visible = {stream: head.next for stream, head in loaded.heads.items()}
        self._hidden: list[tuple[float, int, int]] = []  # due, stream, visible then

    def number(self, topic: str, partition: int) -> int:
        """A stream's number. Raises `ValueError` for a topic that nobody declared."""
        if not 0 <= partition < self.partitions:
            raise ValueError(f"partition {partition} of {self.partitions}")
        try:
            return self.topics[topic] * self.partitions + partition
        except KeyError:
            raise ValueError(f"topic {topic} was not declared") from None

    def name(self, stream: int) -> TopicPartition:
        """The topic and partition of a stream."""
        topic, partition = divmod(stream, self.partitions)
        return TopicPartition(self.topic_names[topic], partition)

    def add_topic(self, name: str, number: int, kept_ms: int) -> None:
        """Make a topic known, or how long it is kept, after its row is durable."""
        self._kept_ms[number] = kept_ms
        if number in self.topic_names:
            return
        self.topic_names[number] = name
        for stream in range(number * self.partitions, (number + 1) * self.partitions):
            self.heads[stream] = Head()
            self.visible[stream] = 0
        self.topics[name] = number

    def kept_ms(self, topic: str) -> int | None:
        """How long a topic's records stay, `KEPT_FOR_EVER`, or None where nobody has said."""
        return self._kept_ms.get(self.topics.get(topic, -1))

    def expiring(self) -> dict[int, int]:
        """The streams whose records expire, and after how many milliseconds."""
        return {
            stream: kept_ms
            for number, kept_ms in self._kept_ms.copy().items()
            if kept_ms != KEPT_FOR_EVER
            for stream in range(number * self.partitions, (number + 1) * self.partitions)
        }

    def first_left(self, stream: int, place: int, removed: int) -> int:
        """Where a reader at `place` goes on when all records before `removed` are gone.

        Raises `Divergence` where it never read them and they were not to expire (L17).
        """
        if place >= removed:
            return place
        topic, partition = self.name(stream)
        if self.kept_ms(topic):
            return removed
        raise Divergence(
            f"{topic}/{partition}: the reader stands at {place}, all before {removed} is removed"
        )

    def end(self, stream: int) -> Position:
        """The position behind the last committed record, seen by readers or not yet (L15)."""
        head = self.heads[stream]
        return Position(head.version, head.next)

    def committed_by(self, group: str, stream: int) -> Position:
        """A group's committed position."""
        return self.committed.get((group, stream), START)

    def add(
        self, stream: int, head: Head, records: Sequence[Recorded], delay_s: float = 0.0
    ) -> bool:
        """Take over committed records; tells whether readers see something new at once."""
        base = self.heads[stream].next
        self.heads[stream] = head  # first the end, then the sight: `end` is never behind
        self.cache.add(stream, base, records)
        waiting = [due for due, hidden, _ in self._hidden if hidden == stream]
        if delay_s <= 0 and not waiting:
            self.visible[stream] = head.next
            return True
        due = max([monotonic() + delay_s, *waiting])  # the order is kept
        self._hidden.append((due, stream, head.next))
        return False

    def reveal(self, *, everything: bool = False) -> Iterable[int]:
        """Let readers see what was hidden long enough; tells the streams."""
        if not self._hidden:
            return ()
        now = monotonic()
        due = [item for item in self._hidden if everything or item[0] <= now]
        self._hidden = [item for item in self._hidden if not everything and item[0] > now]
        for _, stream, visible in due:
            self.visible[stream] = max(visible, self.visible[stream])
        return {stream for _, stream, _ in due}

    def next_reveal_in_s(self) -> float | None:
        """Seconds until something hidden is due."""
        if not self._hidden:
            return None
        return max(0.0, min(due for due, _, _ in self._hidden) - monotonic())
