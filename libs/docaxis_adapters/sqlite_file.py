"""What the SQLite adapters share: opening a connection, failures by class, many rows a statement.

Many rows a statement: the interpreter lock is given up and won back around every step of a
statement, and on a busy process each return may wait. 20 rows in one step wait once.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from docaxis_eventsourcing.errors import StorageFull, Unavailable

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_ROWS_AT_ONCE = (128, 64, 32, 16, 8, 4, 2, 1)
"""Few different statements, so that all stay prepared."""

_Item = TypeVar("_Item")


def connect(file: Path, synchronous: str, *, reader: bool = False) -> sqlite3.Connection:
    """Open a connection without implicit transactions. `reader` ones refuse to write."""
    connection = sqlite3.connect(
        file, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=10
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={_level(synchronous)}")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA temp_store=MEMORY")
    if reader:
        connection.execute("PRAGMA query_only=ON")
    return connection


def _level(synchronous: str) -> str:
    level = synchronous.upper()
    if level not in ("OFF", "NORMAL", "FULL", "EXTRA"):
        raise ValueError(f"no such synchronous level: {synchronous!r}")
    return level


def unavailable(error: sqlite3.Error) -> Exception:
    """The failure as the kernel knows it (L22): a broken disk is `Unavailable`, a full one says so.

    SQLite tells of a full disk where it may not be written on (`SQLITE_FULL`), and as an error of
    writing where its shared memory has no room (`SQLITE_IOERR_SHMSIZE`).
    """
    if getattr(error, "sqlite_errorcode", None) in _FULL:
        return StorageFull(f"SQLite: {error}")
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        return Unavailable(f"SQLite: {error}")
    return error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT; whatever fails rolls back, so that nothing is half written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads that see the same moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def insert_many(
    connection: sqlite3.Connection,
    statement: Callable[[str], str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Run `statement(values)` for all rows, as many rows a step as possible.

    `statement` puts the text `(?,?),(?,?)` into the SQL behind `VALUES`.
    """
    if not rows:
        return
    one = f"({','.join('?' * len(rows[0]))})"
    for chunk in _chunks(rows):
        values = [value for row in chunk for value in row]
        connection.execute(statement(",".join([one] * len(chunk))), values)


def select_many(
    connection: sqlite3.Connection, statement: Callable[[str], str], keys: Sequence[Any]
) -> list[Any]:
    """What `statement(values)` finds for all keys, as many keys a step as possible.

    `statement` puts the text `?,?` into the SQL behind `IN`.
    """
    return [
        row
        for chunk in _chunks(keys)
        for row in connection.execute(statement(",".join("?" * len(chunk))), chunk)
    ]


def _chunks(rows: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    start = 0
    for count in _ROWS_AT_ONCE:
        while len(rows) - start >= count:
            yield rows[start : start + count]
            start += count
