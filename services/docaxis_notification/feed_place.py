"""Where a reader of the live stream stands: a position in each partition of what it reads.

The numbers are the log's own, assigned by the one writer of each partition, so a cursor made of
them never skips, whichever replica goes on from it. One event may tell several things (a chunk of
500 deliveries): a reader that was cut in the middle of them goes on in the middle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import msgspec

from docaxis_eventsourcing.cursors import Number, decode_cursor, encode_cursor


class Stream(NamedTuple):
    """One partition of one of the topics that are read (by its number in their list)."""

    source: int
    partition: int


class Within(NamedTuple):
    """Of the event just before `place` in a stream, so many tellings are done, not all."""

    stream: Stream
    place: int
    done: int


@dataclass(slots=True)
class FeedPlace:
    """How far each stream was read. Changed in place by its one reader."""

    places: dict[Stream, int]
    within: Within | None = None

    def copy(self) -> "FeedPlace":
        """One that may be changed by itself."""
        return FeedPlace(dict(self.places), self.within)

    def reaches(self, others: Mapping[Stream, int]) -> bool:
        """Whether no stream is behind any of these."""
        return all(self.places[stream] >= place for stream, place in others.items())

    def skipped(self, stream: Stream, place: int) -> int:
        """How many tellings of the event before `place` were told already."""
        within = self.within
        if within is None or (within.stream, within.place) != (stream, place):
            return 0
        return within.done

    def passes(self, stream: Stream, place: int) -> None:
        """All up to `place` is told; a place that was reached before changes nothing."""
        if place > self.places[stream]:
            self.places[stream] = place
            if self.within is not None and self.within.stream == stream:
                self.within = None


class _Content(msgspec.Struct, array_like=True, frozen=True):
    places: Annotated[list[list[Number]], msgspec.Meta(max_length=16)]
    within: tuple[Number, Number, Number, Number] | None = None


def to_cursor(epoch: int, place: FeedPlace, partitions: int, sources: int) -> str:
    """The opaque text of a place."""
    places = [
        [place.places[Stream(source, partition)] for partition in range(partitions)]
        for source in range(sources)
    ]
    within = place.within
    flat = (*within.stream, within.place, within.done) if within else None
    return encode_cursor(epoch, _Content(places, flat))


def from_cursor(cursor: str, epoch: int, partitions: int, sources: int) -> FeedPlace | None:
    """The place of a cursor; None for one of a log that is no more (L4).

    Raises `DocaxisError` `cursor_invalid`, also where it is of something else.
    """
    content = decode_cursor(cursor, epoch, _Content, None)
    if content is None:
        return None
    shape = [len(each) for each in content.places]
    if shape != [partitions] * sources:
        decode_cursor("-", epoch, _Content, None)  # raises: it is no cursor of this stream
    places = {
        Stream(source, partition): place
        for source, of_source in enumerate(content.places)
        for partition, place in enumerate(of_source)
    }
    within = None
    if content.within is not None:
        source, partition, place, done = content.within
        within = Within(Stream(source, partition), place, done)
    return FeedPlace(places, within)
