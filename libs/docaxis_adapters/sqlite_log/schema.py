"""The log's one SQLite file: its tables, and what a start checks and loads.

A record's key is its stream's number (topic number times partitions, plus partition) shifted by
40 bits, plus its offset: one primary key, no further index, each stream in order on its own pages.
"""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from docaxis_adapters.folder_lock import FolderLock
from docaxis_adapters.sqlite_file import connect, transaction
from docaxis_adapters.sqlite_log.record_codec import decode_envelope
from docaxis_eventsourcing.ports.event_log import Position

SCHEMA_VERSION = 2
OFFSET_BITS = 40
FILE_NAME = "log.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topic (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kept_ms INTEGER
);
CREATE TABLE IF NOT EXISTS record (
  place INTEGER PRIMARY KEY, time INTEGER NOT NULL, envelope BLOB NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (
  consumers TEXT NOT NULL, stream INTEGER NOT NULL, version INTEGER NOT NULL,
  place INTEGER NOT NULL, PRIMARY KEY (consumers, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS import (export TEXT PRIMARY KEY, finished INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS removed (stream INTEGER PRIMARY KEY, place INTEGER NOT NULL);
"""
KEPT_FOR_EVER = 0
"""`kept_ms` of a topic whose records stay. It is null in a file of schema 1, until the topic is
declared again."""


class Head(NamedTuple):
    """Where a stream stands: its next offset, its last append time and its last version."""

    next: int = 0
    time: int = 0
    version: int = 0


@dataclass(slots=True)
class Loaded:
    """What a start reads from the file."""

    epoch: int
    topics: dict[str, int] = field(default_factory=dict)
    kept_ms: dict[int, int] = field(default_factory=dict)
    """By topic number; only where it was ever declared."""
    removed: dict[int, int] = field(default_factory=dict)
    """By stream: the place just behind its last removed record."""
    heads: dict[int, Head] = field(default_factory=dict)
    committed: dict[tuple[str, int], Position] = field(default_factory=dict)


def file_of(folder_or_file: Path) -> Path:
    """The log's file: the path itself where it has a suffix, else `log.sqlite` in that folder."""
    return folder_or_file if folder_or_file.suffix else folder_or_file / FILE_NAME


def place_of(stream: int, offset: int) -> int:
    """The primary key of a record."""
    return stream << OFFSET_BITS | offset


def load(connection: sqlite3.Connection, partitions: int, importing: str = "") -> Loaded:
    """Create what is missing, check that the file is ours (L3) and read where it stands.

    A file of schema 1 becomes one of schema 2. Raises `ValueError` for a newer one, for another
    partition count, and where an export is being imported that is not `importing` (its digest).
    """
    connection.executescript(_TABLES)
    with transaction(connection):
        for name, value in (("schema", SCHEMA_VERSION), ("partitions", partitions), ("epoch", 1)):
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    if meta["schema"] not in (1, SCHEMA_VERSION):
        raise ValueError(f"the log has schema {meta['schema']}, this release {SCHEMA_VERSION}")
    if meta["partitions"] != partitions:
        raise ValueError(
            f"the log was made with {meta['partitions']} partitions and cannot be opened with "
            f"{partitions}: the count is fixed for an installation (L3)"
        )
    for (export,) in connection.execute("SELECT export FROM import WHERE NOT finished"):
        if export != importing:
            raise ValueError(
                f"an export is being imported into this log ({export}): end that first, with the"
                " same `docaxis import` again"
            )
    if meta["schema"] == 1:
        _from_schema_1(connection)
    loaded = Loaded(epoch=meta["epoch"])
    loaded.removed = dict(connection.execute("SELECT stream, place FROM removed"))
    for name, number, kept_ms in connection.execute("SELECT name, number, kept_ms FROM topic"):
        loaded.topics[name] = number
        if kept_ms is not None:
            loaded.kept_ms[number] = kept_ms
    for number in loaded.topics.values():
        for stream in range(number * partitions, (number + 1) * partitions):
            loaded.heads[stream] = _head(connection, stream)
    loaded.committed = {
        (consumers, stream): Position(version, place)
        for consumers, stream, version, place in connection.execute("SELECT * FROM progress")
    }
    return loaded


def _from_schema_1(connection: sqlite3.Connection) -> None:
    """Schema 1 knew no retention, and nothing was ever removed from it."""
    with transaction(connection):
        connection.execute("ALTER TABLE topic ADD COLUMN kept_ms INTEGER")
        connection.execute("UPDATE meta SET value = 2 WHERE name = 'schema'")


def _head(connection: sqlite3.Connection, stream: int) -> Head:
    last = connection.execute(
        "SELECT place, time, envelope FROM record WHERE place >= ? AND place < ?"
        " ORDER BY place DESC LIMIT 1",
        (place_of(stream, 0), place_of(stream + 1, 0)),
    ).fetchone()
    if last is None:
        return Head()
    place, time, envelope = last
    return Head(place - place_of(stream, 0) + 1, time, decode_envelope(envelope).sequence)


def installed_partitions(folder_or_file: Path) -> int | None:
    """The partition count that a log was made with; None where there is no log."""
    file = file_of(folder_or_file)
    if not file.exists():
        return None
    connection = connect(file, "FULL", reader=True)
    try:
        row = connection.execute("SELECT value FROM meta WHERE name = 'partitions'").fetchone()
        return None if row is None else int(row[0])
    except sqlite3.OperationalError:  # no table yet: whoever made the file died at once
        return None
    finally:
        connection.close()


def raise_epoch(folder_or_file: Path) -> int:
    """Begin a new epoch after a restore or a move (L4); the log must not be open. Tells it."""
    file = file_of(folder_or_file)
    if not file.exists():
        raise FileNotFoundError(file)
    lock = FolderLock(file.with_name(file.name + ".lock"))
    try:
        connection = connect(file, "FULL")
        try:
            with transaction(connection):
                connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
            row = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
            return int(row[0])
        finally:
            connection.close()
    finally:
        lock.release()
