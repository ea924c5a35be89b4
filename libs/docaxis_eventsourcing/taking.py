"""Taking partitions (L15): committed position, then the events' end, then fold until it is passed.

It is done beside the decisions, one task a partition: where a dead owner left a transaction open,
its events cannot be folded until the broker has ended it, and nobody else waits for that.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docaxis_eventsourcing.decider import Decider
from docaxis_eventsourcing.errors import CheckpointMoved, Divergence, Unavailable
from docaxis_eventsourcing.folding import catch_up
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import Consumer, EventLog, Position
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.states import PartitionStates, declare_states
from docaxis_eventsourcing.topics import ServiceTopics

TAKING_LOOK_S = 0.02
"""How long a poll waits while partitions are being taken, so that none waits long to be decided."""

_LONGEST_WAIT_S = 1.0
"""Between two attempts: an open transaction ends within seconds, and its partition is idle."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition whose states are current, and from where its commands are to be decided."""

    states: PartitionStates
    committed: Mapping[str, Position]


class PartitionTaker:
    """Makes the states of partitions current."""

    def __init__(
        self,
        decider: Decider,
        codec: MessageCodec,
        log: EventLog,
        store: ReadStore,
        topics: ServiceTopics,
        health: PartHealth,
    ) -> None:
        self._decider = decider
        self._codec = codec
        self._event_log = log
        self._store = store
        self._topics = topics
        self._health = health

    async def declare(self) -> None:
        """Create the states' tables where they are missing. Raises `Unavailable`."""
        await declare_states(self._decider, self._store, self._event_log.epoch)

    async def fold_ahead(self, partition: int) -> None:
        """Fold states of a new version up to the end while an older release decides (L26)."""
        states = self._states(partition)
        await until_available(self._health, "reading checkpoints", states.open)
        if not states.is_new:
            return
        async for _ in backoff(self._health, f"folding partition {partition}"):
            try:
                await self._catch_up(states, partition)
                return
            except Unavailable as error:
                self._health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                continue  # another new replica folds it, too: go on from where it is
            except Divergence:
                return  # told when the partition is taken

    async def take(self, partition: int, consumer: Consumer) -> Taken:
        """Wait, without bound, until all that earlier owners decided is folded.

        Raises `Divergence` (L4, L16).
        """
        states = self._states(partition)
        retry = backoff(self._health, f"taking partition {partition}", _LONGEST_WAIT_S)
        while True:
            await anext(retry)
            try:
                committed = await consumer.committed(partition)  # before the end is asked (L15)
                await self._catch_up(states, partition)
                return Taken(states, committed)
            except Unavailable as error:
                self._health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                continue  # another replica is still keeping its last batch; read again

    def _states(self, partition: int) -> PartitionStates:
        epoch = self._event_log.epoch
        return PartitionStates(self._decider, self._store, partition, epoch=epoch)

    async def _catch_up(self, states: PartitionStates, partition: int) -> None:
        topic = self._topics.events
        await catch_up(states, self._event_log, self._decider, self._codec, topic, partition)


class Takings:
    """The partitions that are being taken. Used by the task that polls, which alone takes over."""

    def __init__(self, take: Callable[[int, Consumer], Coroutine[Any, Any, Taken]]) -> None:
        self._take = take
        self._tasks: dict[int, asyncio.Task[Taken]] = {}
        self._dropped: set[asyncio.Task[Taken]] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def begin(self, partition: int, consumer: Consumer) -> None:
        """Take a partition that was won, anew where it is being taken already.

        The one before may have asked for the committed position of an earlier tenure.
        """
        self.drop(partition)
        self._tasks[partition] = asyncio.create_task(
            self._take(partition, consumer), name=f"taking partition {partition}"
        )

    def drop(self, partition: int) -> None:
        """Take it no more: it was lost. Harmless where it is not being taken.

        A fold that was under way may still keep its last step: whoever takes the partition next
        finds a checkpoint that moved, and reads again (L24).
        """
        task = self._tasks.pop(partition, None)
        if task is not None:
            task.cancel()
            self._dropped.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[Taken]") -> None:
        self._dropped.discard(task)
        if not task.cancelled():
            task.exception()  # whatever it was, the next owner meets it

    def ended(self) -> Iterator[tuple[int, "asyncio.Task[Taken]"]]:
        """Partitions that are taken, or cannot be; each is told once."""
        for partition in [at for at, task in self._tasks.items() if task.done()]:
            yield partition, self._tasks.pop(partition)

    async def close(self) -> None:
        """Drop all, and wait until nothing is under way."""
        for partition in list(self._tasks):
            self.drop(partition)
        await asyncio.gather(*self._dropped, return_exceptions=True)
