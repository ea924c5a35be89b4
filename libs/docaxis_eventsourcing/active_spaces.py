"""Which space serves each view: one row a view, moved in one step when a rebuild takes over."""

from dataclasses import dataclass

import msgspec

from docaxis_eventsourcing.errors import CheckpointMoved
from docaxis_eventsourcing.ports.event_log import FIRST_EPOCH, Position
from docaxis_eventsourcing.ports.read_store import Changes, ReadStore, Row, Table

_SPACE = "active_views"
_ACTIVE = Table("active")
_CLAIMS = Table("claims")


@dataclass(frozen=True, slots=True)
class Active:
    """The serving build of a view."""

    space: str
    version: int
    generation: int
    epoch: int = FIRST_EPOCH
    """Of the log that it was built from (L4)."""


class ActiveSpaces:
    """Reads and moves the pointers of all views in one read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    async def open(self) -> None:
        """Create the pointers' tables where they are missing."""
        await self._store.declare(_SPACE, (_ACTIVE, _CLAIMS))

    async def get(self, view: str) -> Active | None:
        """The serving build of a view; None before the first took over."""
        rows = await self._store.get(_SPACE, _ACTIVE.name, (view,))
        return msgspec.msgpack.decode(rows[view].blob, type=Active) if view in rows else None

    async def switch(self, view: str, to: Active) -> None:
        """Let `to` serve from now on."""
        row = Row(view, msgspec.msgpack.encode(to))
        while not await self._apply(await self._stored(), _ACTIVE, row):
            pass  # another pointer moved at the same moment

    async def claim(self, view: str) -> int:
        """The number of a build that nobody else has: two replicas never build one space."""
        while True:
            stored = await self._stored()
            active = await self.get(view)
            rows = await self._store.get(_SPACE, _CLAIMS.name, (view,))
            last = msgspec.msgpack.decode(rows[view].blob, type=int) if rows else 0
            number = max(last, active.generation if active else 0) + 1
            if await self._apply(stored, _CLAIMS, Row(view, msgspec.msgpack.encode(number))):
                return number

    async def _stored(self) -> Position | None:
        return await self._store.checkpoint(_SPACE, 0)

    async def _apply(self, stored: Position | None, table: Table, row: Row) -> bool:
        """The pointers' checkpoint counts their changes; False where another came first."""
        count = (stored.version if stored else 0) + 1
        changes = {table.name: Changes(puts=(row,))}
        try:
            await self._store.apply(_SPACE, 0, stored, Position(count, count), changes)
        except CheckpointMoved:
            return False
        return True
