"""What a system asked lately, for itself: `GET /requests`. No bodies, no queries, no ids in paths.

Not the event log (a request is no fact of a domain) but rows of the read store, in a space of the
gateway's own that nothing rebuilds. Rules (tests carry their numbers):

- Q1 A request is noted once it is answered, by template: `/documents/{document_id}`, never by what
  stood in its place. It is its system's alone: who it is not known to be from is not noted.
- Q2 Requests are written in batches, a second's worth at a time, one row for each system; so they
  cost the requests next to nothing. Who dies loses that second.
- Q3 A store that is away keeps nobody from an answer: what does not fit the memory meanwhile is
  dropped, and said in the log lines.
- Q4 After the days that the settings say a batch is removed; before that the oldest of a system
  that has more than its share. Any replica removes, one at a time.
- Q5 Pages go back from the newest; a request is on one page only.
"""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, NamedTuple

import msgspec
import structlog

from docaxis_eventsourcing.errors import CheckpointMoved, DocaxisError, Unavailable
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Index,
    IndexType,
    IndexValue,
    ReadStore,
    Row,
    RowRange,
    Table,
)

SPACE = "gateway_requests_1"
_TABLES = (
    Table(
        "batches",
        {"system": IndexType.TEXT, "at": IndexType.INT, "requests": IndexType.INT},
        (Index("system", ("system", "at")), Index("at", ("at",))),
    ),
    Table("systems", counters=("requests",)),
)
_EVERY_S = 1.0
_SWEEP_EVERY = 60
"""Of the writes: one of so many looks for what is to be removed."""
_RETRY_S = 2.0
_BATCH = 500
_WAITING = 20_000
_SWEEPER = 1_000_000
"""The partition whose checkpoint is the turn to remove; writers count below it."""
_DAY_MS = 86_400_000

_log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """One request: Unix ms of its answer, milliseconds that it took, sizes in bytes."""

    at: int
    method: str
    route: str
    status: int
    code: str
    request_id: str
    duration_ms: float
    received: int
    sent: int


class Place(NamedTuple):
    """Where a page goes on: within a batch, which the two before name."""

    at: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    key: Annotated[str, msgspec.Meta(max_length=64)]
    shown: Annotated[int, msgspec.Meta(ge=0, le=_BATCH)]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


class RequestLog:
    """A part of the gateway: `note` is cheap and never waits; `page` reads what was written."""

    def __init__(
        self,
        store: ReadStore,
        now_ms: Callable[[], int],
        *,
        days: int,
        most_per_system: int,
        writer: int = 0,
    ) -> None:
        """`writer` tells replicas apart where it can; two of one number take turns."""
        self.name = "request_log"
        self._store = store
        self._now_ms = now_ms
        self._days = days
        self._most = most_per_system
        self._writer = writer
        self._waiting: deque[tuple[str, Entry]] = deque()
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._declared = False

    def note(self, system_id: str, entry: Entry) -> None:
        """Keep an answered request for the next write (Q1, Q3)."""
        if not self._days:
            return
        if len(self._waiting) >= _WAITING:
            self._dropped += 1
            return
        self._waiting.append((system_id, entry))

    async def start(self) -> None:
        """Begin to write; a store that is away is waited for beside the requests."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Write what waits, if the store is there. A write under way ends first, lest it be
        done twice."""
        if self._task is None:
            return
        self._stopping.set()
        try:
            async with asyncio.timeout(_RETRY_S):
                await self._task
                await self._declare()
                await self._write()
        except (Unavailable, CheckpointMoved, TimeoutError) as error:
            _log.warning("requests_not_written", count=len(self._waiting), exc_info=error)

    async def page(
        self, system_id: str, place: Place | None, limit: int
    ) -> tuple[list[Entry], Place | None]:
        """A system's requests, the newest first, and where the next page begins (Q5).

        Raises `unavailable`.
        """
        try:
            return await self._page(system_id, place, limit)
        except Unavailable:
            raise DocaxisError("unavailable", retry_after_s=1.0) from None

    async def _page(
        self, system_id: str, place: Place | None, limit: int
    ) -> tuple[list[Entry], Place | None]:
        await self._declare()
        found: list[Entry] = []
        if place is not None and place.shown:
            row = (await self._store.get(SPACE, "batches", [place.key])).get(place.key)
            # The cursor came from outside: another's batch is as good as none.
            if row is not None and row.fields["system"] == system_id:
                following = _take(row, place.shown, limit, found)
                if following is not None:
                    return found, following
            place = Place(place.at, place.key, 0)
            if len(found) == limit:
                return found, place
        while True:
            after = None if place is None else (place.at, place.key)
            rows = await self._store.range(
                SPACE,
                "batches",
                RowRange("system", (system_id,), after=after, descending=True, limit=20),
            )
            for row in rows:
                following = _take(row, 0, limit - len(found), found)
                place = Place(_int(row.fields["at"]), row.key, 0)
                if following is not None:
                    return found, following
                if len(found) == limit:
                    return found, place
            if len(rows) < 20:
                return found, None

    async def _run(self) -> None:
        turns = 0
        while not self._stopping.is_set():
            try:
                await self._declare()
                while not await self._stopped_within(_EVERY_S):
                    await self._write()
                    turns += 1
                    if turns % _SWEEP_EVERY == 1:
                        await self.sweep()
            except CheckpointMoved:
                continue  # another replica of this number, or whose turn it was to remove
            except Unavailable as error:
                _log.warning("request_log_waits", count=len(self._waiting), exc_info=error)
                await self._stopped_within(_RETRY_S)
            except Exception as error:  # noqa: BLE001 - no request shall suffer for its note
                _log.error("request_log_failed", count=len(self._waiting), exc_info=error)
                await self._stopped_within(_RETRY_S)

    async def _declare(self) -> None:
        if not self._declared:
            await self._store.declare(SPACE, _TABLES)
            self._declared = True

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _write(self) -> None:
        """Rule Q2. What could not be written waits on. Raises `Unavailable`, `CheckpointMoved`."""
        if self._dropped:
            _log.warning("requests_not_noted", count=self._dropped)
            self._dropped = 0
        while self._waiting:
            taken = [self._waiting[n] for n in range(min(_WAITING, len(self._waiting)))]
            by_system: defaultdict[str, list[Entry]] = defaultdict(list)
            for system_id, entry in taken:
                by_system[system_id].append(entry)
            rows = [row for each in by_system.items() for row in _rows(*each)]
            counts = [
                Increment(system_id, "requests", len(entries))
                for system_id, entries in by_system.items()
            ]
            await self._apply(self._writer, rows, (), counts)
            for _ in taken:
                self._waiting.popleft()

    async def sweep(self) -> None:
        """Rule Q4. Raises `Unavailable`, and `CheckpointMoved` where another replica removes."""
        old = RowRange("at", at_most=self._now_ms() - self._days * _DAY_MS, limit=_BATCH)
        while rows := await self._store.range(SPACE, "batches", old):
            await self._remove(rows)
        after: tuple[str, ...] | None = None
        while True:
            page = await self._store.range(
                SPACE, "systems", RowRange("", after=after, limit=_BATCH)
            )
            for system in page:
                await self._remove_beyond(system.key, system.counters.get("requests", 0))
            if len(page) < _BATCH:
                return
            after = (page[-1].key,)

    async def _remove_beyond(self, system_id: str, requests: int) -> None:
        while requests > self._most:
            oldest = RowRange("system", (system_id,), limit=20)
            rows = await self._store.range(SPACE, "batches", oldest)
            if not rows:
                return
            going: list[Row] = []
            for row in rows:
                if requests <= self._most:
                    break
                going.append(row)
                requests -= _int(row.fields["requests"])
            await self._remove(going)

    async def _remove(self, rows: Iterable[Row]) -> None:
        removed = list(rows)
        counts = [
            Increment(str(row.fields["system"]), "requests", -_int(row.fields["requests"]))
            for row in removed
        ]
        await self._apply(_SWEEPER, (), [row.key for row in removed], counts)

    async def _apply(
        self,
        partition: int,
        puts: Iterable[Row],
        removals: Iterable[str],
        counts: Iterable[Increment],
    ) -> None:
        start = await self._store.checkpoint(SPACE, partition)
        version = 0 if start is None else start.version
        changes: Mapping[str, Changes] = {
            "batches": Changes(tuple(puts), tuple(removals)),
            "systems": Changes(increments=tuple(counts)),
        }
        end = Position(version + 1, version + 1)
        await self._store.apply(SPACE, partition, start, end, changes)


def _rows(system_id: str, entries: list[Entry]) -> Iterable[Row]:
    for start in range(0, len(entries), _BATCH):
        batch = entries[start : start + _BATCH]
        fields: dict[str, IndexValue] = {
            "system": system_id,
            "at": batch[-1].at,
            "requests": len(batch),
        }
        yield Row(new_id(), _encoder.encode(batch), fields)


def _take(row: Row, shown: int, limit: int, found: list[Entry]) -> Place | None:
    """Add a batch's requests, the newest first; the place where it was cut, if it was."""
    newest_first = _decoder.decode(row.blob)[::-1]
    found += newest_first[shown : shown + limit]
    if shown + limit < len(newest_first):
        return Place(_int(row.fields["at"]), row.key, shown + limit)
    return None


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"not an integer: {value!r}")
    return value
