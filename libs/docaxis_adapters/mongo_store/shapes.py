"""How a declared table lies in MongoDB: a collection, its indexes, a row as a document.

Names of spaces, tables and fields are data and may hold `$`, `.` and NUL: a registry maps tables
to numbers, collections are `t1`, `t2`, …, a document's fields are `_id` (the row's key), `b` (the
blob), `f0`, `f1` (declared fields), `c0`, `c1` (counters; missing is 0). Every index ends in `_id`,
which breaks ties. Text compares by its UTF-8 bytes, which is by code point; None is null, which
sorts before numbers and strings. Bytes are kept as hexadecimal text, since BSON orders binary
data by length first. Words are an array, so that their index is multikey.
"""

from typing import Any

from docaxis_adapters.mongo_store.declarations import check, words_field
from docaxis_eventsourcing.ports.read_store import Index, IndexType, IndexValue, Row, Table

MARKER = 0
"""The `_id` of the document that every declared table holds: where it is missing, the table was
dropped. Keys of rows are text, so it is nobody's key, and it has no field that a query asks for."""

KEY = "_id"
BLOB = "b"
LOWEST_INT, HIGHEST_INT = -(2**63), 2**63 - 1

Stored = str | int | list[str] | None
"""An `IndexValue` as it lies in a document."""


class Shape:
    """One table in one space, under its number. Raises `ValueError` where it makes no sense."""

    def __init__(self, number: int, table: Table) -> None:
        check(table)
        self.table = table
        self.collection = f"t{number}"
        self.indexes = {index.name: index for index in table.indexes}
        self.columns = {name: f"f{place}" for place, name in enumerate(table.fields)}
        self.counters = {name: f"c{place}" for place, name in enumerate(table.counters)}
        places: dict[tuple[str, ...], int] = {}
        for place, index in enumerate(table.indexes):
            places.setdefault(index.fields, place)
        self.physical = {index.name: f"i{places[index.fields]}" for index in table.indexes}
        """The index that answers for each; MongoDB has but one of each order."""

    def keys(self, index: Index) -> list[tuple[str, int]]:
        """The order of an index."""
        return [(column, 1) for column in (*self.fields_of(index), KEY)]

    def fields_of(self, index: Index) -> list[str]:
        """An index's declared fields, as they are named in documents."""
        return [self.columns[name] for name in index.fields]

    def where_complete(self, index: Index) -> dict[str, Any]:
        """The rows that have a value in every field of an index: unique among these alone."""
        kinds = {IndexType.INT: "number"}
        return {
            self.columns[name]: {"$type": kinds.get(self.table.fields[name], "string")}
            for name in index.fields
        }

    def words_field(self, index: Index) -> str | None:
        """The index's field of search words, if it has one."""
        return words_field(self.table, index)

    def stored(self, field: str, value: IndexValue) -> Stored:
        """A field's value as it lies in a document. Raises `ValueError` for another type."""
        kind = self.table.fields[field]
        match value:
            case None:
                return None
            case str() if kind is IndexType.TEXT:
                return value
            case int() if kind is IndexType.INT and LOWEST_INT <= value <= HIGHEST_INT:
                return int(value)
            case bytes() if kind is IndexType.BYTES:
                return value.hex()
            case tuple() if kind is IndexType.WORDS and all(isinstance(w, str) for w in value):
                return list(value)
        raise ValueError(f"{self.table.name}.{field} takes {kind}, not {type(value).__name__}")

    def document(self, row: Row) -> dict[str, Any]:
        """All of a row but its key and counters. Raises `ValueError` for unknown fields."""
        if unknown := row.fields.keys() - self.columns.keys():
            raise ValueError(f"{self.table.name} has no fields {unknown}")
        document: dict[str, Any] = {BLOB: row.blob}
        for name, column in self.columns.items():
            document[column] = self.stored(name, row.fields.get(name))
        return document

    def row(self, document: dict[str, Any]) -> Row:
        """A document as a row; one that increments made has neither blob nor fields."""
        fields = {
            name: _read(self.table.fields[name], document.get(column))
            for name, column in self.columns.items()
        }
        counters = {name: int(document.get(column, 0)) for name, column in self.counters.items()}
        return Row(document[KEY], document.get(BLOB, b""), fields, counters)


def _read(kind: IndexType, stored: Any) -> IndexValue:
    if stored is None:
        return None
    match kind:
        case IndexType.INT:
            return int(stored)  # BSON's own 64-bit type is a subclass
        case IndexType.BYTES:
            return bytes.fromhex(stored)
        case IndexType.WORDS:
            return tuple(stored)
        case _:
            return str(stored)


def lowest(kind: IndexType) -> str | int:
    """Not above any value of the type: what is at least this is not None."""
    return LOWEST_INT if kind is IndexType.INT else ""
