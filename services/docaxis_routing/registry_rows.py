"""Rows of the registry's view, remembered while the view stands still.

Each submission asks for the same few rows several times, and they change on few days. What is
remembered counts until this replica hears that anything was projected; another replica may project
without its hearing, so nothing is older than `KEPT_S` either (L29 allows locks five seconds). That
a row is missing is never remembered: it may be registered in this moment.
"""

import time
from collections.abc import Callable, Sequence

from cachetools import LRUCache

from docaxis_eventsourcing.ports.read_store import Row
from docaxis_eventsourcing.view_reader import ViewReader

KEPT_S = 1.0
_MOST = 8192


class RegistryRows:
    """Asks the reader for what it does not know."""

    def __init__(
        self, reader: ViewReader, clock: Callable[[], float] = time.monotonic, most: int = _MOST
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._rows: LRUCache[tuple[str, str], Row] = LRUCache(most)
        self._of = ("", -1)
        self._until = 0.0

    async def get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """The rows that exist, by key."""
        self._forget_old()
        found = {key: row for key in keys if (row := self._rows.get((table, key))) is not None}
        missing = [key for key in keys if key not in found]
        if missing:
            before = self._stand()
            asked = await self._reader.get_many(table, missing)
            self._remember(table, asked, before)
            found |= asked
        return found

    async def get_passing_end(self, table: str, key: str, partition: int) -> Row | None:
        """One row; on a miss, only after the view has passed the partition's end (L28)."""
        found = (await self.get_many(table, (key,))).get(key)
        return found or await self._reader.get_passing_end(table, key, partition)

    def _stand(self) -> tuple[str, int]:
        return self._reader.space, self._reader.changes

    def _forget_old(self) -> None:
        now = self._clock()
        if self._of != self._stand() or now >= self._until:
            self._rows.clear()
            self._of, self._until = self._stand(), now + KEPT_S

    def _remember(self, table: str, rows: dict[str, Row], before: tuple[str, int]) -> None:
        """Keep what was read of the view as it stood; not what was projected meanwhile."""
        if before == self._of == self._stand():
            for key, row in rows.items():
                self._rows[table, key] = row
