"""The one thread that writes: group commit of `apply`s, each in a savepoint of its own.

So an `apply` whose checkpoint moved fails alone, and many partitions share one COMMIT.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from docaxis_adapters.batch_thread import BatchThread, Job
from docaxis_adapters.sqlite_file import (
    connect,
    insert_many,
    select_many,
    transaction,
    unavailable,
)
from docaxis_adapters.sqlite_store.shapes import Shape
from docaxis_eventsourcing.errors import CheckpointMoved
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, Increment, Row

_PRAGMAS = ("PRAGMA cache_size=-65536", "PRAGMA wal_autocheckpoint=8000")
"""Keys are hashes, so a bulk of rows touches pages everywhere: with SQLite's own 2 MB of cache each
is read and written many times over. 64 MB at most, taken when needed; 8,000 pages are 32 MB."""


class ChangeJob(Job[Any]):
    """A change to the file; `change` runs inside of its own savepoint."""

    __slots__ = ("change",)

    def __init__(self, change: Callable[[sqlite3.Connection], Any]) -> None:
        super().__init__()
        self.change = change


class Writer(BatchThread[ChangeJob, sqlite3.Connection]):
    """See the module."""

    def __init__(self, file: Path, synchronous: str) -> None:
        super().__init__("store writer")
        self._file = file
        self._synchronous = synchronous

    def setup(self) -> sqlite3.Connection:
        """The connection that writes."""
        connection = connect(self._file, self._synchronous)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection

    def teardown(self, context: sqlite3.Connection) -> None:
        """Close it."""
        context.close()

    def run(self, context: sqlite3.Connection, jobs: Sequence[ChangeJob]) -> None:
        """All jobs in one transaction; where the disk refuses it, each in its own."""
        if not jobs:
            return
        try:
            with transaction(context):
                for job in jobs:
                    _in_savepoint(context, job)
        except sqlite3.Error as error:
            for job in jobs:
                if len(jobs) > 1:
                    job.error = None
                    self.run(context, [job])
                else:
                    job.error = unavailable(error)


def _in_savepoint(connection: sqlite3.Connection, job: ChangeJob) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.change(connection)
    except sqlite3.IntegrityError as error:  # a unique index, a value of another type
        job.error = ValueError(str(error))
    except sqlite3.Error:
        raise  # the disk: SQLite may have rolled back all of it already
    except Exception as error:  # noqa: BLE001 - this job's failure, told to its caller alone
        job.error = error
    if job.error is not None:
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


class PreparedChanges:
    """One table's part of an `apply`, checked and laid out before the writer gets it."""

    def __init__(self, shape: Shape, changes: Changes) -> None:
        self._shape = shape
        # A multi-row upsert takes the rows in order, so of two puts of a key the last stays.
        self._puts = [shape.put_values(row) for row in changes.puts]
        self._removals = [(key,) for key in changes.removals]
        self._increments = _by_counter(shape, changes.increments)
        last = {row.key: row for row in changes.puts} if shape.word_tables else {}
        self._keys = [*last, *changes.removals]
        self._words = {name: _words(shape, name, last.values()) for name in shape.word_tables}

    def write(self, connection: sqlite3.Connection) -> None:
        """Removals, then puts, then increments."""
        shape = self._shape
        if shape.word_tables:
            self._write_words(connection)
        if self._removals:
            connection.executemany(
                f"DELETE FROM {shape.physical} WHERE key = ?",  # noqa: S608
                self._removals,
            )
        insert_many(connection, shape.put_statement, self._puts)
        for statement, values in self._increments.items():
            connection.executemany(statement, values)

    def _write_words(self, connection: sqlite3.Connection) -> None:
        """Before the rows themselves, which still name the words that they had."""
        shape = self._shape
        found = select_many(
            connection,
            f"SELECT {shape.selected} FROM {shape.physical} t WHERE t.key IN ({{}})".format,  # noqa: S608
            self._keys,
        )
        before = [shape.row(values) for values in found]
        for name, has in self._words.items():
            had = _words(shape, name, before)
            connection.executemany(
                shape.forget_word_statement(name), [each for each in had if each not in has]
            )
            insert_many(
                connection,
                f"INSERT INTO {shape.word_tables[name]} VALUES {{}}".format,  # noqa: S608
                [each for each in has if each not in had],
            )


def _by_counter(shape: Shape, increments: Sequence[Increment]) -> dict[str, list[tuple[str, int]]]:
    sums: dict[str, dict[str, int]] = {}
    for increment in increments:
        if increment.counter not in shape.counters:
            raise ValueError(f"{shape.table.name} has no counter {increment.counter}")
        sums_of = sums.setdefault(shape.increment_statement(increment.counter), {})
        sums_of[increment.key] = sums_of.get(increment.key, 0) + increment.by
    return {statement: list(by_key.items()) for statement, by_key in sums.items()}


def _words(shape: Shape, index: str, rows: Iterable[Row]) -> dict[tuple[Any, ...], None]:
    """The rows of a word index, in order and each once."""
    found = shape.indexes[index]
    return {values: None for row in rows for values in shape.word_rows(found, row)}


def apply_changes(
    connection: sqlite3.Connection,
    space: str,
    partition: int,
    start: Position | None,
    end: Position,
    changes: Sequence[PreparedChanges],
) -> None:
    """First the checkpoint, from `start` to `end`, else nothing (L24)."""
    if start is None:
        moved = connection.execute(
            "INSERT INTO checkpoint VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (space, partition, *end),
        )
    else:
        moved = connection.execute(
            "UPDATE checkpoint SET version = ?, place = ?"
            " WHERE space = ? AND partition = ? AND version = ? AND place = ?",
            (*end, space, partition, *start),
        )
    if moved.rowcount != 1:
        raise CheckpointMoved(f"{space}/{partition}: the stored checkpoint is not {start}")
    for change in changes:
        change.write(connection)
