"""A digest over all rows of a space, to prove that a rebuild gives the same bytes (L27).

It asks the port alone, so two spaces can be compared across adapters. Checkpoints are left out:
places are an adapter's own.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from docaxis_eventsourcing.ports.read_store import IndexValue, ReadStore, Row, RowRange, Table

_PAGE = 500


async def space_digest(store: ReadStore, space: str, tables: Sequence[Table]) -> str:
    """Lower-case hex SHA-256 of the tables' rows, tables by name and rows by key.

    The rows must not change meanwhile: pages are read one after the other.
    """
    digest = sha256()
    for table in sorted(tables, key=lambda one: one.name):
        digest.update(_framed(b"table", table.name.encode()))
        after: tuple[IndexValue, ...] | None = None
        while rows := await store.range(space, table.name, RowRange("", after=after, limit=_PAGE)):
            for row in rows:
                for part in _row(table, row):
                    digest.update(part)
            after = (rows[-1].key,)
    return digest.hexdigest()


def _row(table: Table, row: Row) -> Iterator[bytes]:
    yield _framed(b"key", row.key.encode())
    yield _framed(b"blob", row.blob)
    for name in sorted(table.fields):
        yield _framed(b"field", name.encode())
        yield from _value(row.fields.get(name))
    for name in sorted(table.counters):
        yield _framed(b"counter", f"{name}={row.counters.get(name, 0)}".encode())


def _value(value: IndexValue) -> Iterator[bytes]:
    match value:
        case None:
            yield _framed(b"none", b"")
        case str():
            yield _framed(b"text", value.encode())
        case bytes():
            yield _framed(b"bytes", value)
        case int():
            yield _framed(b"int", str(value).encode())
        case tuple():
            yield _framed(b"words", str(len(value)).encode())
            for word in value:
                yield _framed(b"word", word.encode())


def _framed(kind: bytes, content: bytes) -> bytes:
    """Lengths before contents, so that no two different rows give the same bytes."""
    return b"%s:%d:" % (kind, len(content)) + content
