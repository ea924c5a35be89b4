"""A view: what it is made of, and the working rows of one batch of events.

A view's `project` is pure: the rows that an event needs are named by `keys` and loaded before it
runs, and what it puts, removes or adds is applied in one step with the checkpoint (L24). A row is
fed by one partition and takes nothing from other streams (L27), so a rebuild gives the same bytes.

A view of outcomes is as old as its topic, whose records expire after a day (L17): a rebuild, and a
view that comes late, hold what the topic still holds. Nobody may rely on older rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.ports.read_store import Changes, Increment, Row, Table


class Rows:
    """The rows of one view that a batch of events reads and writes."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, str], Row] = {}
        self._changed: dict[tuple[str, str], Row | None] = {}
        self._added: dict[tuple[str, str, str], int] = {}

    def load(self, table: str, rows: Mapping[str, Row]) -> None:
        """Hand in rows as they stand in the store."""
        for key, row in rows.items():
            self._loaded[table, key] = row

    def get(self, table: str, key: str) -> Row | None:
        """A row that `keys` named, as changed so far; None where there is none."""
        if (table, key) in self._changed:
            return self._changed[table, key]
        return self._loaded.get((table, key))

    def put(self, table: str, row: Row) -> None:
        """Make or replace a row."""
        self._changed[table, row.key] = row

    def remove(self, table: str, key: str) -> None:
        """Remove a row; nothing happens if there is none."""
        self._changed[table, key] = None

    def add(self, table: str, key: str, counter: str, by: int = 1) -> None:
        """Add to a counter of a row, which is made where it is missing."""
        at = (table, key, counter)
        self._added[at] = self._added.get(at, 0) + by

    def changes(self) -> dict[str, Changes]:
        """All changes, by table, in a fixed order."""
        puts: dict[str, list[Row]] = {}
        removals: dict[str, list[str]] = {}
        increments: dict[str, list[Increment]] = {}
        for (table, key), row in sorted(self._changed.items(), key=itemgetter(0)):
            if row is None:
                removals.setdefault(table, []).append(key)
            else:
                puts.setdefault(table, []).append(row)
        for (table, key, counter), by in sorted(self._added.items()):
            increments.setdefault(table, []).append(Increment(key, counter, by))
        return {
            table: Changes(
                puts=tuple(puts.get(table, ())),
                removals=tuple(removals.get(table, ())),
                increments=tuple(increments.get(table, ())),
            )
            for table in sorted({*puts, *removals, *increments})
        }


@dataclass(frozen=True, slots=True)
class View:
    """A projection of one topic of events into tables."""

    service: str
    name: str
    version: int
    """Raised whenever the rows change: the new version is built beside the old (blue/green)."""
    topic: str
    codec: MessageCodec
    tables: tuple[Table, ...]
    keys: Callable[[Any, Envelope], Iterable[tuple[str, str]]]
    """The (table, key) of the rows that `project` wants to see for an event."""
    project: Callable[[Rows, Any, Envelope], None]

    @property
    def full_name(self) -> str:
        """`<service>_<name>`."""
        return f"{self.service}_{self.name}"

    def space(self, generation: int) -> str:
        """The space of one build of this version."""
        return f"{self.full_name}_v{self.version}_g{generation}"

    def generation_of(self, space: str) -> int | None:
        """The generation of one of this view's spaces, of any version; None for another space."""
        found = re.fullmatch(re.escape(self.full_name) + r"_v\d+_g(\d+)", space)
        return int(found[1]) if found else None
