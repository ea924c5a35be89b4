"""Rows that are derived from the log: a decider's states and the views for queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from docaxis_eventsourcing.ports.event_log import Position

IndexValue = str | int | bytes | tuple[str, ...] | None


class IndexType(StrEnum):
    """Types of declared index fields (L25)."""

    TEXT = "text"
    INT = "int"
    BYTES = "bytes"
    WORDS = "words"
    """A list of search words; a row is found by each of them."""


@dataclass(frozen=True, slots=True)
class Index:
    """An ordered index over declared fields; the row's key breaks ties."""

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    sparse: bool = False
    """Rows with None in its last field may be left out: a range over it bounds that field."""

    def check(self, rows: "RowRange") -> None:
        """Raise `ValueError` for a range that rows left out could be in."""
        if self.sparse and not (rows.bounded and len(rows.equals) == len(self.fields) - 1):
            raise ValueError(f"index {self.name} is sparse: a range bounds {self.fields[-1]}")


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table: index fields with their types, and the indexes over them."""

    name: str
    fields: Mapping[str, IndexType] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    counters: tuple[str, ...] = ()
    """Integer fields that `increments` may add to; they start at 0."""

    @property
    def lasting(self) -> "Table":
        """What of a declaration may not change: all but whether its indexes are sparse."""
        return replace(self, indexes=tuple(replace(each, sparse=False) for each in self.indexes))


@dataclass(frozen=True, slots=True)
class Row:
    """Declared index fields and one blob (L25)."""

    key: str
    blob: bytes = b""
    fields: Mapping[str, IndexValue] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    """Read only: `apply` changes counters by increments alone."""


@dataclass(frozen=True, slots=True)
class Increment:
    """Add to a counter of a row; the row is made where it is missing."""

    key: str
    counter: str
    by: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one `apply` does to one table."""

    puts: tuple[Row, ...] = ()
    removals: tuple[str, ...] = ()
    increments: tuple[Increment, ...] = ()


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows in the order of an index: `equals` fixes its leading fields; the next may be bounded.

    `after` is (values of the index fields behind `equals`, key) of the last row of the page
    before; `at_least`/`at_most` bound the first field behind `equals`, or the key where none is
    left, and leave out rows that have None there. None sorts first, text by code point.
    The index named "" is every table's order by key. A field of WORDS has to be in `equals`.
    """

    index: str
    equals: tuple[IndexValue, ...] = ()
    after: tuple[IndexValue, ...] | None = None
    at_least: IndexValue = None
    at_most: IndexValue = None
    descending: bool = False
    limit: int = 100

    @property
    def bounded(self) -> bool:
        """Whether it has a bound, and so none of the rows with None there."""
        return self.at_least is not None or self.at_most is not None


class ReadStore(Protocol):
    """A space is a set of tables with one checkpoint per partition (for example `status_views_1`).

    Everything here can be rebuilt from the log, so `apply` need not be synced to disk; but it is
    atomic, also across a crash, and what was applied before a clean stop is there after it.
    """

    async def declare(self, space: str, tables: Sequence[Table]) -> None:
        """Create tables and indexes that are missing. Raises `ValueError` on a changed shape.

        An index that became sparse, or is so no more, is no changed shape.
        """
        ...

    async def checkpoint(self, space: str, partition: int) -> Position | None:
        """How far a partition was applied; None at first."""
        ...

    async def apply(
        self,
        space: str,
        partition: int,
        start: Position | None,
        end: Position,
        changes: Mapping[str, Changes],
    ) -> None:
        """One atomic step that first moves the checkpoint from `start` to `end` (L24).

        `changes` are by table: removals, then puts (a put replaces the row and keeps its
        counters), then increments. Raises `CheckpointMoved` when the stored checkpoint is not
        `start`: nothing was changed. Raises `Unavailable` when the store is away.
        """
        ...

    async def get(self, space: str, table: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """The rows that exist, by key."""
        ...

    async def range(self, space: str, table: str, rows: RowRange) -> Sequence[Row]:
        """A page of rows in index order. A page never shows half an `apply`."""
        ...

    async def spaces(self) -> Sequence[str]:
        """The names of all declared spaces."""
        ...

    async def drop(self, space: str) -> None:
        """Remove a space with all its rows and checkpoints; nothing happens if there is none."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and free everything."""
        ...
