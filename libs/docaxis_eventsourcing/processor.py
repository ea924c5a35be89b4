"""The processor of a service: its commands, decided in order, exactly once (L6-L17, L21-L23).

A batch: load states -> fetch facts -> decide -> one transaction with events, outcomes and consumed
positions -> keep the changed states. A crash before the last step loses nothing: whoever takes the
partition first folds the missing events.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from docaxis_eventsourcing.decider import Decider, no_timer
from docaxis_eventsourcing.deciding import (
    PartitionDecisions,
    Pending,
    names_needed,
    read_command,
)
from docaxis_eventsourcing.errors import CheckpointMoved, Divergence, Fenced, Unavailable
from docaxis_eventsourcing.folding import catch_up
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import Batch, Consumer, EventLog, Position
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.states import PartitionStates, declare_states
from docaxis_eventsourcing.timers import TIMER_TICK_S, PartitionTimers
from docaxis_eventsourcing.together import together
from docaxis_eventsourcing.topics import ServiceTopics

_log = structlog.get_logger(__name__)


def wall_clock() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Held:
    """A partition that this replica owns and whose states are current."""

    states: PartitionStates
    timers: PartitionTimers
    now: int
    """Log time of the last command decided, or before the first, of the last event (L5)."""
    last_tick: float = 0.0


class Processor:
    """Runs one replica's share of a service's partitions until cancelled."""

    def __init__(
        self,
        decider: Decider,
        codec: MessageCodec,
        log: EventLog,
        store: ReadStore,
        topics: ServiceTopics,
        *,
        batch_limit: int = 500,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self._decider = decider
        self._codec = codec
        self._event_log = log
        self._store = store
        self._topics = topics
        self._batch_limit = batch_limit
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self.health = PartHealth(f"{decider.service}.processor")

    async def run(self) -> None:
        """Take partitions and decide their commands. Ends only by cancellation or a fault."""
        health = self.health
        await until_available(health, "declaring states", self._declare)
        for partition in range(self._event_log.partitions):
            await self._fold_ahead(partition)
        consumer = await until_available(health, "joining", self._join)
        try:
            while True:
                polled = await until_available(
                    health, "polling", lambda: consumer.poll(self._batch_limit, TIMER_TICK_S)
                )
                for partition in polled.revoked:
                    self._held.pop(partition, None)
                for partition in sorted(polled.assigned):
                    await self._take(partition, consumer)
                if polled.batch is not None:
                    await self._work_off(polled.batch, consumer)
                await self._append_due_timers(consumer)
                health.working()
        finally:
            self._held.clear()
            await consumer.close()

    async def _declare(self) -> None:
        await declare_states(self._decider, self._store, self._event_log.epoch)

    async def _join(self) -> Consumer:
        group = f"docaxis.{self._decider.service}.processor"
        return await self._event_log.join(group, self._topics.all_commands)

    def _states(self, partition: int) -> PartitionStates:
        epoch = self._event_log.epoch
        return PartitionStates(self._decider, self._store, partition, epoch=epoch)

    async def _fold_ahead(self, partition: int) -> None:
        """Fold states of a new version up to the end while an older release decides (L26)."""
        states = self._states(partition)
        await until_available(self.health, "reading checkpoints", states.open)
        if not states.is_new:
            return
        async for _ in backoff(self.health, f"folding partition {partition}"):
            try:
                await self._catch_up(states, partition)
                return
            except Unavailable as error:
                self.health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                continue  # another new replica folds it, too: go on from where it is
            except Divergence:
                return  # told when the partition is taken

    async def _catch_up(self, states: PartitionStates, partition: int) -> None:
        topic = self._topics.events
        await catch_up(states, self._event_log, self._decider, self._codec, topic, partition)

    async def _take(self, partition: int, consumer: Consumer) -> None:
        states = self._states(partition)
        async for _ in backoff(self.health, f"taking partition {partition}"):
            try:
                committed = await consumer.committed(partition)  # before the end is asked (L15)
                await self._catch_up(states, partition)
                break
            except Unavailable as error:
                self.health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                continue  # another replica is still keeping its last batch; read again
            except Divergence as error:
                self._stop(partition, consumer, error)
                return
        timers = PartitionTimers(self._decider, self._codec, self._topics, partition, self._clock)
        self._held[partition] = _Held(states, timers, states.now)
        consumer.start(partition, committed)

    def _stop(self, partition: int, consumer: Consumer, error: Divergence) -> None:
        """L16: decide nothing more on this partition; somebody must look."""
        self._held.pop(partition, None)
        consumer.stop(partition)
        self.health.failed(f"partition {partition}: {error}")
        _log.critical("partition_stopped", partition=partition, reason=str(error))

    async def _work_off(self, batch: Batch, consumer: Consumer) -> None:
        """Decide a batch and commit it; after any abort forget it and go back (L12)."""
        async for _ in backoff(self.health, "committing"):
            try:
                decided = await self._decide(batch, consumer)
                outputs = [output for each in decided.values() for output in each.outputs]
                places = await consumer.commit(self._held_part(batch), outputs)
                break
            except Unavailable as error:
                self.health.waiting(str(error))
            except Fenced:
                await consumer.rewind(batch)
                return
        await self._keep_all(decided, places, consumer)

    def _held_part(self, batch: Batch) -> Batch:
        """What was not decided is not committed: a partition that was stopped stays where it is."""
        if all(at.partition in self._held for at in batch.upto):
            return batch
        upto = {at: to for at, to in batch.upto.items() if at.partition in self._held}
        return replace(batch, upto=upto)

    async def _decide(self, batch: Batch, consumer: Consumer) -> Mapping[int, PartitionDecisions]:
        by_partition: dict[int, list[Pending]] = {}
        for record in batch.records:
            pending = read_command(record, self._decider, self._codec)
            by_partition.setdefault(record.partition, []).append(pending)
        held = {at: self._held[at] for at in by_partition if at in self._held}
        ended = await asyncio.gather(
            *(self._decide_partition(at, each, by_partition[at]) for at, each in held.items()),
            return_exceptions=True,
        )
        decided: dict[int, PartitionDecisions] = {}
        for partition, result in zip(held, ended, strict=True):
            if isinstance(result, Divergence):
                self._stop(partition, consumer, result)
            elif isinstance(result, BaseException):
                raise result
            else:
                decided[partition] = result
        return decided

    async def _decide_partition(
        self, partition: int, held: _Held, pendings: list[Pending]
    ) -> PartitionDecisions:
        entries = await held.states.load(names_needed(pendings))
        decisions = PartitionDecisions(
            self._decider,
            self._codec,
            self._topics,
            partition,
            self._event_log.epoch,
            held.states.folder(entries),
            held.now,
        )
        requests = [decisions.request(pending) for pending in pendings]
        sound = [request for request in requests if request.command is not None]
        facts = iter(await together(self._decider.facts, sound))
        for pending, request in zip(pendings, requests, strict=True):
            given = next(facts) if request.command is not None else None
            decisions.decide(pending, request, given)
        return decisions

    async def _keep_all(
        self,
        decided: Mapping[int, PartitionDecisions],
        places: Sequence[Position],
        consumer: Consumer,
    ) -> None:
        """Keep the changed states of a committed batch, all partitions at once."""
        reached = iter(places)
        ends: dict[int, Position] = {}
        for partition, decisions in decided.items():
            self._held[partition].now = decisions.now
            for command_id in decisions.not_yet:
                self._held[partition].timers.again(command_id)
            for output, after in zip(decisions.outputs, reached, strict=False):
                if output.topic == self._topics.events:
                    ends[partition] = after
        kept = await asyncio.gather(
            *(self._keep(at, decided[at], end, consumer) for at, end in ends.items())
        )
        for partition, is_kept in zip(ends, kept, strict=True):
            if not is_kept:  # our own apply whose answer was lost, or another owner: read again
                del self._held[partition]
                consumer.stop(partition)
                await self._take(partition, consumer)

    async def _keep(
        self, partition: int, decisions: PartitionDecisions, end: Position, consumer: Consumer
    ) -> bool:
        """Keep changed states; the store being away pauses everything, without bound (L22).

        False where the partition has to be taken anew.
        """
        states = self._held[partition].states
        try:
            await until_available(
                self.health,
                f"keeping states of partition {partition}",
                lambda: states.save(decisions.fold, end),
            )
        except CheckpointMoved:
            return False
        except Divergence as error:
            self._stop(partition, consumer, error)
        return True

    async def _append_due_timers(self, consumer: Consumer) -> None:
        if self._decider.timer is no_timer:
            return
        tick = time.monotonic()
        for partition, held in list(self._held.items()):
            if tick - held.last_tick < TIMER_TICK_S:
                continue
            held.last_tick = tick
            try:
                await held.timers.append_due(held.states, self._event_log)
            except Unavailable as error:
                self.health.waiting(f"timers of partition {partition}: {error}")
            except Divergence as error:
                self._stop(partition, consumer, error)
