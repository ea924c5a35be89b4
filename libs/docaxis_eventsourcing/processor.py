"""The processor of a service: its commands, decided in order, exactly once (L6-L17, L21-L23).

A batch: put in order (`turns`) -> load states -> fetch facts -> decide -> one transaction with
events, outcomes and consumed positions -> keep the changed states. A crash before the last step
loses nothing: whoever takes the partition first folds the missing events.
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
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import Batch, Consumer, EventLog, Polled, Position
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.states import PartitionStates
from docaxis_eventsourcing.taking import TAKING_LOOK_S, PartitionTaker, Takings
from docaxis_eventsourcing.timers import TIMER_TICK_S, PartitionTimers
from docaxis_eventsourcing.together import together
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_eventsourcing.trimming import TRIM_EVERY_S, CommandTrimming
from docaxis_eventsourcing.turns import in_turns

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
        trim_every_s: float = TRIM_EVERY_S,
    ) -> None:
        self._decider = decider
        self._codec = codec
        self._event_log = log
        self._store = store
        self._topics = topics
        self._batch_limit = batch_limit
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self._trimming = CommandTrimming(log, trim_every_s)
        self.health = PartHealth(f"{decider.service}.processor")
        self._taker = PartitionTaker(decider, codec, log, store, topics, self.health)
        self._takings = Takings(self._taker.take)

    async def run(self) -> None:
        """Take partitions and decide their commands. Ends only by cancellation or a fault."""
        health = self.health
        await until_available(health, "declaring states", self._taker.declare)
        for partition in range(self._event_log.partitions):
            await self._taker.fold_ahead(partition)
        consumer = await until_available(health, "joining", self._join)
        trimming = asyncio.create_task(self._trimming.run(consumer, self._held.keys()))
        try:
            while True:
                polled = await until_available(health, "polling", lambda: self._poll(consumer))
                for partition in polled.revoked:
                    self._held.pop(partition, None)
                    self._takings.drop(partition)
                for partition in sorted(polled.assigned):
                    self._takings.begin(partition, consumer)
                if polled.batch is not None:
                    await self._work_off(polled.batch, consumer)
                self._take_over(consumer)  # not before: the batch is of those held at its poll
                await self._append_due_timers(consumer)
                if not self._takings:
                    health.working()
                if trimming.done():
                    trimming.result()
        except Divergence as error:  # commands that were never decided are gone (L17)
            health.failed(str(error))
            raise
        finally:
            self._held.clear()
            trimming.cancel()
            await asyncio.gather(trimming, self._takings.close(), return_exceptions=True)
            await consumer.close()

    async def _poll(self, consumer: Consumer) -> Polled:
        wait_s = TAKING_LOOK_S if self._takings else TIMER_TICK_S
        return await consumer.poll(self._batch_limit, wait_s)

    async def _join(self) -> Consumer:
        return await self._event_log.join(
            self._topics.processor_group,
            self._topics.all_commands,
            transactional=True,
            at_most=self._topics.at_most,
        )

    def _take_over(self, consumer: Consumer) -> None:
        """Begin to decide the partitions whose states are current now."""
        for partition, taking in self._takings.ended():
            try:
                taken = taking.result()
            except Divergence as error:
                self._stop(partition, consumer, error)
                continue
            timers = PartitionTimers(
                self._decider, self._codec, self._topics, partition, self._clock
            )
            self._held[partition] = _Held(taken.states, timers, taken.states.now)
            consumer.start(partition, taken.committed)

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
        lanes = self._topics.all_commands
        by_partition = {at: in_turns(each, lanes) for at, each in by_partition.items()}
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
                self._takings.begin(partition, consumer)

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
