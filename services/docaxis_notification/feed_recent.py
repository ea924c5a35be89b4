"""What happened of late, kept in memory for all who watch: one reading of the log serves them all.

Bounded by how much it tells. Who stands where it no longer reaches back reads the log instead
(`feed_catch_up`). Used by one event loop.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from docaxis_notification.feed_place import FeedPlace, Stream, Within


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that happened, as the public is told of it."""

    event_id: str
    event_type: str
    organisation_id: str
    document_id: str
    delivery_id: str
    occurred_at: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose events a watcher wants, and which; no types means all."""

    organisation_ids: frozenset[str]
    event_types: frozenset[str]

    def takes(self, telling: Telling) -> bool:
        """Whether it is told of this."""
        return telling.organisation_id in self.organisation_ids and (
            not self.event_types or telling.event_type in self.event_types
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """All that one event of the log tells, and the place just behind it."""

    stream: Stream
    place: int
    tellings: tuple[Telling, ...]


Found = list[tuple[Telling, FeedPlace]]
"""What is told, each with the place just behind it."""


def told_of(entry: Entry, place: FeedPlace, wanted: Wanted) -> Iterator[tuple[Telling, FeedPlace]]:
    """What a watcher is told of an entry, and moves its place behind it.

    Nothing of what lies before its place. A place that is given out is a copy.
    """
    if entry.place <= place.places[entry.stream]:
        return
    last = len(entry.tellings)
    done = place.skipped(entry.stream, entry.place)
    for number, telling in enumerate(entry.tellings[done:], start=done + 1):
        if wanted.takes(telling):
            behind = place.copy()
            if number == last:
                behind.passes(entry.stream, entry.place)
            else:
                behind.within = Within(entry.stream, entry.place, number)
            yield telling, behind
    place.passes(entry.stream, entry.place)


class Recent:
    """The last entries, in the order in which they were read."""

    def __init__(self, heads: Mapping[Stream, int], most: int) -> None:
        """Reading begins at `heads`; at most about `most` tellings are kept."""
        self.start = dict(heads)
        """From where on everything is here."""
        self.heads = dict(heads)
        """How far each stream was read."""
        self._entries: list[Entry] = []
        self._first = 0
        self._size = 0
        self._most = most

    @property
    def count(self) -> int:
        """How many entries there were so far, those that are dropped included."""
        return self._first + len(self._entries)

    def has_since(self, count: int) -> bool:
        """Whether all that came since a reading up to `count` (not 0) is still here."""
        return count >= max(1, self._first)

    def add(self, entry: Entry) -> None:
        """The next entry of a stream."""
        self._entries.append(entry)
        self._size += len(entry.tellings)
        self.heads[entry.stream] = entry.place
        if self._size > self._most:
            self._drop_oldest()

    def passed(self, stream: Stream, place: int) -> None:
        """A stream was read up to here; what was passed tells nothing."""
        self.heads[stream] = max(place, self.heads[stream])

    def covers(self, place: FeedPlace) -> bool:
        """Whether nothing that lies behind a place is missing here."""
        return place.reaches(self.start)

    def read(self, place: FeedPlace, wanted: Wanted, since: int, most: int) -> tuple[Found, int]:
        """What is told behind a place, which moves along, and the `count` that was read up to.

        `since` is the count of the last reading from this place (0 at first). Stops at about
        `most`.
        """
        found: Found = []
        at = max(since, self._first)
        for entry in self._from(at):
            found.extend(told_of(entry, place, wanted))
            at += 1
            if len(found) >= most:
                return found, at
        for stream, head in self.heads.items():
            place.passes(stream, head)
        return found, at

    def _from(self, count: int) -> Iterable[Entry]:
        for index in range(count - self._first, len(self._entries)):
            yield self._entries[index]

    def _drop_oldest(self) -> None:
        # A quarter at once: moving the whole list for each entry would cost more than it frees.
        dropped = 0
        while self._size > self._most * 3 // 4 and dropped < len(self._entries) - 1:
            entry = self._entries[dropped]
            self._size -= len(entry.tellings)
            self.start[entry.stream] = entry.place
            dropped += 1
        del self._entries[:dropped]
        self._first += dropped
