"""Commands copied to events by worker processes, while somebody does something to them.

Each acknowledged command must become one event, in order, whatever is done.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

from docaxis_adapters.kafka_log import KafkaEventLog
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, EventLog
from tests.cluster.kafka_worker import BROKEN, WorkerSettings
from tests.cluster.kafka_worker_process import WorkerProcess
from tests.contract.messages import COMMANDS, EVENTS, outgoing

_AT_ONCE = 20
_AGAIN_S = 0.05
_COPIED_WITHIN_S = 90.0


class Copiers:
    """Workers by name; one whose client broke is started again, as an orchestrator would."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._running: dict[str, WorkerProcess] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self.broken = 0
        """How many ended by themselves and were started again."""

    async def join(self, name: str) -> None:
        """Start a worker; it copies once it has joined."""
        worker = await WorkerProcess.start(replace(self._settings, replica=name))
        self._running[name] = worker
        self._watching[name] = asyncio.create_task(self._watch(name, worker))
        worker.tell("copy")

    async def leave(self, name: str) -> None:
        """Let a worker leave the group and end."""
        self._watching.pop(name).cancel()
        assert await self._running.pop(name).leave() == 0

    async def kill(self, name: str) -> None:
        """SIGKILL a worker."""
        self._watching.pop(name).cancel()
        await self._running.pop(name).kill()

    async def close(self) -> None:
        """Kill all."""
        for name in list(self._running):
            await self.kill(name)

    async def tell_stacks(self) -> None:
        """Let all write what they do."""
        for worker in self._running.values():
            await worker.tell_stacks()

    def check(self) -> None:
        """Raises where a worker ended that should not have."""
        for watching in self._watching.values():
            if watching.done():
                watching.result()

    async def _watch(self, name: str, worker: WorkerProcess) -> None:
        while True:
            code = await worker.wait()
            assert code == BROKEN, f"{name} ended with {code}"
            self.broken += 1
            worker = self._running[name] = await WorkerProcess.start(worker.settings)
            worker.tell("copy")


class Copying:
    """The commands that were acknowledged, and the events that were seen."""

    def __init__(self, log: EventLog, copiers: Copiers) -> None:
        self._log = log
        self.copiers = copiers
        self._written: defaultdict[int, list[str]] = defaultdict(list)
        self._acknowledged: set[str] = set()
        self._seen: set[str] = set()
        self._unsure: set[str] = set()
        """Appends that failed: nobody knows whether they are there."""
        self.events: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        """By partition: id and version, as a reader sees them."""
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read the events."""
        self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def under(self, count: int, fault: Callable[[], Awaitable[object]]) -> None:
        """Append so many commands; do something when a third is copied, and wait for the rest."""
        before, copied = self.acknowledged, self.copied
        writing = asyncio.create_task(self._write(count))
        await self._until(lambda: self.copied >= copied + count // 3, writing)
        await fault()
        await self._until(
            lambda: writing.done() and self.copied >= copied + self.acknowledged - before, writing
        )

    @property
    def acknowledged(self) -> int:
        """How many commands were."""
        return len(self._acknowledged)

    @property
    def copied(self) -> int:
        """How many different events were seen of commands that were acknowledged."""
        return len(self._seen & self._acknowledged)

    async def _until(self, is_so: Callable[[], bool], writing: asyncio.Task[None]) -> None:
        until = monotonic() + _COPIED_WITHIN_S
        while not is_so():
            self.copiers.check()
            for task in (writing, self._reading):
                if task is not None and task.done():
                    task.result()
            if monotonic() > until:
                await self.copiers.tell_stacks()
                raise AssertionError(f"{self.copied} of {self.acknowledged} were copied")
            await asyncio.sleep(_AGAIN_S)

    async def _write(self, count: int) -> None:
        done = 0
        while done < count:
            first = self.acknowledged + len(self._unsure)
            names = [f"{first + i}" for i in range(_AT_ONCE)]
            partition = (first // _AT_ONCE) % self._log.partitions
            try:
                await self._log.append([outgoing(name, partition) for name in names])
            except Unavailable:
                self._unsure.update(names)
                await asyncio.sleep(_AGAIN_S)
            else:
                self._written[partition] += names
                self._acknowledged.update(names)
                done += len(names)

    async def _read(self) -> None:
        tail = self._log.tail(EVENTS, dict.fromkeys(range(self._log.partitions), START))
        while True:
            try:
                for record in await tail.next(1000, 1):
                    name = record.envelope.id.removeprefix("of-")
                    self.events[record.partition].append((name, record.envelope.sequence))
                    self._seen.add(name)
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)

    def check(self) -> None:
        """Each acknowledged command once, in order; versions without gaps. Raises otherwise."""
        for at, written in self._written.items():
            names = [name for name, _ in self.events[at]]
            assert [name for name in names if name not in self._unsure] == written
            assert Counter(names).most_common(1)[0][1] == 1, "a command that was not acknowledged"
            assert [version for _, version in self.events[at]] == list(range(1, len(names) + 1))


@asynccontextmanager
async def copying(log: KafkaEventLog, settings: WorkerSettings) -> AsyncIterator[Copying]:
    """A log whose commands are copied by three workers, `a`, `b` and `c`."""
    await log.declare((COMMANDS, EVENTS))
    copiers = Copiers(settings)
    found = Copying(log, copiers)
    try:
        for name in "abc":
            await copiers.join(name)
        await found.start()
        yield found
    finally:
        await copiers.close()
        await found.close()
