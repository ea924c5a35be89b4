"""Projectors: events become views; a new build reads from the start beside the serving one.

`ViewRunner` serves a view: queries read its current space through `ViewReader`. Where the view's
version or the log's epoch is new, or a rebuild is asked for, another build starts at offset 0
beside the serving one and takes over when it has caught up (blue/green); then the old space is
dropped. A build that fails or is interrupted leaves the old one serving.
"""

import asyncio
from contextlib import suppress

import structlog

from docaxis_eventsourcing.active_spaces import Active, ActiveSpaces
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.parts import PartHealth, until_available
from docaxis_eventsourcing.ports.event_log import START, EventLog, Position
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.projection import Projection
from docaxis_eventsourcing.reaching import has_reached
from docaxis_eventsourcing.view import View
from docaxis_eventsourcing.view_reader import ViewReader

_log = structlog.get_logger(__name__)

_LOOK_S = 0.1
_FOLLOW_S = 5.0
"""How often a runner looks whether another replica's rebuild took over."""


class _Build:
    """A space being projected, and how far each partition came."""

    def __init__(
        self,
        view: View,
        space: str,
        log: EventLog,
        store: ReadStore,
        reader: ViewReader,
    ) -> None:
        self.view = view
        self.space = space
        self.passed: dict[int, Position] = {}
        self.moved = asyncio.Event()
        self._reader = reader
        self._projection = Projection(view, space, log, store, self._changed)
        self.task = asyncio.create_task(self._projection.run(), name=space)

    @property
    def health(self) -> PartHealth:
        """How the projection is."""
        return self._projection.health

    def serves(self, health: PartHealth) -> None:
        """From now on its health is the view's."""
        self._projection.health = health

    def _changed(self, partition: int, position: Position) -> None:
        self.passed[partition] = position
        self.moved.set()
        if self._reader.space == self.space:
            self._reader.changed(partition, position)

    async def pass_end(
        self, log: EventLog, partition: int, end: Position, store: ReadStore | None = None
    ) -> None:
        """Wait until all before `end` was projected. Raises the view's fault where it has one.

        With a `store` another replica may project the partition: its checkpoint tells.
        """
        topic = self.view.topic
        while True:
            self.moved.clear()  # before looking: what comes while we look is not missed
            if await has_reached(log, topic, partition, self.passed.get(partition, START), end):
                return
            if store is not None:
                stored = await until_available(
                    self.health, "following", lambda: store.checkpoint(self.space, partition)
                )
                if stored and await has_reached(log, topic, partition, stored, end):
                    return
            moved = asyncio.create_task(self.moved.wait())
            try:
                await asyncio.wait(
                    (moved, self.task), timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                moved.cancel()
            if self.task.done():
                self.check()

    def check(self) -> None:
        """Raise what the build ended with."""
        if self.task.cancelled():
            raise Unavailable(f"the build of {self.space} was stopped")
        self.task.result()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))


class ViewRunner:
    """Keeps a view served: runs its build, and a second one beside it during a rebuild."""

    def __init__(
        self, view: View, log: EventLog, store: ReadStore, *, drop_after_s: float = 0.0
    ) -> None:
        """`drop_after_s`: how long the space before stays after a rebuild, for other replicas."""
        self._view = view
        self._event_log = log
        self._store = store
        self._drop_after_s = drop_after_s
        self._pointers = ActiveSpaces(store)
        self._serving: _Build | None = None
        self._rebuilding = asyncio.Lock()
        self.reader = ViewReader(view.full_name, view.topic, log, store)
        self.health = PartHealth(f"{view.full_name}.view")

    @property
    def view(self) -> View:
        """The view as it serves."""
        return self._view

    async def run(self) -> None:
        """Serve until cancelled; a new version is built before it is served."""
        dropping: asyncio.Task[None] | None = None
        try:
            await until_available(self.health, "opening", self._pointers.open)
            active = await self._active()
            if active is not None and self._fits(active):
                self._serve(self._start(self._view, active.space))
            else:
                await self._rebuilt(self._view)
                # Beside the watch: another replica that built at the same time may take over.
                dropping = asyncio.create_task(self._drop_older())
            while True:
                await self._watch()
                if dropping is not None and dropping.done():
                    dropping.result()
        except Exception as error:
            self.health.failed(repr(error))
            raise
        finally:
            if dropping is not None:
                dropping.cancel()
                await asyncio.gather(dropping, return_exceptions=True)
            if self._serving is not None:
                await self._serving.end()

    async def rebuild(self, view: View | None = None) -> str:
        """Build the view again (or its new version) from the start, beside the one that serves.

        Returns the new space once it serves and the one before was dropped; queries never see a
        gap. Raises the fault of a view that has one: the old build goes on serving.
        """
        space = await self._rebuilt(view or self._view)
        await self._drop_older()
        return space

    async def _rebuilt(self, view: View) -> str:
        """The new space, once it has caught up and serves."""
        async with self._rebuilding:
            generation = await until_available(
                self.health, "rebuilding", lambda: self._pointers.claim(view.full_name)
            )
            build = self._start(view, view.space(generation))
            try:
                await self._until_caught_up(build)
                await self._take_over(build, generation)
            except BaseException:
                await self._abandon(build)
                raise
            return build.space

    async def _watch(self) -> None:
        """See the serving build's fault, and another replica's rebuild."""
        serving = self._serving
        if serving is None:
            raise Unavailable(f"{self._view.full_name} is not served")
        await asyncio.wait((serving.task,), timeout=_FOLLOW_S)
        async with self._rebuilding:
            if serving is not self._serving:
                return
            active = await self._active()
            if active and active.space != serving.space and self._fits(active):
                await self._follow(active.space, serving)
            elif serving.task.done():
                serving.check()

    async def _follow(self, space: str, serving: _Build) -> None:
        """Serve what another replica built, as soon as it is where this one stands.

        Until then queries see the build before, which goes on; the last step stops it.
        """
        build = self._start(self._view, space)
        try:
            await self._until_no_less(build)
            await serving.end()
            self.reader.hold()
            await self._until_no_less(build)
        except BaseException as error:
            await build.end()
            active = await self._active() if isinstance(error, Exception) else None
            if active and active.space != space:
                return  # yet another took over meanwhile: that one is followed next
            raise
        self._serve(build)

    async def _active(self) -> Active | None:
        return await until_available(
            self.health, "opening", lambda: self._pointers.get(self._view.full_name)
        )

    def _fits(self, active: Active) -> bool:
        """Whether a space is of this version, and of the log as it is now (L4)."""
        return (active.version, active.epoch) == (self._view.version, self._event_log.epoch)

    def _start(self, view: View, space: str) -> _Build:
        return _Build(view, space, self._event_log, self._store, self.reader)

    def _serve(self, build: _Build) -> None:
        self._serving, self._view = build, build.view
        build.serves(self.health)
        self.reader.serve(build.space, build.passed)
        self.health.working()

    async def _until_caught_up(self, build: _Build) -> None:
        for partition in range(self._event_log.partitions):
            end = await until_available(
                build.health,
                "catching up",
                lambda at=partition: self._event_log.end(build.view.topic, at),  # type: ignore[misc]
            )
            await build.pass_end(self._event_log, partition, end)

    async def _take_over(self, build: _Build, generation: int) -> None:
        """The old build stops first: the new one has to be where it stands (no query sees less)."""
        if self._serving is not None:
            await self._serving.end()
            self.reader.hold()
            await self._until_no_less(build)
        active = Active(build.space, build.view.version, generation, self._event_log.epoch)
        # Of two replicas that build at once the last one's pointer counts; the other follows it.
        await until_available(
            build.health, "taking over", lambda: self._pointers.switch(build.view.full_name, active)
        )
        self._serve(build)
        _log.info("view_took_over", view=build.view.full_name, space=build.space)

    async def _until_no_less(self, build: _Build) -> None:
        """Wait until a build has passed all that queries here may have seen so far (L28)."""
        for partition, seen in dict(self.reader.passed).items():
            await build.pass_end(self._event_log, partition, seen, self._store)

    async def _abandon(self, build: _Build) -> None:
        """Leave the old build serving, unless the pointer was moved already."""
        if self._serving is build:
            return
        await build.end()
        with suppress(Unavailable):  # what is left is dropped by the next rebuild
            active = await self._pointers.get(build.view.full_name)
            if active is None or active.space != build.space:
                await self._store.drop(build.space)
        old = self._serving
        if old is not None and old.task.done():
            self._serve(self._start(old.view, old.space))

    async def _drop_older(self) -> None:
        """Drop the space before, and what interrupted rebuilds left; a younger claim stays.

        Not before other replicas had the time to follow. Where another replica's build took over
        meanwhile, what serves is that: nothing is dropped but what is older than it, too.
        """
        await asyncio.sleep(self._drop_after_s)
        active = await self._active()
        if active is None:
            return
        for space in await until_available(self.health, "dropping", self._store.spaces):
            older = self._view.generation_of(space)
            if older is not None and older < active.generation:
                await until_available(
                    self.health,
                    "dropping",
                    lambda space=space: self._store.drop(space),  # type: ignore[misc]
                )
