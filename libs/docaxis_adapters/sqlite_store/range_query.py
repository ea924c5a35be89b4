"""A `RowRange` as SQL: disjoint pieces of an index, in order, each found by one seek.

Behind the last row of a page lie first the rows equal to it in all fields with a later key, then
those equal in all but the last field and later there, and so on. Each piece is one query without
OR, so SQLite seeks in the index, and None (which sorts first) is a piece of its own.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from docaxis_adapters.sqlite_store.shapes import Shape
from docaxis_eventsourcing.ports.read_store import IndexValue, Row, RowRange


@dataclass(frozen=True, slots=True)
class _Piece:
    terms: tuple[str, ...] = ()
    values: tuple[IndexValue, ...] = field(default=())

    def equal(self, column: str, value: IndexValue) -> "_Piece":
        if value is None:
            return _Piece((*self.terms, f"{column} IS NULL"), self.values)
        return self.compare(column, "=", value)

    def compare(self, column: str, sign: str, value: IndexValue) -> "_Piece":
        return _Piece((*self.terms, f"{column} {sign} ?"), (*self.values, value))

    def present(self, column: str) -> "_Piece":
        return _Piece((*self.terms, f"{column} IS NOT NULL"), self.values)


def read_range(connection: sqlite3.Connection, shape: Shape, rows: RowRange) -> list[Row]:
    """One page; the caller holds a snapshot, so that all pieces see the same moment."""
    if rows.limit <= 0:
        return []
    columns, source = _ordered(shape, rows)
    fixed, behind = columns[: len(rows.equals)], columns[len(rows.equals) :]
    start = _Piece()
    for column, value in zip(fixed, rows.equals, strict=True):
        start = start.equal(column, value)
    if rows.at_least is not None:
        start = start.compare(behind[0], ">=", rows.at_least)
    if rows.at_most is not None:
        start = start.compare(behind[0], "<=", rows.at_most)
    direction = " DESC" if rows.descending else ""
    order = ", ".join(column + direction for column in behind)
    found: list[Row] = []
    for piece in _pieces(start, behind, rows):
        where = " AND ".join(piece.terms) or "TRUE"
        cursor = connection.execute(
            f"SELECT {shape.selected} FROM {source} WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608
            (*piece.values, rows.limit - len(found)),
        )
        found += [shape.row(values) for values in cursor]
        if len(found) >= rows.limit:
            break
    return found


def _ordered(shape: Shape, rows: RowRange) -> tuple[Sequence[str], str]:
    """The index's columns with the key at the end, and where they are read from."""
    if rows.index == "":
        names: tuple[str, ...] = ()
    elif rows.index in shape.indexes:
        shape.indexes[rows.index].check(rows)
        names = shape.indexes[rows.index].fields
    else:
        raise ValueError(f"{shape.table.name} has no index {rows.index}")
    if len(rows.equals) > len(names):
        raise ValueError(f"index {rows.index} has {len(names)} fields, not {len(rows.equals)}")
    if rows.after is not None and len(rows.after) != len(names) - len(rows.equals) + 1:
        raise ValueError("`after` holds the fields behind `equals`, and the key")
    side = shape.word_tables.get(rows.index)
    if side is None:
        return [*(f"t.{shape.columns[n]}" for n in names), "t.key"], f"{shape.physical} t"
    if shape.words_field(shape.indexes[rows.index]) not in names[: len(rows.equals)]:
        raise ValueError(f"index {rows.index}: name the word, or a row would come once for each")
    # CROSS JOIN keeps SQLite from walking the rows and looking for their words.
    source = f"{side} w CROSS JOIN {shape.physical} t ON t.key = w.key"
    return [*(f"w.{shape.columns[n]}" for n in names), "w.key"], source


def _pieces(start: _Piece, behind: Sequence[str], rows: RowRange) -> Iterator[_Piece]:
    after: Sequence[Any] | None = rows.after
    if after is None:
        yield start
        return
    for place in range(len(behind) - 1, -1, -1):
        piece = start
        for column, value in zip(behind[:place], after, strict=False):
            piece = piece.equal(column, value)
        column, value = behind[place], after[place]
        if rows.descending:
            if value is not None:  # nothing is before None
                yield piece.compare(column, "<", value)
                if place < len(behind) - 1 and not (
                    place == 0 and rows.bounded
                ):  # a key is never None
                    yield piece.equal(column, None)
        elif value is None:
            yield piece.present(column)
        else:
            yield piece.compare(column, ">", value)
