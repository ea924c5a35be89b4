"""Queries on a view: its rows, waiting for news, and waiting until it has passed the log's end."""

import asyncio
import time
from collections.abc import Sequence

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.ports.event_log import START, EventLog, Position
from docaxis_eventsourcing.ports.read_store import ReadStore, Row, RowRange

_LOOK_AGAIN_S = 1.0
"""Another replica may project a partition: its progress is seen in the store, by looking."""


class ViewReader:
    """Reads the space that serves a view. `serve` and `changed` are for its runner."""

    def __init__(self, name: str, topic: str, log: EventLog, store: ReadStore) -> None:
        self._name = name
        self._topic = topic
        self._event_log = log
        self._store = store
        self.space = ""
        self._passed: dict[int, Position] = {}
        self._news = asyncio.Event()
        self._serving = asyncio.Event()

    def serve(self, space: str) -> None:
        """Read from this space from now on."""
        self.space = space
        self._serving.set()
        self._wake()

    def changed(self, partition: int, position: Position) -> None:
        """A partition of the serving space was projected up to here."""
        self._passed[partition] = position
        self._wake()

    async def get(self, table: str, key: str) -> Row | None:
        """One row, or None."""
        return (await self.get_many(table, (key,))).get(key)

    async def get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """The rows that exist, by key."""
        await self._ready()
        return dict(await self._store.get(self.space, table, keys))

    async def range(self, table: str, rows: RowRange) -> Sequence[Row]:
        """A page of rows in index order."""
        await self._ready()
        return await self._store.range(self.space, table, rows)

    async def get_passing_end(
        self, table: str, key: str, partition: int, deadline_s: float = 2.0
    ) -> Row | None:
        """One row; on a miss, only after the view has passed the partition's end (L28).

        Raises `DocaxisError` `read_stale` (503) where it has not within the deadline.
        """
        row = await self.get(table, key)
        if row is None:
            await self.pass_end(partition, deadline_s)
            row = await self.get(table, key)
        return row

    async def pass_end(self, partition: int, deadline_s: float = 2.0) -> None:
        """Wait until the view has seen all that the log holds of a partition now (L28)."""
        try:
            end = await self._event_log.end(self._topic, partition)
        except Unavailable as error:
            raise DocaxisError("unavailable") from error
        await self.pass_version(partition, end.version, deadline_s)

    async def pass_version(self, partition: int, version: int, deadline_s: float = 2.0) -> None:
        """Wait until the view has seen a version. Raises `DocaxisError` `read_stale`."""
        until = time.monotonic() + deadline_s
        while self._passed.get(partition, START).version < version:
            left = until - time.monotonic()
            if left <= 0:
                raise DocaxisError("read_stale", retry_after_s=1.0)
            if not await self.wait_for_news(min(left, _LOOK_AGAIN_S)):
                stored = await self._store.checkpoint(self.space, partition)
                if stored is not None and stored > self._passed.get(partition, START):
                    self._passed[partition] = stored

    async def wait_for_news(self, wait_s: float) -> bool:
        """Wait until anything was projected; False when `wait_s` passed without."""
        news = self._news
        try:
            async with asyncio.timeout(wait_s):
                await news.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _ready(self) -> None:
        if self._serving.is_set():
            return
        try:
            async with asyncio.timeout(2.0):
                await self._serving.wait()
        except TimeoutError:
            raise DocaxisError("read_stale", {"view": self._name}, retry_after_s=1.0) from None
