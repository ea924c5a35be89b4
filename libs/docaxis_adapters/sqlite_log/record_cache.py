"""The newest records in memory, so that readers who keep up never touch SQLite.

One bound in records and one in bytes for the whole log: the oldest go first, whichever stream they
belong to. Filled by the writer thread, read by event loops.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from threading import Lock

from docaxis_eventsourcing.ports.event_log import Recorded

_OBJECTS_BYTES = 900
"""What a record's Python objects weigh beside its data, roughly."""


class _Stream:
    __slots__ = ("dropped", "floor", "places", "records")

    def __init__(self, floor: int) -> None:
        self.floor = floor  # complete from this offset on
        self.places: list[int] = []  # the position behind each record
        self.records: list[Recorded] = []
        self.dropped = 0  # leading entries that are no longer there

    def drop_first(self) -> int:
        first = self.records[self.dropped]
        self.floor = first.after.place
        self.dropped += 1
        if self.dropped > 64 and self.dropped * 4 > len(self.records):
            del self.records[: self.dropped], self.places[: self.dropped]
            self.dropped = 0
        return weight(first)


def weight(record: Recorded) -> int:
    """What a record counts against the bound in bytes."""
    return len(record.data) + len(record.envelope.outcome) + _OBJECTS_BYTES


class RecordCache:
    """The newest records of all streams, within the bounds."""

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._streams: dict[int, _Stream] = {}
        self._order: deque[int] = deque()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._order)

    def add(self, stream: int, base: int, records: Sequence[Recorded]) -> None:
        """Add a stream's next records; `base` is its next offset before the first of them."""
        with self._lock:
            cached = self._streams.get(stream)
            if cached is None:
                cached = self._streams[stream] = _Stream(base)
            for record in records:
                cached.places.append(record.after.place)
                cached.records.append(record)
                self._order.append(stream)
                self._bytes += weight(record)
            while len(self._order) > self._most_records or self._bytes > self._most_bytes:
                self._bytes -= self._streams[self._order.popleft()].drop_first()

    def read(self, stream: int, place: int, upto: int, limit: int) -> Sequence[Recorded] | None:
        """Records behind `place`, none behind `upto`; None where memory does not reach back."""
        with self._lock:
            cached = self._streams.get(stream)
            if cached is None or place < cached.floor:
                return None
            first = bisect_right(cached.places, place, lo=cached.dropped)
            last = bisect_right(cached.places, upto, lo=first, hi=len(cached.places))
            return cached.records[first : min(last, first + limit)]
