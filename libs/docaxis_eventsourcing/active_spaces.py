"""Which space serves each view: one row a view, moved in one step when a rebuild takes over."""

from dataclasses import dataclass

import msgspec

from docaxis_eventsourcing.errors import CheckpointMoved
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, ReadStore, Row, Table

_SPACE = "active_views"
_TABLE = "active"


@dataclass(frozen=True, slots=True)
class Active:
    """The serving build of a view."""

    space: str
    version: int
    generation: int


class ActiveSpaces:
    """Reads and moves the pointers of all views in one read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    async def open(self) -> None:
        """Create the pointers' table where it is missing."""
        await self._store.declare(_SPACE, (Table(_TABLE),))

    async def get(self, view: str) -> Active | None:
        """The serving build of a view; None before the first took over."""
        rows = await self._store.get(_SPACE, _TABLE, (view,))
        return msgspec.msgpack.decode(rows[view].blob, type=Active) if view in rows else None

    async def switch(self, view: str, to: Active) -> None:
        """Let `to` serve from now on. The pointers' checkpoint counts the switches."""
        row = Row(view, msgspec.msgpack.encode(to))
        while True:
            before = await self._store.checkpoint(_SPACE, 0)
            count = (before.version if before else 0) + 1
            try:
                await self._store.apply(
                    _SPACE, 0, before, Position(count, count), {_TABLE: Changes(puts=(row,))}
                )
                return
            except CheckpointMoved:
                continue  # another view switched at the same moment
