"""A few threads that read: each has a connection, and each job sees one moment."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docaxis_adapters.batch_thread import BatchThread, Job
from docaxis_adapters.sqlite_file import connect, snapshot, unavailable
from docaxis_adapters.sqlite_store.shapes import Shape
from docaxis_eventsourcing.ports.read_store import Row

_KEYS_AT_ONCE = 500


class QueryJob(Job[Any]):
    """Something to read."""

    __slots__ = ("query",)

    def __init__(self, query: Callable[[sqlite3.Connection], Any]) -> None:
        super().__init__()
        self.query = query


class Reader(BatchThread[QueryJob, sqlite3.Connection]):
    """See the module. A thread takes a few jobs at once, so that one wake-up serves them all."""

    def __init__(self, file: Path, threads: int) -> None:
        super().__init__("store reader", threads=threads, at_once=8)
        self._file = file

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
