"""A few threads that read: each has a connection, and each job sees one moment."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import local
from typing import Any, TypeVar

from docaxis_adapters.batch_thread import BatchThread, Job
from docaxis_adapters.sqlite_file import connect, snapshot, unavailable
from docaxis_adapters.sqlite_store.shapes import Shape
from docaxis_eventsourcing.ports.read_store import Row

Found = TypeVar("Found")

_KEYS_AT_ONCE = 500


class QueryJob(Job[Any]):
    """Something to read."""

    __slots__ = ("query",)

    def __init__(self, query: Callable[[sqlite3.Connection], Any]) -> None:
        super().__init__()
        self.query = query


class Reader(BatchThread[QueryJob, sqlite3.Connection]):
    """See the module. A thread takes a few jobs at once, so that one wake-up serves them all.

    A read of a few rows costs some 20 µs, a hop to another thread and back several times that: it
    is done where it is asked for, on the asking thread's own connection (`now`).
    """

    def __init__(self, file: Path, threads: int) -> None:
        super().__init__("store reader", threads=threads, at_once=8)
        self._file = file
        self._here = local()
        self._opened: list[sqlite3.Connection] = []

    def now(self, query: Callable[[sqlite3.Connection], Found]) -> Found:
        """Run a query of one statement, which sees one moment, on the caller's thread."""
        try:
            connection: sqlite3.Connection | None = getattr(self._here, "connection", None)
            if connection is None:
                connection = self._here.connection = connect(self._file, "NORMAL", reader=True)
                self._opened.append(connection)
            return query(connection)
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def close(self) -> None:
        """End the threads and close what `now` opened."""
        await super().close()
        while self._opened:
            self._opened.pop().close()

    def setup(self) -> sqlite3.Connection:
        """Each thread's own connection."""
        return connect(self._file, "NORMAL", reader=True)

    def teardown(self, context: sqlite3.Connection) -> None:
        """Close it."""
        context.close()

    def run(self, context: sqlite3.Connection, jobs: Sequence[QueryJob]) -> None:
        """Run each query in its own snapshot, begun after the caller asked."""
        for job in jobs:
            try:
                with snapshot(context):
                    job.result = job.query(context)
            except sqlite3.Error as error:
                job.error = unavailable(error)
            except ValueError as error:
                job.error = error


def read_rows(connection: sqlite3.Connection, shape: Shape, keys: Sequence[str]) -> dict[str, Row]:
    """The rows that exist, by key."""
    found: dict[str, Row] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        marks = ",".join("?" * len(some))
        for values in connection.execute(
            f"SELECT {shape.selected} FROM {shape.physical} t WHERE t.key IN ({marks})",  # noqa: S608
            list(some),
        ):
            row = shape.row(values)
            found[row.key] = row
    return found
