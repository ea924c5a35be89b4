"""What a table was declared as: checked, as bytes in the registry, and missed where it is gone."""

from collections.abc import Mapping
from typing import Any

import msgspec

from docaxis_eventsourcing.ports.read_store import Index, IndexType, Table


class SpaceGone(Exception):
    """The space was dropped, by this process or another."""


def not_declared(what: str) -> ValueError:
    """The error for a space or table that is not there, or not any more."""
    return ValueError(f"{what} was not declared")


def check(table: Table) -> None:
    """Raise `ValueError` for a declaration that makes no sense."""
    names = [index.name for index in table.indexes]
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"the indexes of {table.name} need different names that are not empty")
    for index in table.indexes:
        if missing := set(index.fields) - table.fields.keys():
            raise ValueError(f"index {index.name} of {table.name} names unknown fields {missing}")
        words = [field for field in index.fields if table.fields[field] is IndexType.WORDS]
        if len(words) > 1 or (words and index.unique):
            raise ValueError(f"index {index.name}: one list of words, and not unique")


def words_field(table: Table, index: Index) -> str | None:
    """The index's field of search words, if it has one."""
    return next((field for field in index.fields if table.fields[field] is IndexType.WORDS), None)


def to_stored(table: Table) -> bytes:
    """A declaration as bytes: equal declarations give equal bytes."""
    return _encoder.encode(table)


def from_stored(stored: bytes) -> Table:
    """What `to_stored` wrote."""
    return _decoder.decode(stored)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder = msgspec.json.Decoder(Table)
