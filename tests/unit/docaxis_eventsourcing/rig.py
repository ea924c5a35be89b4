"""A running kernel for tests: log, store, and whichever parts a test starts, on real adapters."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_adapters.sqlite_store.unkindness import StoreUnkindness
from docaxis_eventsourcing.decider import Command, Decider
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import CheckpointMoved, Unavailable
from docaxis_eventsourcing.folding import catch_up
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.event_log import START, EventLog, Outgoing, Recorded
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.states import PartitionStates
from docaxis_eventsourcing.topics import OUTCOMES_KEPT_S
from docaxis_proto.kernel_v1_pb2 import Outcome
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS, aggregates, decider, partition


@dataclass
class Rig:
    """A log and a store in a folder, opened anew at will, and the parts that run on them."""

    folder: Path
    seed: int = 0
    """0: kind adapters; else the seed of their unkindness (L33)."""
    partitions: int = 12
    log: EventLog = field(init=False)
    store: ReadStore = field(init=False)
    _running: list[asyncio.Task[None]] = field(default_factory=list)
    _adapters: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        """Open log and store."""
        log = await SqliteEventLog.open(
            self.folder / "log",
            self.partitions,
            synchronous="OFF",
            unkindness=Unkindness(seed=self.seed) if self.seed else None,
        )
        self._adapters.push_async_callback(log.close)
        await log.declare((*TOPICS.all_commands, TOPICS.events))
        await log.declare((TOPICS.outcomes,), kept_s=OUTCOMES_KEPT_S)
        store = await SqliteReadStore.open(
            self.folder / "store.sqlite",
            synchronous="OFF",
            unkindness=StoreUnkindness(seed=self.seed) if self.seed else None,
        )
        self._adapters.push_async_callback(store.close)
        self.log, self.store = log, store

    def start(self, part: Any) -> asyncio.Task[None]:
        """Run a part until the rig stops, or until its task is stopped."""
        run: Coroutine[Any, Any, None] = part.run()
        task = asyncio.create_task(run)
        self._running.append(task)
        return task

    async def stop(self, *tasks: asyncio.Task[None]) -> None:
        """Cancel parts (all of them by default) and wait for their end; their faults come up."""
        for task in tasks or tuple(self._running):
            task.cancel()
            self._running.remove(task)
            with suppress(asyncio.CancelledError):
                await task

    async def close(self) -> None:
        """Stop everything."""
        try:
            await self.stop()
        finally:
            await self._adapters.aclose()

    async def restart(self) -> None:
        """Close all and open log and store again, as a new process would."""
        await self.close()
        await self.open()

    def processor(self, of: Decider | None = None, **settings: Any) -> Processor:
        """A processor of the bank; not yet started."""
        return Processor(of or decider(), CODEC, self.log, self.store, TOPICS, **settings)

    def door(self, **settings: Any) -> FrontDoor:
        """A front door of the bank; not yet started."""
        return FrontDoor(self.log, TOPICS, CODEC, **{"wait_s": 20.0, **settings})

    async def append(self, command: Command, **attributes: Any) -> str:
        """Append a command that nobody waits for; tells its id."""
        name, data = CODEC.encode(command)
        envelope = Envelope(**{"id": new_id(), "type": name, "source": "test", **attributes})
        at = partition(aggregates(command)[0].partition("/")[2], self.partitions)
        await self.log.append([Outgoing(TOPICS.commands(), at, Message(envelope, data))])
        return envelope.id

    async def states(self, of: Decider, at: int) -> PartitionStates:
        """The states of a partition, folded up to the end, whatever misfortunes come."""
        states = PartitionStates(of, self.store, at, epoch=self.log.epoch)
        while True:
            with suppress(Unavailable, CheckpointMoved):
                await catch_up(states, self.log, of, CODEC, TOPICS.events, at)
                return states

    async def fold(self, of: Decider) -> None:
        """Fold all partitions' states up to the end."""
        for at in range(self.partitions):
            await self.states(of, at)

    async def records(self, topic: str = TOPICS.events) -> list[Recorded]:
        """All that the log holds of a topic, partition by partition."""
        found: list[Recorded] = []
        for at in range(self.partitions):
            end = await self.log.end(topic, at)
            tail = self.log.tail(topic, {at: START})
            while tail.reached(at).place < end.place:
                found += await tail.next(1000, 1.0)
            await tail.close()
        return found


async def ask(door: FrontDoor, command: Command, command_id: str = "", **kw: Any) -> Any:
    """Ask and read the answer; raises the refusal."""
    outcome = await outcome_of(door, command, command_id, **kw)
    assert outcome is not None, "not decided within the wait"
    return answer_of(outcome, CODEC)


async def outcome_of(
    door: FrontDoor, command: Command, command_id: str = "", **kw: Any
) -> Outcome | None:
    """Ask with a new id, or the given one, on the command's partition."""
    at = partition(aggregates(command)[0].partition("/")[2])
    return await door.ask(command, command_id=command_id or new_id(), partition=at, **kw)


async def until(condition: Callable[[], bool | Awaitable[bool]], wait_s: float = 20.0) -> None:
    """Wait for something that can only be seen by looking."""
    async with asyncio.timeout(wait_s):
        while True:
            met = condition()
            if met is True or (not isinstance(met, bool) and await met):
                return
            await asyncio.sleep(0.005)


def check_versions(events: list[Recorded]) -> None:
    """L3: versions run from 1 without gaps in each partition, and log time never backwards."""
    last: Counter[int] = Counter()
    now: Counter[int] = Counter()
    for record in events:
        last[record.partition] += 1
        assert record.envelope.sequence == last[record.partition], (
            f"partition {record.partition} has version {record.envelope.sequence}"
            f" where {last[record.partition]} is due"
        )
        assert record.envelope.time >= now[record.partition], "log time runs backwards"
        now[record.partition] = record.envelope.time


def check_once(events: list[Recorded], commands: set[str]) -> None:
    """Every acknowledged command gave exactly one event, and no other event is there."""
    causes = Counter(record.envelope.causation_id for record in events)
    assert {cause for cause, times in causes.items() if times > 1} == set(), "decided twice"
    assert commands - set(causes) == set(), "acknowledged and lost"


@asynccontextmanager
async def running(folder: Path, seed: int = 0, **settings: Any) -> AsyncIterator[Rig]:
    """A rig, open."""
    rig = Rig(folder, seed, **settings)
    await rig.open()
    try:
        yield rig
    finally:
        await rig.close()
