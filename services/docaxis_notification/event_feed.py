"""The live stream of public events: one reading of the log, any number of watchers (ADR 0035).

- A watcher holds a place (`feed_place`) and is handed what lies behind it: from memory where that
  reaches back (`feed_recent`), else from the log, together with the others (`feed_catch_up`). It
  takes at its own pace: a slow one holds nothing but its place.
- The log is read while somebody watches, and a little longer; otherwise it costs nothing.
- A watcher without a cursor begins where readers stand when it comes, not at the log's end: what an
  open transaction wrote is told to it, because nobody else has seen that yet either.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import structlog

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_notification.feed_catch_up import CatchUp
from docaxis_notification.feed_place import FeedPlace, Stream, from_cursor, to_cursor
from docaxis_notification.feed_recent import Found, Recent, Wanted
from docaxis_notification.feed_source import Source, settled

_log = structlog.get_logger(__name__)

PAGE = 500
_BATCH = 500
_POLL_S = 5.0
_BEGIN_WITHIN_S = 10.0
_TOGETHER_S = 0.05
"""A watcher looks at most so often: a look of a hundred of them for each event would be dear."""


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """How much one replica keeps and serves."""

    recent: int = 20_000
    """Tellings kept in memory."""
    watchers: int = 2_000
    watchers_per_system: int = 16
    idle_s: float = 60.0
    """How long the log is read on after the last watcher has gone."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a watcher is handed: perhaps nothing, a sign of life, and the cursor behind it."""

    found: Found
    place: FeedPlace
    restarted: bool = False


class EventFeed:
    """A part that reads, and what watchers read of it."""

    def __init__(
        self, log: EventLog, sources: Sequence[Source], limits: FeedLimits | None = None
    ) -> None:
        self._event_log = log
        self._sources = tuple(sources)
        self._limits = limits or FeedLimits()
        self._watchers: Counter[str] = Counter()
        self._wakes: dict[str, set[asyncio.Event]] = {}
        self._recent: Recent | None = None
        self._begun = asyncio.Event()
        self._watched = asyncio.Event()
        self._catch_up = CatchUp(log, self._sources)
        self.health = PartHealth("notification.feed")

    def cursor(self, place: FeedPlace) -> str:
        """The opaque text of a place."""
        log = self._event_log
        return to_cursor(log.epoch, place, log.partitions, len(self._sources))

    async def watch(
        self, system_id: str, wanted: Wanted, cursor: str, heartbeat_s: float
    ) -> AsyncGenerator[Page, None]:
        """Pages without end; the first comes at once. At most `heartbeat_s` lie between two.

        Raises `DocaxisError`: `cursor_invalid`, `busy` (too many watch), `unavailable`.
        """
        log = self._event_log
        place = from_cursor(cursor, log.epoch, log.partitions, len(self._sources))
        self._enter(system_id)
        wake = asyncio.Event()
        try:
            for each in wanted.organisation_ids:
                self._wakes.setdefault(each, set()).add(wake)
            recent = await self._reading()
            known = place is not None
            place = place or FeedPlace(dict(recent.heads))
            yield Page([], place, restarted=bool(cursor) and not known)
            async with aclosing(self._pages(place, wanted, wake, heartbeat_s)) as pages:
                async for page in pages:
                    yield page
        finally:
            self._leave(system_id, wanted, wake)

    async def _pages(
        self, place: FeedPlace, wanted: Wanted, wake: asyncio.Event, heartbeat_s: float
    ) -> AsyncGenerator[Page, None]:
        since, fresh, seen = 0, True, self._recent
        due = time.monotonic() + heartbeat_s
        while True:
            wake.clear()
            recent = await self._reading()
            if recent is not seen:
                since, seen = 0, recent
            found: Found = []
            if recent.has_since(since) or recent.covers(place):
                found, since = recent.read(place, wanted, since, PAGE)
                caught_up = len(found) < PAGE
            else:
                caught_up, since = False, 0
                behind = asyncio.ensure_future(self._catch_up.read(place, wanted, fresh=fresh))
                try:
                    while not behind.done():
                        await asyncio.wait((behind,), timeout=max(0.0, due - time.monotonic()))
                        if not behind.done():
                            yield Page([], place)
                            due = time.monotonic() + heartbeat_s
                    found, place = behind.result()
                finally:
                    behind.cancel()
                fresh = False
            looked = time.monotonic()
            if found or looked >= due:
                yield Page(found, place)
                due = time.monotonic() + heartbeat_s
            if caught_up:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, due - time.monotonic())):
                        await wake.wait()
                # What comes in a row is handed over together; what comes alone, at once.
                await asyncio.sleep(max(0.0, looked + _TOGETHER_S - time.monotonic()))

    async def run(self) -> None:
        """Read the log while somebody watches; ends only by cancellation."""
        self.health.working()
        retry = backoff(self.health, "reading events")
        while True:
            await self._watched.wait()
            await anext(retry)
            try:
                if self._recent is None:
                    heads = await settled(self._event_log, self._sources)
                    self._recent = Recent(heads, self._limits.recent)
                self.health.working()
                await self._read_on(self._recent)
                self._recent = None
                self._begun.clear()
                retry.reset()
            except Unavailable as error:
                self.health.waiting(str(error))
            except Exception as error:  # noqa: BLE001 - an event that we cannot read: loudly
                _log.critical("feed_failed", exc_info=True)
                self.health.failed(repr(error))
                self._recent = None
                self._begun.clear()
                await asyncio.Event().wait()

    async def _read_on(self, recent: Recent) -> None:
        """Until nobody has watched for a while. Raises `Unavailable`."""
        tasks = [asyncio.create_task(self._follow(each, recent)) for each in self._sources]
        tasks.append(asyncio.create_task(self._catch_up.run(recent)))
        tasks.append(asyncio.create_task(self._until_idle()))
        self._begun.set()
        for wakes in self._wakes.values():  # who waits may stand before where this begins
            for wake in wakes:
                wake.set()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, source: Source, recent: Recent) -> None:
        tail = source.tail(self._event_log, recent.heads)
        try:
            while True:
                for record in await tail.next(_BATCH, _POLL_S):
                    entry = source.entry(record)
                    if entry is not None:
                        recent.add(entry)
                        for organisation_id in {each.organisation_id for each in entry.tellings}:
                            for wake in self._wakes.get(organisation_id, ()):
                                wake.set()
                for partition in range(self._event_log.partitions):
                    recent.passed(Stream(source.number, partition), tail.reached(partition).place)
        finally:
            await tail.close()

    async def _until_idle(self) -> None:
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < self._limits.idle_s:
            await asyncio.sleep(min(1.0, self._limits.idle_s / 4))
            if self._watchers:
                idle_since = time.monotonic()
        self._watched.clear()

    async def _reading(self) -> Recent:
        """What is read of late, once it is read. Raises `DocaxisError` `unavailable`."""
        self._watched.set()
        if self._recent is None or not self._begun.is_set():
            try:
                async with asyncio.timeout(_BEGIN_WITHIN_S):
                    await self._begun.wait()
            except TimeoutError:
                raise DocaxisError("unavailable", retry_after_s=1.0) from None
        if self._recent is None:
            raise DocaxisError("unavailable", retry_after_s=1.0)
        return self._recent

    def _enter(self, system_id: str) -> None:
        if (
            self._watchers.total() >= self._limits.watchers
            or self._watchers[system_id] >= self._limits.watchers_per_system
        ):
            raise DocaxisError("busy", retry_after_s=5.0)
        self._watchers[system_id] += 1

    def _leave(self, system_id: str, wanted: Wanted, wake: asyncio.Event) -> None:
        self._watchers[system_id] -= 1
        if self._watchers[system_id] <= 0:
            del self._watchers[system_id]
        for each in wanted.organisation_ids:
            if wakes := self._wakes.get(each):
                wakes.discard(wake)
                if not wakes:
                    del self._wakes[each]
