"""The `ReadStore` of one process: SQLite with WAL, one writer thread, a few reader threads."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from docaxis_adapters.sqlite_file import connect, snapshot
from docaxis_adapters.sqlite_store import schema
from docaxis_adapters.sqlite_store.range_query import read_range
from docaxis_adapters.sqlite_store.reader import QueryJob, Reader, read_rows
from docaxis_adapters.sqlite_store.schema import Shapes
from docaxis_adapters.sqlite_store.shapes import Shape
from docaxis_adapters.sqlite_store.unkindness import StoreUnkindness
from docaxis_adapters.sqlite_store.writer import ChangeJob, PreparedChanges, Writer, apply_changes
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, Row, RowRange, Table

_FEW = 64
"""Rows that are read on the caller's thread: fewer microseconds than a hop to another costs."""


class SqliteReadStore:
    """The port's `ReadStore`; made by `open`."""

    def __init__(
        self, writer: Writer, reader: Reader, shapes: Shapes, unkindness: StoreUnkindness | None
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._shapes = shapes
        self._unkindness = unkindness

    @classmethod
    async def open(
        cls,
        file: Path,
        *,
        synchronous: str = "NORMAL",
        reader_threads: int = 2,
        unkindness: StoreUnkindness | None = None,
    ) -> Self:
        """Open or create the file. NORMAL may lose the last `apply`s with the power, no half one.

        What is lost so is derived from the log again: the checkpoint is lost with the rows.
        """
        shapes = await asyncio.to_thread(_prepare, file, synchronous)
        writer = Writer(file, synchronous)
        reader = Reader(file, reader_threads)
        await asyncio.to_thread(writer.begin)
        await asyncio.to_thread(reader.begin)
        return cls(writer, reader, shapes, unkindness)

    async def declare(self, space: str, tables: Sequence[Table]) -> None:
        """Create tables and indexes that are missing. Raises `ValueError` on a changed shape."""

        def change(connection: sqlite3.Connection) -> dict[str, Shape]:
            return schema.declare(connection, space, tables)

        self._shapes[space] = await self._writer.submit(ChangeJob(change))

    async def checkpoint(self, space: str, partition: int) -> Position | None:
        """How far a partition was applied; None at first."""

        def query(connection: sqlite3.Connection) -> Position | None:
            row = connection.execute(
                "SELECT version, place FROM checkpoint WHERE space = ? AND partition = ?",
                (space, partition),
            ).fetchone()
            return Position(*row) if row is not None else None

        found: Position | None = await self._reader.submit(QueryJob(query))
        return found

    async def apply(
        self,
        space: str,
        partition: int,
        start: Position | None,
        end: Position,
        changes: Mapping[str, Changes],
    ) -> None:
        """One atomic step that first moves the checkpoint from `start` to `end` (L24)."""
        prepared = [
            PreparedChanges(self._shape(space, table), change) for table, change in changes.items()
        ]
        if self._unkindness is not None and self._unkindness.cuts_before():
            raise Unavailable("unkind: cut before the apply")
        await self._writer.submit(
            ChangeJob(lambda c: apply_changes(c, space, partition, start, end, prepared))
        )
        if self._unkindness is not None and self._unkindness.cuts_after():
            raise Unavailable("unkind: the answer to the apply was lost")

    async def get(self, space: str, table: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """The rows that exist, by key."""
        shape = self._shape(space, table)
        if not keys:
            return {}
        if len(keys) <= _FEW:
            await asyncio.sleep(0)  # a caller that reads in a loop must not keep all others waiting
            return self._reader.now(lambda connection: read_rows(connection, shape, keys))
        found: dict[str, Row] = await self._reader.submit(
            QueryJob(lambda connection: read_rows(connection, shape, keys))
        )
        return found

    async def range(self, space: str, table: str, rows: RowRange) -> Sequence[Row]:
        """A page of rows in index order, all of one moment."""
        shape = self._shape(space, table)
        if rows.limit <= _FEW:
            await asyncio.sleep(0)
            return self._reader.now(lambda connection: _page(connection, shape, rows))
        found: list[Row] = await self._reader.submit(
            QueryJob(lambda connection: read_range(connection, shape, rows))
        )
        return found

    async def spaces(self) -> Sequence[str]:
        """The names of all declared spaces."""
        return sorted(self._shapes)

    async def drop(self, space: str) -> None:
        """Remove a space with all its rows and checkpoints; nothing happens if there is none."""
        shapes = self._shapes.pop(space, None)
        if shapes is not None:
            await self._writer.submit(ChangeJob(lambda c: schema.drop(c, space, shapes)))

    async def close(self) -> None:
        """Finish what was accepted and free everything."""
        await self._writer.close()
        await self._reader.close()

    def _shape(self, space: str, table: str) -> Shape:
        try:
            return self._shapes[space][table]
        except KeyError:
            raise ValueError(f"{space}.{table} was not declared") from None


def _page(connection: sqlite3.Connection, shape: Shape, rows: RowRange) -> list[Row]:
    """One page; what lies behind a row is several statements, which must see one moment."""
    if rows.after is None:
        return read_range(connection, shape, rows)
    with snapshot(connection):
        return read_range(connection, shape, rows)


def _prepare(file: Path, synchronous: str) -> Shapes:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = connect(file, synchronous)
    try:
        return schema.load(connection)
    finally:
        connection.close()
