"""One build of a view: a space that follows a topic's events from its checkpoint on (L24, L27)."""

import asyncio
from collections.abc import Callable, Sequence

from docaxis_eventsourcing.errors import CheckpointMoved, Divergence, Unavailable
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import START, Consumer, EventLog, Position, Recorded
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.view import Rows, View

_LEAST, _MOST = 500, 4_000
"""Records of a batch: of one that keeps up, and of one that is far behind."""
_STEP_GROWS = 10
"""Records that a partition's next step may have more than one that the store took."""
_MOST_BYTES = 4 * 2**20
"""What the data of a larger batch may weigh; chunk events may have 256 KB each (L9)."""


class Projection:
    """Builds one space of a view until cancelled."""

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
        self._told: dict[int, Position] = {}
        self._steps: dict[int, int] = {}
        """Records that each partition brings to the store at once, where it was too slow once."""
        self._limit = _LEAST
        self.health = PartHealth(f"{space}.projection")

    async def run(self) -> None:
        """Ends only by cancellation, or a fault of the view itself."""
        await until_available(self.health, "declaring tables", self._declare)
        consumer = await until_available(self.health, "joining", self._join)
        try:
            while True:
                polled = await until_available(
                    self.health, "polling", lambda: consumer.poll(self._limit, 1.0)
                )
                for partition in polled.revoked:
                    self._at.pop(partition, None)
                for partition in polled.assigned:
                    await self._take(partition, consumer)
                if polled.batch is not None:
                    self._limit = _next_limit(self._limit, polled.batch.records)
                    await self._project(polled.batch.records, consumer)
                self._pass_holes(consumer)
                self.health.working()
        finally:
            await consumer.close()

    async def _declare(self) -> None:
        await self._store.declare(self.space, self._view.tables)

    async def _join(self) -> Consumer:
        return await self._event_log.join(f"docaxis.view.{self.space}", (self._view.topic,))

    async def _take(self, partition: int, consumer: Consumer) -> None:
        at = await until_available(
            self.health,
            f"taking partition {partition}",
            lambda: self._store.checkpoint(self.space, partition),
        )
        end = await until_available(
            self.health,
            f"taking partition {partition}",
            lambda: self._event_log.end(self._view.topic, partition),
        )
        if at is not None and at.place > end.place:
            raise Divergence(
                f"{self.space}/{partition} stands at {at}, the log ends at {end}: it was restored"
                " or exchanged without a new epoch (L4)"
            )
        self._at[partition] = at
        self._tell(partition, at or START)
        consumer.start(partition, {self._view.topic: at or START})

    async def _project(self, records: tuple[Recorded, ...], consumer: Consumer) -> None:
        by_partition: dict[int, list[Recorded]] = {}
        for record in records:
            if record.partition in self._at:
                by_partition.setdefault(record.partition, []).append(record)
        ended = await asyncio.gather(
            *(self._project_partition(at, each) for at, each in by_partition.items()),
            return_exceptions=True,  # a fault in one leaves none of the others behind
        )
        for partition, result in zip(by_partition, ended, strict=True):
            if isinstance(result, CheckpointMoved):
                # Our own apply whose answer was lost, or another replica: go on from where it is.
                await self._take(partition, consumer)
            elif result is not None:
                raise result

    def _pass_holes(self, consumer: Consumer) -> None:
        """Tell that places without a record were passed, too (L28): the checkpoint needs none."""
        for partition, at in self._at.items():
            reached = consumer.reached(self._view.topic, partition)
            if reached.place > max((at or START).place, self._told.get(partition, START).place):
                self._tell(partition, Position((at or START).version, reached.place))

    def _tell(self, partition: int, position: Position) -> None:
        self._told[partition] = position
        self._changed(partition, position)

    async def _project_partition(self, partition: int, records: list[Recorded]) -> None:
        """In steps that the store takes in time: one that it did not is tried again halved."""
        self._check_versions(partition, records)
        step = self._steps.get(partition, _MOST)
        retry = backoff(self.health, "projecting")
        async for _ in retry:
            try:
                while records:
                    await self._apply(partition, records[:step])
                    records = records[step:]
                    self._steps[partition] = step = min(step + _STEP_GROWS, _MOST)
                    retry.reset()
                return
            except Unavailable as error:
                self._steps[partition] = step = max(1, min(step, len(records)) // 2)
                self.health.waiting(str(error))

    async def _apply(self, partition: int, records: Sequence[Recorded]) -> None:
        codec = self._view.codec
        events = [
            (record.envelope, codec.decode(record.envelope.type, record.data))
            for record in records
            if codec.knows(record.envelope.type)
        ]
        wanted: dict[str, dict[str, None]] = {}
        for envelope, event in events:
            for table, key in self._view.keys(event, envelope):
                wanted.setdefault(table, {})[key] = None
        rows = Rows()
        for table, keys in wanted.items():
            rows.load(table, await self._store.get(self.space, table, list(keys)))
        for envelope, event in events:
            self._view.project(rows, event, envelope)
        end = records[-1].after
        await self._store.apply(self.space, partition, self._at[partition], end, rows.changes())
        self._at[partition] = end
        self._tell(partition, end)

    def _check_versions(self, partition: int, records: list[Recorded]) -> None:
        """L16: a view stops at a gap, too. Topics without versions have 0 throughout."""
        version = (self._at[partition] or START).version
        for record in records:
            sequence = record.envelope.sequence
            if sequence and sequence != version + 1:
                raise Divergence(
                    f"{self.space}/{partition}: version {sequence} where {version + 1} is due"
                )
            version = sequence


def _next_limit(limit: int, records: Sequence[Recorded]) -> int:
    """Grows while there is more than was asked for: each batch is a step of every partition.

    It falls back at once where a batch was not full, or became too heavy.
    """
    if len(records) < limit or sum(len(record.data) for record in records) > _MOST_BYTES // 2:
        return _LEAST
    return min(2 * limit, _MOST)
