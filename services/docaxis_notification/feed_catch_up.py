"""Reading the log for those who come back after a while: one reader for all of them together.

However many wait, one pass at a time reads the log, from the furthest back among those whom it
serves, in slices. Those who are near come first, so that one who asks for years does not hold up
all who were away for a moment; those who are far take turns.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from docaxis_eventsourcing.ports.event_log import EventLog, Recorded
from docaxis_notification.feed_place import FeedPlace, Stream
from docaxis_notification.feed_recent import Found, Recent, Wanted, told_of
from docaxis_notification.feed_source import Source

SLICE = 5_000
"""Records that a pass reads of a topic before others have their turn."""
MOST_FOUND = 2_000
"""Tellings that one watcher is handed at once, about."""
_BATCH = 500
_WAIT_S = 0.5
_SLICE_S = 5.0


@dataclass(slots=True, eq=False)
class _Waiting:
    place: FeedPlace
    wanted: Wanted
    fresh: bool
    found: Found = field(default_factory=list)
    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class CatchUp:
    """Brings watchers from where they stand towards what is kept in memory."""

    def __init__(self, log: EventLog, sources: Sequence[Source]) -> None:
        self._event_log = log
        self._sources = sources
        self._waiting: list[_Waiting] = []
        self._news = asyncio.Event()

    async def read(
        self, place: FeedPlace, wanted: Wanted, *, fresh: bool
    ) -> tuple[Found, FeedPlace]:
        """The next of what is told behind a place, perhaps nothing, and the place it came to.

        `fresh`: this watcher had no slice yet since it came. The place given stays as it is: a
        call that was cancelled is made again.
        """
        waiting = _Waiting(place.copy(), wanted, fresh)
        self._waiting.append(waiting)
        self._news.set()
        try:
            await waiting.done
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
        return waiting.found, waiting.place

    async def run(self, recent: Recent) -> None:
        """Serve until cancelled. Raises `Unavailable`; who waits then still waits."""
        while True:
            self._news.clear()
            while served := self._next():
                await self._slice(served, recent)
            await self._news.wait()

    def _next(self) -> list[_Waiting]:
        """All who wait for their first slice together, else the one who waits longest."""
        fresh = [each for each in self._waiting if each.fresh]
        return fresh or self._waiting[:1]

    async def _slice(self, served: list[_Waiting], recent: Recent) -> None:
        until = dict(recent.start)
        for source in self._sources:
            behind = {
                stream: min(each.place.places[stream] for each in served)
                for stream, place in until.items()
                if stream.source == source.number
                and any(each.place.places[stream] < place for each in served)
            }
            if behind:
                await self._read(source, behind, until, served)
        for each in served:
            if each in self._waiting:  # not one whose watcher has gone
                self._waiting.remove(each)
            if not each.done.done():
                each.done.set_result(None)

    async def _read(
        self,
        source: Source,
        behind: dict[Stream, int],
        until: dict[Stream, int],
        served: list[_Waiting],
    ) -> None:
        tail = source.tail(self._event_log, behind)
        ends = time.monotonic() + _SLICE_S
        read = 0
        try:
            while read < SLICE and time.monotonic() < ends:
                for record in await tail.next(_BATCH, _WAIT_S):
                    read += 1
                    _tell(source, record, served)
                    if max(len(each.found) for each in served) >= MOST_FOUND:
                        return  # one event may tell 500 things: what is held stays bounded
                reached = {stream: tail.reached(stream.partition).place for stream in behind}
                for stream, place in reached.items():
                    for each in served:
                        each.place.passes(stream, place)
                if all(place >= until[stream] for stream, place in reached.items()):
                    return
        finally:
            await tail.close()


def _tell(source: Source, record: Recorded, served: list[_Waiting]) -> None:
    entry = source.entry(record)
    stream = Stream(source.number, record.partition)
    for each in served:
        if entry is not None:
            each.found.extend(told_of(entry, each.place, each.wanted))
        each.place.passes(stream, record.after.place)
