"""Queries on a view: its rows, waiting for news, and waiting until it has passed the log's end."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.ports.event_log import START, EventLog, Position
from docaxis_eventsourcing.ports.read_store import ReadStore, Row, RowRange
from docaxis_eventsourcing.reaching import has_reached

Result = TypeVar("Result")

_PAGE = 500
_LOOK_AGAIN_S = 1.0
"""Another replica may project a partition: its progress is seen in the store, by looking."""


class ViewReader:
    """Reads the space that serves a view. `serve`, `hold` and `changed` are for its runner."""

    def __init__(self, name: str, topic: str, log: EventLog, store: ReadStore) -> None:
        self._name = name
        self._topic = topic
        self._event_log = log
        self._store = store
        self.space = ""
        self._passed: dict[int, Position] = {}
        self._held = False
        self._changes = 0
        self._news = asyncio.Event()
        self._serving = asyncio.Event()

    @property
    def passed(self) -> Mapping[int, Position]:
        """How far each partition was projected, as far as this replica knows."""
        return self._passed

    @property
    def changes(self) -> int:
        """Counts what was projected; take it before a query and give it to `wait_for_news`."""
        return self._changes

    def serve(self, space: str, passed: Mapping[int, Position] | None = None) -> None:
        """Read from this space from now on; it was projected up to `passed`."""
        self.space = space
        self._passed = dict(passed or {})
        self._held = False
        self._serving.set()
        self._wake()

    def hold(self) -> None:
        """Learn of no further progress before `serve`: what comes next has to be that far."""
        self._held = True

    def changed(self, partition: int, position: Position) -> None:
        """A partition of the serving space was projected up to here."""
        self._passed[partition] = position
        self._wake()

    async def get(self, table: str, key: str) -> Row | None:
        """One row, or None."""
        return (await self.get_many(table, (key,))).get(key)

    async def get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """The rows that exist, by key."""
        return dict(await self._read(lambda space: self._store.get(space, table, keys)))

    async def range(self, table: str, rows: RowRange) -> Sequence[Row]:
        """A page of rows in index order."""
        return await self._read(lambda space: self._store.range(space, table, rows))

    async def _read(self, query: Callable[[str], Awaitable[Result]]) -> Result:
        """Ask the serving space; again where another took over meanwhile and it was dropped.

        Raises `Unavailable` where it was dropped and the runner has not seen yet what took over:
        a replica that was stopped for a while.
        """
        await self._ready()
        while True:
            space = self.space
            try:
                found = await query(space)
            except Exception as error:
                if space != self.space:
                    continue
                if isinstance(error, ValueError) and space not in await self._store.spaces():
                    raise Unavailable(f"{space} was dropped, and {self._name} moves on") from error
                raise
            if space == self.space:
                return found

    async def every(
        self, table: str, index: str = "", equals: tuple[str, ...] = (), most: int = 0
    ) -> list[Row]:
        """The rows of a table, or of one value of a whole index, by key; `most`, 0 for all."""
        rows: list[Row] = []
        after: tuple[str, ...] | None = None
        while True:
            page = await self.range(table, RowRange(index, equals, after=after, limit=_PAGE))
            rows += page
            if len(page) < _PAGE or (most and len(rows) >= most):
                return rows[:most] if most else rows
            after = (page[-1].key,)

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

        async def passed(at: Position) -> bool:
            return await has_reached(self._event_log, self._topic, partition, at, end)

        await self._until(partition, passed, deadline_s)

    async def pass_version(self, partition: int, version: int, deadline_s: float = 2.0) -> None:
        """Wait until the view has seen a version. Raises `DocaxisError` `read_stale`."""

        async def passed(at: Position) -> bool:
            return at.version >= version

        await self._until(partition, passed, deadline_s)

    async def _until(
        self, partition: int, passed: Callable[[Position], Awaitable[bool]], deadline_s: float
    ) -> None:
        await self._ready()
        until = time.monotonic() + deadline_s
        look = 0.0
        while not await passed(self._passed.get(partition, START)):
            changes, now = self._changes, time.monotonic()
            if now >= look:
                await self._look(partition)
                look = now + _LOOK_AGAIN_S
            elif now >= until:
                raise DocaxisError("read_stale", retry_after_s=1.0)
            else:
                await self.wait_for_news(min(until, look) - now, changes)

    async def _look(self, partition: int) -> None:
        """Take over how far another replica projected a partition."""
        space = self.space
        try:
            stored = await self._store.checkpoint(space, partition)
        except Unavailable as error:
            raise DocaxisError("unavailable") from error
        if stored is None or space != self.space or self._held:
            return
        if stored.place > self._passed.get(partition, START).place:
            self.changed(partition, stored)

    async def wait_for_news(self, wait_s: float, since: int | None = None) -> bool:
        """Wait until anything was projected; False when `wait_s` passed without.

        `since` are the `changes` before the query that found nothing: what came while it ran is
        news, too. Without it such news is missed.
        """
        if since is not None and since != self._changes:
            return True
        news = self._news
        try:
            async with asyncio.timeout(wait_s):
                await news.wait()
        except TimeoutError:
            return False
        return True

    async def read_until(
        self,
        wait_s: float,
        read: Callable[[], Awaitable[Result]],
        enough: Callable[[Result], bool],
    ) -> Result:
        """Read, and read again at each news, until it is enough or the time has passed."""
        until = time.monotonic() + wait_s
        while True:
            changes = self._changes  # before reading: what is projected meanwhile is news, too
            found = await read()
            left = until - time.monotonic()
            if left <= 0 or enough(found):
                return found
            await self.wait_for_news(min(left, _LOOK_AGAIN_S), changes)

    def _wake(self) -> None:
        self._changes += 1
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
