"""Fair reading of many streams up to a limit: memory first, SQLite for what lies further back."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from docaxis_adapters.batch_thread import BatchThread, Job
from docaxis_adapters.sqlite_file import connect, snapshot, unavailable
from docaxis_adapters.sqlite_log.record_codec import decode_envelope
from docaxis_adapters.sqlite_log.schema import place_of
from docaxis_adapters.sqlite_log.streams import Streams
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import Position, Recorded

Found = dict[int, list[Recorded]]
_ALL: Mapping[int, int] = {}
_UNBOUNDED = -1


@dataclass(slots=True)
class Fetched:
    """What a fetch found by stream, and the place behind all that it read or skipped there."""

    found: Found = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)

    def note(self, stream: int, records: Sequence[Recorded], wanted: int, upto: int) -> int:
        """Take over what one stream gave; tells how much. Less than wanted: nothing is left."""
        if records:
            self.found.setdefault(stream, []).extend(records)
        self.reached[stream] = upto if len(records) < wanted else records[-1].after.place
        return len(records)

    def advance(self, positions: dict[int, Position]) -> None:
        """Move these positions on, to the end of the order: who had less comes first next."""
        for stream, place in self.reached.items():
            records = self.found.get(stream)
            before = positions.pop(stream)
            positions[stream] = Position(
                records[-1].after.version if records else before.version, place
            )


class ReadJob(Job[Found]):
    """Ranges to read: (stream, from place, up to place, at most so many)."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Sequence[tuple[int, int, int, int]]) -> None:
        super().__init__()
        self.ranges = ranges


class ColdReader(BatchThread[ReadJob, sqlite3.Connection]):
    """A few threads that read records from the file and decode them off the event loop."""

    def __init__(self, file: Path, streams: Streams, threads: int) -> None:
        super().__init__("log reader", threads=threads, at_once=1)
        self._file = file
        self._streams = streams

    def setup(self) -> sqlite3.Connection:
        """Each thread's own connection."""
        return connect(self._file, "FULL", reader=True)

    def teardown(self, context: sqlite3.Connection) -> None:
        """Close it."""
        context.close()

    def run(self, context: sqlite3.Connection, jobs: Sequence[ReadJob]) -> None:
        """Read what each job asks for."""
        for job in jobs:
            try:
                with snapshot(context):
                    job.result = {
                        stream: self._read(context, stream, place, upto, limit)
                        for stream, place, upto, limit in job.ranges
                    }
            except sqlite3.Error as error:
                job.error = unavailable(error)
            except Divergence as error:
                job.error = error

    def _read(
        self, connection: sqlite3.Connection, stream: int, place: int, upto: int, limit: int
    ) -> list[Recorded]:
        topic, partition = self._streams.name(stream)
        # Asked in the snapshot of the records: what was removed since the look at memory is seen.
        removed = connection.execute("SELECT place FROM removed WHERE stream = ?", (stream,))
        for (mark,) in removed:
            place = self._streams.first_left(stream, place, mark)
        rows = connection.execute(
            "SELECT place, time, envelope, data FROM record WHERE place >= ? AND place < ?"
            " ORDER BY place LIMIT ?",
            (place_of(stream, place), place_of(stream, upto), limit),
        ).fetchall()
        base = place_of(stream, 0) - 1
        found = []
        for key, time, stored, data in rows:
            envelope = decode_envelope(stored)
            after = Position(envelope.sequence, key - base)
            found.append(Recorded(topic, partition, time, after, envelope, data))
        return found


class Reading:
    """Reads what is visible behind given places."""

    def __init__(self, streams: Streams, cold: ColdReader) -> None:
        self._streams = streams
        self._cold = cold

    async def fetch(
        self, positions: Mapping[int, Position], limit: int, at_most: Mapping[int, int] = _ALL
    ) -> Fetched:
        """At most `limit` records, spread fairly over the streams that have any; does not wait.

        Each round gives every stream that still has some an equal share of what is left, so one
        full stream cannot starve the others, and the limit is reached where there is enough.
        `at_most` bounds topics (by number), which are read first.
        Raises `Divergence` where records behind a position are gone for good (L17).
        """
        fetched = Fetched()
        by_bound: dict[int, dict[int, int]] = {topic: {} for topic in (*at_most, _UNBOUNDED)}
        for stream, position in positions.items():
            topic = stream // self._streams.partitions
            bound = topic if topic in at_most else _UNBOUNDED
            by_bound[bound][stream] = position.place
        for topic, left in by_bound.items():
            limit -= await self._fill(fetched, left, min(limit, at_most.get(topic, limit)))
        return fetched

    async def _fill(self, fetched: Fetched, left: Mapping[int, int], limit: int) -> int:
        visible = self._streams.visible
        before_all = limit
        while limit > 0:
            left = {
                stream: place
                for stream, before in left.items()
                if (place := fetched.reached.get(stream, before)) < visible[stream]
            }
            if not left:
                break
            limit -= await self._round(fetched, left, limit)
        return before_all - limit

    async def _round(self, fetched: Fetched, left: Mapping[int, int], limit: int) -> int:
        share = max(1, limit // len(left))
        cold: list[tuple[int, int, int, int]] = []
        taken = 0
        for stream, before in islice(left.items(), limit):
            # Memory may still hold what is gone from the file: who is late is told all the same.
            place = self._streams.first_left(stream, before, self._streams.removed.get(stream, 0))
            upto = self._streams.visible[stream]
            records = self._streams.cache.read(stream, place, upto, share)
            if records is None:
                cold.append((stream, place, upto, share))
            else:
                taken += fetched.note(stream, records, share, upto)
        if cold:
            found = await self._cold.submit(ReadJob(cold))
            for stream, _, upto, _ in cold:
                taken += fetched.note(stream, found[stream], share, upto)
        return taken
