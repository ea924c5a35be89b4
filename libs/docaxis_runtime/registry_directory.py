"""Systems, credentials and locks in memory, as fresh as rule L29 asks.

Each replica that grants authority holds one `SystemDirectory`: it starts from the registry's
snapshot, then follows the registry's events. Every second it asks the log where the events end;
while it has not passed an end that was asked for within the last 5 s, acts of authority are
refused (`unavailable`): a system locked elsewhere might still be let in here.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from docaxis_eventsourcing.errors import Divergence, DocaxisError, Unavailable
from docaxis_eventsourcing.ports.event_log import EventLog, Position, Recorded
from docaxis_proto import registry_v1_pb2
from docaxis_runtime.health import READY
from docaxis_runtime.registry_systems import KnownSystem, SystemsView

if TYPE_CHECKING:
    from docaxis_proto.registry_v1_pb2_grpc import RegistryAsyncStub

EVENTS_TOPIC = "docaxis.registry.events"
FRESH_WITHIN_S = 5.0

_ASK_EVERY_S = 1.0
_RETRY_S = 0.5
_SLICE = 500
_PARTITION = 0
"""The registry has one partition (L3)."""

_log = structlog.get_logger(__name__)


class SystemDirectory:
    """A part that follows the registry; queries are plain dictionary look-ups.

    `wait` (see `lifecycle`) raises what ended it: an event that this release does not know, or a
    gap in the versions (L16); a registry or log that is away is waited for.
    """

    def __init__(
        self,
        registry: "RegistryAsyncStub",
        log: EventLog,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_within_s: float = FRESH_WITHIN_S,
    ) -> None:
        self.name = "system_directory"
        self._registry = registry
        self._log = log
        self._clock = clock
        self._fresh_within_s = fresh_within_s
        self._view = SystemsView()
        self._at = Position(0, 0)
        # Ends that were asked for and are not passed yet, with the moment of asking.
        self._ends: deque[tuple[float, Position]] = deque()
        self._fresh_as_of = float("-inf")
        self._moved = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Take the snapshot, catch up with the log, and follow it. Raises `DocaxisError`."""
        await self._take_snapshot()
        self._tasks = (
            asyncio.create_task(self._follow(), name="system_directory_follow"),
            asyncio.create_task(self._ask(), name="system_directory_ask"),
        )
        await self.catch_up(timeout_s=30.0)

    async def stop(self) -> None:
        """Stop following; what is known stays readable but grows stale."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait(self) -> None:
        """Raise what ended the following."""
        if self._tasks:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    def system(self, system_id: str) -> KnownSystem | None:
        """The system as known here; None where it is not."""
        return self._view.systems.get(system_id)

    def systems_of(self, organisation_id: str) -> tuple[KnownSystem, ...]:
        """The systems that serve an organisation, in no order. Raises `unavailable` when stale."""
        self.require_fresh()
        systems = self._view.systems.values()
        return tuple(each for each in systems if organisation_id in each.organisations)

    def systems(self) -> Sequence[KnownSystem]:
        """All systems and administrators, as known here."""
        return tuple(self._view.systems.values())

    def holder(self, credential_id: str, kind: str) -> KnownSystem | None:
        """The one system that has this certificate or shared secret; None where not just one has:
        what two have proves neither."""
        holders = self._view.holders.get(credential_id, set())
        if len(holders) != 1:
            return None
        (system_id,) = holders
        system = self._view.systems.get(system_id)
        return system if system is not None and system.kinds.get(credential_id) == kind else None

    def served_organisation(self, system_id: str, code: str) -> str | None:
        """Id of the organisation with that present code, if the system serves it.

        None does not mean that it serves none: an alias or a code that was not told here is for
        the registry to resolve.
        """
        system = self._view.systems.get(system_id)
        organisation_id = self._view.ids.get(code)
        if system is None or organisation_id not in system.organisations:
            return None
        return organisation_id

    def code_of(self, organisation_id: str) -> str | None:
        """Present code of an organisation that some system serves; None where it was not told."""
        return self._view.codes.get(organisation_id)

    def serves(self, system_id: str, organisation_id: str) -> bool:
        """Whether a system acts for an organisation. Raises `unavailable` when not fresh."""
        self.require_fresh()
        system = self._view.systems.get(system_id)
        return system is not None and organisation_id in system.organisations

    @property
    def version(self) -> int:
        """The registry's version up to which all is known here."""
        return self._at.version

    @property
    def fresh(self) -> bool:
        """Whether every lock from before 5 s ago is known here (L29)."""
        return self._clock() - self._fresh_as_of <= self._fresh_within_s

    def require_fresh(self) -> None:
        """Raise `unavailable` where it is not fresh."""
        if not self.fresh:
            raise DocaxisError("unavailable", retry_after_s=1.0)

    def word(self) -> str:
        """For the process's health."""
        return READY if self.fresh else "behind the registry"

    async def catch_up(self, *, timeout_s: float = 2.0) -> None:
        """Pass the present end of the registry's events; raises `unavailable` where it cannot.

        For whoever did not find a system: it may have been registered a moment ago.
        """
        try:
            async with asyncio.timeout(timeout_s):
                asked_at = self._clock()
                end = await self._log.end(EVENTS_TOPIC, _PARTITION)
                self._ends.append((asked_at, end))
                self._note_passed()
                await self._reach(end)
        except (TimeoutError, Unavailable):
            raise DocaxisError("unavailable", retry_after_s=1.0) from None

    async def wait_for_version(self, version: int, *, timeout_s: float = 2.0) -> None:
        """Wait until a version is known here; raises `unavailable` after the deadline."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._at.version < version:
                    await self._next_move()
        except TimeoutError:
            raise DocaxisError("unavailable", retry_after_s=1.0) from None

    async def _reach(self, end: Position) -> None:
        while self._at.place < end.place:
            await self._next_move()

    async def _next_move(self) -> None:
        moved = self._moved
        await moved.wait()

    async def _take_snapshot(self) -> None:
        request = registry_v1_pb2.SnapshotSystemsRequest()
        snapshot = await self._registry.SnapshotSystems(request, timeout=30.0)
        self._view = SystemsView.of(snapshot.systems)
        self._at = Position(snapshot.version, snapshot.place)

    async def _follow(self) -> None:
        while True:
            tail = self._log.tail(EVENTS_TOPIC, {_PARTITION: self._at})
            try:
                while True:
                    self._apply(await tail.next(_SLICE, _ASK_EVERY_S))
                    self._move(tail.reached(_PARTITION))
            except Unavailable as error:
                _log.warning("registry_log_unavailable", exc_info=error)
                await asyncio.sleep(_RETRY_S)
            finally:
                with contextlib.suppress(Unavailable):
                    await tail.close()

    async def _ask(self) -> None:
        while True:
            asked_at = self._clock()
            try:
                self._ends.append((asked_at, await self._log.end(EVENTS_TOPIC, _PARTITION)))
                self._note_passed()
            except Unavailable as error:
                _log.warning("registry_end_unavailable", exc_info=error)
            await asyncio.sleep(_ASK_EVERY_S)

    def _apply(self, records: Sequence[Recorded]) -> None:
        for record in records:
            sequence = record.envelope.sequence
            if sequence > self._at.version + 1:
                raise Divergence(f"registry events: {sequence} follows {self._at.version}")
            if sequence == self._at.version + 1:
                self._view.apply(record.envelope.type, record.data)
                self._at = record.after

    def _move(self, reached: Position) -> None:
        # The last places before the end may hold no record: only the tail knows it passed them.
        if reached.place > self._at.place:
            self._at = Position(self._at.version, reached.place)
        self._note_passed()
        self._moved.set()
        self._moved = asyncio.Event()

    def _note_passed(self) -> None:
        while self._ends and self._ends[0][1].place <= self._at.place:
            self._fresh_as_of = max(self._fresh_as_of, self._ends.popleft()[0])
        # A log that stays ahead of us must not fill the memory: the newest ends tell enough.
        while len(self._ends) > 64:
            self._ends.popleft()
