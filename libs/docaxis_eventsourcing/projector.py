"""Projectors: events become views; a new build reads from the start beside the serving one.

`ViewRunner` serves a view: queries read its current space through `ViewReader`. Where the view's
version is new, or a rebuild is asked for, another build starts at offset 0 beside the serving one
and takes over when it has caught up (blue/green); then the old space is dropped.
"""

import asyncio
from collections.abc import Callable

import structlog

from docaxis_eventsourcing.active_spaces import Active, ActiveSpaces
from docaxis_eventsourcing.errors import CheckpointMoved, Fenced, Unavailable
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import (
    START,
    Consumer,
    EventLog,
    Position,
    Recorded,
)
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader

_log = structlog.get_logger(__name__)

_LIMIT = 500


class Projection:
    """Builds one space of a view, from its checkpoint on, until cancelled."""

    def __init__(
        self,
        view: View,
        space: str,
        log: EventLog,
        store: ReadStore,
        changed: Callable[[int, Position], None],
    ) -> None:
        """`changed` is called with a partition and its position after each apply."""
        self._view = view
        self.space = space
        self._event_log = log
        self._store = store
        self._changed = changed
        self._at: dict[int, Position | None] = {}
        self.health = PartHealth(f"{view.full_name}.projection")

    async def run(self) -> None:
        """Ends only by cancellation, or a fault of the view itself."""
        await self._store.declare(self.space, self._view.tables)
        consumer = await self._event_log.join(f"docaxis.view.{self.space}", (self._view.topic,))
        try:
            while True:
                polled = await consumer.poll(_LIMIT, 1.0)
                for partition in polled.revoked:
                    self._at.pop(partition, None)
                for partition in polled.assigned:
                    await self._take(partition, consumer)
                if polled.batch is not None:
                    await self._project(polled.batch.records, consumer)
                self.health.working()
        finally:
            await consumer.close()

    async def _take(self, partition: int, consumer: Consumer) -> None:
        async for _ in backoff(self.health, f"taking partition {partition}"):
            try:
                at = await self._store.checkpoint(self.space, partition)
                break
            except Unavailable as error:
                self.health.waiting(str(error))
        self._at[partition] = at
        self._changed(partition, at or START)
        consumer.start(partition, {self._view.topic: at or START})

    async def _project(self, records: tuple[Recorded, ...], consumer: Consumer) -> None:
        by_partition: dict[int, list[Recorded]] = {}
        for record in records:
            by_partition.setdefault(record.partition, []).append(record)
        await asyncio.gather(
            *(
                self._project_partition(partition, each, consumer)
                for partition, each in by_partition.items()
                if partition in self._at
            )
        )

    async def _project_partition(
        self, partition: int, records: list[Recorded], consumer: Consumer
    ) -> None:
        events = [
            (record.envelope, self._view.codec.decode(record.envelope.type, record.data))
            for record in records
            if self._view.codec.knows(record.envelope.type)
        ]
        wanted: dict[str, dict[str, None]] = {}
        for envelope, event in events:
            for table, key in self._view.keys(event, envelope):
                wanted.setdefault(table, {})[key] = None
        end = records[-1].after
        async for _ in backoff(self.health, "projecting"):
            try:
                rows = Rows()
                for table, keys in wanted.items():
                    rows.load(table, await self._store.get(self.space, table, list(keys)))
                for envelope, event in events:
                    self._view.project(rows, event, envelope)
                await self._store.apply(
                    self.space, partition, self._at[partition], end, rows.changes()
                )
                break
            except Unavailable as error:
                self.health.waiting(str(error))
            except (CheckpointMoved, Fenced):
                await self._take(partition, consumer)  # another replica went on; so do we
                return
        self._at[partition] = end
        self._changed(partition, end)


class ViewRunner:
    """Keeps a view served: runs its build, and a second one beside it during a rebuild."""

    def __init__(self, view: View, log: EventLog, store: ReadStore) -> None:
        self._view = view
        self._event_log = log
        self._store = store
        self._pointers = ActiveSpaces(store)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rebuilding = asyncio.Lock()
        self.reader = ViewReader(view.full_name, view.topic, log, store)
        self.health = PartHealth(f"{view.full_name}.view")

    async def run(self) -> None:
        """Serve until cancelled; a new version is built before it is served."""
        try:
            async for _ in backoff(self.health, "opening"):
                try:
                    await self._pointers.open()
                    active = await self._pointers.get(self._view.full_name)
                    break
                except Unavailable as error:
                    self.health.waiting(str(error))
            if active is not None and active.version == self._view.version:
                self._start(active.space)
                self.reader.serve(active.space)
                self.health.working()
            else:
                await self.rebuild(self._view)
            while True:
                await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in self._tasks.values() if task.done()]:
                    if not task.cancelled():
                        task.result()  # a fault of the view: let it be seen
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def rebuild(self, view: View | None = None) -> str:
        """Build the view again (or its new version) from the start, beside the one that serves.

        Returns the new space once it has caught up and serves; queries never see a gap.
        """
        async with self._rebuilding:
            view = view or self._view
            active = await self._pointers.get(view.full_name)
            generation = active.generation + 1 if active else 1
            space = view.space(generation)
            await self._store.drop(space)  # what an interrupted rebuild left
            passed: dict[int, Position] = {}
            beside = asyncio.Event()

            def changed(partition: int, position: Position) -> None:
                passed[partition] = position
                beside.set()
                if self.reader.space == space:
                    self.reader.changed(partition, position)

            self._view = view
            building = self._start(space, changed)
            await self._until_caught_up(building, passed, beside)
            await self._pointers.switch(view.full_name, Active(space, view.version, generation))
            for partition, position in passed.items():
                self.reader.changed(partition, position)
            self.reader.serve(space)
            self.health.working()
            _log.info("view_took_over", view=view.full_name, space=space)
            if active is not None:
                await self._end(active.space)
                await self._store.drop(active.space)
            return space

    async def _until_caught_up(
        self, building: asyncio.Task[None], passed: dict[int, Position], beside: asyncio.Event
    ) -> None:
        catching_up = asyncio.create_task(self._caught_up(passed, beside))
        try:
            await asyncio.wait((building, catching_up), return_when=asyncio.FIRST_COMPLETED)
            if building.done():
                building.result()  # a fault of the new version: the old one goes on serving
            await catching_up
        finally:
            catching_up.cancel()

    async def _caught_up(self, passed: dict[int, Position], beside: asyncio.Event) -> None:
        for partition in range(self._event_log.partitions):
            end = await self._event_log.end(self._view.topic, partition)
            while passed.get(partition, START).version < end.version:
                beside.clear()
                await beside.wait()

    def _start(
        self, space: str, changed: Callable[[int, Position], None] | None = None
    ) -> asyncio.Task[None]:
        report = changed or self.reader.changed
        projection = Projection(self._view, space, self._event_log, self._store, report)
        task = asyncio.create_task(projection.run(), name=space)
        self._tasks[space] = task
        return task

    async def _end(self, space: str) -> None:
        task = self._tasks.pop(space, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
