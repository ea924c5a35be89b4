"""How a declared table lies in SQLite: its columns, indexes, and the statements that use them.

Names of spaces, tables and fields never become SQL: a registry maps them to numbers, columns are
`f0`, `f1` and `c0`. An index with a WORDS field is a table of its own with one row per word, so
that a page of a search is read in order like any other (as MongoDB's multikey indexes are).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from docaxis_eventsourcing.ports.read_store import Index, IndexType, IndexValue, Row, Table

_SQL_TYPES = {
    IndexType.TEXT: "TEXT",
    IndexType.INT: "INTEGER",
    IndexType.BYTES: "BLOB",
    IndexType.WORDS: "BLOB",
}
_words_to_bytes = msgspec.msgpack.Encoder().encode
_words_from_bytes = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Shape:
    """One table in one space, under its number."""

    def __init__(self, number: int, table: Table) -> None:
        _check(table)
        self.number = number
        self.table = table
        self.physical = f"t{number}"
        self.fields = tuple(table.fields)
        self.columns = {name: f"f{place}" for place, name in enumerate(self.fields)}
        self.counters = {name: f"c{place}" for place, name in enumerate(table.counters)}
        self.indexes = {index.name: index for index in table.indexes}
        self.word_tables = {
            index.name: f"w{number}_{place}"
            for place, index in enumerate(table.indexes)
            if self.words_field(index) is not None
        }
        self._words = [name for name in self.fields if table.fields[name] is IndexType.WORDS]
        self._is_words = [False, False, *(name in self._words for name in self.fields)]
        self._word_places = [place for place, words in enumerate(self._is_words) if words]
        columns = [*self.columns.values()]
        self._put = (
            f"INSERT INTO {self.physical} (key, blob{''.join(', ' + c for c in columns)})"  # noqa: S608
            " VALUES {} ON CONFLICT (key) DO UPDATE SET "
            + ", ".join(f"{column} = excluded.{column}" for column in ("blob", *columns))
        )
        self.selected = ", ".join(
            f"t.{column}" for column in ("key", "blob", *columns, *self.counters.values())
        )

    def words_field(self, index: Index) -> str | None:
        """The index's field of search words, if it has one."""
        return next((f for f in index.fields if self.table.fields[f] is IndexType.WORDS), None)

    def create(self) -> Iterable[str]:
        """The statements that create the table and its indexes."""
        typed = [f"{self.columns[f]} {_SQL_TYPES[kind]}" for f, kind in self.table.fields.items()]
        counters = [f"{column} INTEGER NOT NULL DEFAULT 0" for column in self.counters.values()]
        columns = ", ".join(
            ["key TEXT PRIMARY KEY NOT NULL", "blob BLOB NOT NULL DEFAULT x''", *typed, *counters]
        )
        yield f"CREATE TABLE {self.physical} ({columns}) STRICT"
        for index in self.table.indexes:
            if (words := self.words_field(index)) is not None:
                types = {**self.table.fields, words: IndexType.TEXT}
                kinds = [f"{self.columns[f]} {_SQL_TYPES[types[f]]}" for f in index.fields]
                # Rows in the order they come, found by the index alone: what goes is known from
                # the row that names it, so there is no second tree over the keys.
                columns = f"key TEXT NOT NULL, {', '.join(kinds)}"
                yield f"CREATE TABLE {self.word_tables[index.name]} ({columns}) STRICT"
            yield self._create_index(index)

    def sparse_as(self, table: Table) -> Iterable[str]:
        """The statements that make its indexes as sparse as those of another declaration."""
        other = Shape(self.number, table)
        for before, now in zip(self.table.indexes, table.indexes, strict=True):
            if before.sparse != now.sparse:
                yield f"DROP INDEX {self._index_name(before)}"
                yield other._create_index(now)

    def _index_name(self, index: Index) -> str:
        return f"{self.physical}_i{self.table.indexes.index(index)}"

    def _create_index(self, index: Index) -> str:
        ordered = [self.columns[field] for field in index.fields]
        unique, keys = ("UNIQUE ", ordered) if index.unique else ("", [*ordered, "key"])
        on = self.word_tables.get(index.name, self.physical)
        where = f" WHERE {ordered[-1]} IS NOT NULL" if index.sparse else ""
        name = self._index_name(index)
        return f"CREATE {unique}INDEX {name} ON {on} ({', '.join(keys)}){where}"

    def put_statement(self, values: str) -> str:
        """Insert or replace rows; counters stay."""
        return self._put.format(values)

    def put_values(self, row: Row) -> tuple[Any, ...]:
        """The values of one row for `put_statement`. Raises `ValueError` for unknown fields."""
        if row.fields.keys() - self.columns.keys():
            raise ValueError(
                f"{self.table.name} has no fields {set(row.fields) - set(self.fields)}"
            )
        values: list[Any] = [row.key, row.blob, *map(row.fields.get, self.fields)]
        for place, value in enumerate(values[2:], 2):
            if value is None or isinstance(value, tuple) is self._is_words[place]:
                continue
            name = self.fields[place - 2]
            raise ValueError(f"{self.table.name}.{name} takes {self.table.fields[name]}")
        for place in self._word_places:
            if values[place] is not None:
                values[place] = _words_to_bytes(values[place])
        return tuple(values)

    def word_rows(self, index: Index, row: Row) -> Iterable[tuple[IndexValue, ...]]:
        """The rows of a word index for one row: one for each different word."""
        words = self.words_field(index)
        found = row.fields.get(words or "")
        for word in sorted(set(found)) if isinstance(found, tuple) else ():
            yield (
                row.key,
                *(word if f == words else row.fields.get(f) for f in index.fields),
            )

    def forget_word_statement(self, index: str) -> str:
        """Remove a row that `word_rows` gives."""
        same = " AND ".join(f"{self.columns[f]} IS ?" for f in self.indexes[index].fields)
        return f"DELETE FROM {self.word_tables[index]} WHERE key = ? AND {same}"  # noqa: S608

    def increment_statement(self, counter: str) -> str:
        """Add to a counter; the row is made where it is missing."""
        column = self.counters[counter]
        return (
            f"INSERT INTO {self.physical} (key, {column}) VALUES (?, ?)"  # noqa: S608
            f" ON CONFLICT (key) DO UPDATE SET {column} = {column} + excluded.{column}"
        )

    def row(self, values: Sequence[Any]) -> Row:
        """A row from the columns of `selected`."""
        fields: dict[str, IndexValue] = dict(zip(self.fields, values[2:], strict=False))
        for name in self._words:
            stored = fields[name]
            if isinstance(stored, bytes):
                fields[name] = _words_from_bytes(stored)
        counters = dict(zip(self.counters, values[2 + len(self.fields) :], strict=True))
        return Row(values[0], values[1], fields, counters)


def _check(table: Table) -> None:
    names = [index.name for index in table.indexes]
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"the indexes of {table.name} need different names that are not empty")
    for index in table.indexes:
        if missing := set(index.fields) - table.fields.keys():
            raise ValueError(f"index {index.name} of {table.name} names unknown fields {missing}")
        words = [f for f in index.fields if table.fields[f] is IndexType.WORDS]
        if len(words) > 1 or (words and index.unique):
            raise ValueError(f"index {index.name}: one list of words, and not unique")


def to_stored(table: Table) -> bytes:
    """A table's declaration as bytes: equal declarations give equal bytes."""
    return _table_encoder.encode(table)


def from_stored(stored: bytes) -> Table:
    """What `to_stored` wrote."""
    return _table_decoder.decode(stored)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


_table_encoder = msgspec.json.Encoder(enc_hook=_plain)
_table_decoder = msgspec.json.Decoder(Table)
