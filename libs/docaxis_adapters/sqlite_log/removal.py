"""Removing what the log no longer needs (L17): expired records, and commands that are decided.

The writing thread does it between its commits, one small slice at a time, so that no commit waits
long. The last record of a stream always stays: a start reads from it where the stream stands.
SQLite uses the freed pages again; the file does not shrink.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from docaxis_adapters.batch_thread import Job
from docaxis_adapters.sqlite_file import insert_many, transaction, unavailable
from docaxis_adapters.sqlite_log.schema import place_of
from docaxis_adapters.sqlite_log.streams import Streams

_log = structlog.get_logger(__name__)

EXPIRY_LOOK_S = 60.0
"""How often expired records are looked for."""
_SLICE_RECORDS = 200
_SLICE_BYTES = 2**18
_WHOLE_TIME = 2**62


class RemoveJob(Job[bool]):
    """One slice of the records of a stream before a place; answers whether more are left."""

    __slots__ = ("before", "stream")

    def __init__(self, stream: int, before: int) -> None:
        super().__init__()
        self.stream = stream
        self.before = before


@dataclass(slots=True)
class _Slice:
    """What one run of the thread may still remove."""

    records: int = _SLICE_RECORDS
    data: int = _SLICE_BYTES

    @property
    def full(self) -> bool:
        return self.records <= 0 or self.data <= 0


class Removal:
    """Used by the writing thread alone."""

    def __init__(self, streams: Streams, clock: Callable[[], float]) -> None:
        """`clock` gives Unix seconds."""
        self._streams = streams
        self._clock = clock
        self._next_look = monotonic()
        self._to_look: dict[int, int] = {}  # stream -> kept_ms, of the look under way

    def due_in_s(self) -> float:
        """When `run` wants to be called, with or without jobs."""
        return 0.0 if self._to_look else max(0.0, self._next_look - monotonic())

    def run(self, connection: sqlite3.Connection, jobs: Sequence[RemoveJob]) -> None:
        """Remove one slice of what is asked for and of what has expired."""
        found: dict[int, int] = {}
        room = _Slice()
        try:
            for job in jobs:
                job.result = self._find(connection, job.stream, room, found, before=job.before)
            self._find_expired(connection, room, found)
            if found:
                self._remove(connection, found)
        except sqlite3.Error as error:
            self._to_look.clear()
            for job in jobs:
                job.error = unavailable(error)
            _log.debug("records_not_removed", reason=str(error))

    def _find_expired(
        self, connection: sqlite3.Connection, room: _Slice, found: dict[int, int]
    ) -> None:
        if not self._to_look and monotonic() >= self._next_look:
            self._to_look = self._streams.expiring()
            self._next_look = monotonic() + EXPIRY_LOOK_S
        now = int(self._clock() * 1000) if self._to_look else 0
        while self._to_look and not room.full:
            stream, kept_ms = next(iter(self._to_look.items()))
            if not self._find(connection, stream, room, found, older=now - kept_ms):
                del self._to_look[stream]

    def _find(
        self,
        connection: sqlite3.Connection,
        stream: int,
        room: _Slice,
        found: dict[int, int],
        *,
        before: int = place_of(1, 0),
        older: int = _WHOLE_TIME,
    ) -> bool:
        """Note how far a stream may be removed; tells whether more is left than there was room."""
        if room.full:
            return True
        rows = connection.execute(
            "SELECT place, time, length(envelope) + length(data) FROM record"
            " WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
            (place_of(stream, 0), place_of(stream + 1, 0), room.records + 1),
        ).fetchall()
        for key, time, data in rows[:-1]:  # the last of a stream stays
            offset = key - place_of(stream, 0)
            if offset >= before or time >= older:
                return False
            if room.full:
                return True
            found[stream] = max(offset + 1, found.get(stream, 0))
            room.records -= 1
            room.data -= data
        return room.full

    def _remove(self, connection: sqlite3.Connection, found: dict[int, int]) -> None:
        with transaction(connection):
            for stream, upto in found.items():
                connection.execute(
                    "DELETE FROM record WHERE place >= ? AND place < ?",
                    (place_of(stream, 0), place_of(stream, upto)),
                )
            insert_many(
                connection, "INSERT OR REPLACE INTO removed VALUES {}".format, list(found.items())
            )
        self._streams.removed.update(found)
