"""The processor of a service: its commands, decided in order, exactly once (L6-L17, L21-L23).

A batch: load states -> fetch facts -> decide -> one transaction with events, outcomes and consumed
positions -> keep the changed states. A crash before the last step loses nothing: whoever takes the
partition first folds the missing events.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from docaxis_eventsourcing.decider import Decider, no_timer
from docaxis_eventsourcing.deciding import (
    PartitionDecisions,
    Pending,
    names_needed,
    read_command,
)
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import CheckpointMoved, Divergence, Fenced, Unavailable
from docaxis_eventsourcing.folding import catch_up
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import Batch, Consumer, EventLog, Outgoing, Position
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.states import PartitionStates, declare_states
from docaxis_eventsourcing.topics import ServiceTopics

_log = structlog.get_logger(__name__)

TIMER_TICK_S = 1.0
TIMER_REPEAT_MS = 60_000
"""A timer's command that was not decided within this is appended again; its id is the same."""


def wall_clock() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Held:
    """A partition that this replica owns and whose states are current."""

    states: PartitionStates
    now: int = 0
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
        self._timers_sent: dict[str, int] = {}
        self.health = PartHealth(f"{decider.service}.processor")

    async def run(self) -> None:
        """Take partitions and decide their commands. Ends only by cancellation or a fault."""
        await declare_states(self._decider, self._store)
        consumer = await self._event_log.join(
            f"docaxis.{self._decider.service}.processor", self._topics.all_commands
        )
        try:
            while True:
                polled = await consumer.poll(self._batch_limit, TIMER_TICK_S)
                for partition in polled.revoked:
                    self._held.pop(partition, None)
                for partition in sorted(polled.assigned):
                    await self._take(partition, consumer)
                if polled.batch is not None:
                    await self._work_off(polled.batch, consumer)
                await self._append_due_timers()
                self.health.working()
        finally:
            await consumer.close()

    async def _take(self, partition: int, consumer: Consumer) -> None:
        states = PartitionStates(self._decider, self._store, partition)
        async for _ in backoff(self.health, f"taking partition {partition}"):
            try:
                committed = await consumer.committed(partition)  # before the end is asked (L15)
                await catch_up(
                    states,
                    self._event_log,
                    self._decider,
                    self._codec,
                    self._topics.events,
                    partition,
                )
                break
            except Unavailable as error:
                self.health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                continue  # another replica is still keeping its last batch; read again
            except Divergence as error:
                self.health.failed(f"partition {partition}: {error}")
                _log.critical("partition_stopped", partition=partition, reason=str(error))
                return
        self._held[partition] = _Held(states)
        consumer.start(partition, committed)

    async def _work_off(self, batch: Batch, consumer: Consumer) -> None:
        """Decide a batch and commit it; after any abort forget it and go back (L12)."""
        async for _ in backoff(self.health, "committing"):
            try:
                decided = await self._decide(batch)
                outputs = [output for each in decided.values() for output in each.outputs]
                places = await consumer.commit(batch, outputs)
                break
            except Unavailable as error:
                self.health.waiting(str(error))
            except Fenced:
                await consumer.rewind(batch)
                return
        reached = iter(places)
        for partition, decisions in decided.items():
            after = [next(reached) for _ in decisions.outputs]
            await self._keep(partition, decisions, after, consumer)

    async def _decide(self, batch: Batch) -> Mapping[int, PartitionDecisions]:
        by_partition: dict[int, list[Pending]] = {}
        for record in batch.records:
            pending = read_command(record, self._decider, self._codec)
            by_partition.setdefault(record.partition, []).append(pending)
        return {
            partition: await self._decide_partition(partition, pendings)
            for partition, pendings in by_partition.items()
            if partition in self._held
        }

    async def _decide_partition(
        self, partition: int, pendings: list[Pending]
    ) -> PartitionDecisions:
        held = self._held[partition]
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
        facts = iter(await self._decider.facts(sound))
        for pending, request in zip(pendings, requests, strict=True):
            given = next(facts) if request.command is not None else None
            decisions.decide(pending, request, given)
        return decisions

    async def _keep(
        self,
        partition: int,
        decisions: PartitionDecisions,
        after: list[Position],
        consumer: Consumer,
    ) -> None:
        """Keep the changed states; the store being away pauses everything, without bound (L22)."""
        held = self._held[partition]
        held.now = decisions.now
        events = [
            place
            for place, output in zip(after, decisions.outputs, strict=True)
            if output.topic == self._topics.events
        ]
        if not events:
            return
        async for _ in backoff(self.health, f"keeping states of partition {partition}"):
            try:
                await held.states.save(decisions.fold, events[-1])
                return
            except Unavailable as error:
                self.health.waiting(f"partition {partition}: {error}")
            except CheckpointMoved:
                # Either the lost answer of our own apply, or another owner: read and fold again.
                del self._held[partition]
                consumer.stop(partition)
                await self._take(partition, consumer)
                return

    async def _append_due_timers(self) -> None:
        if self._decider.timer is no_timer:
            return
        tick = time.monotonic()
        now = self._clock()
        for partition, held in self._held.items():
            if tick - held.last_tick < TIMER_TICK_S:
                continue
            held.last_tick = tick
            try:
                due = await held.states.due(now)
                await self._event_log.append(
                    [
                        output
                        for name, state in due
                        if (output := self._timer_command(partition, name, state, now))
                    ]
                )
            except Unavailable as error:
                self.health.waiting(f"timers of partition {partition}: {error}")

    def _timer_command(self, partition: int, name: str, state: object, now: int) -> Outgoing | None:
        timer = self._decider.timer(state)
        if timer is None:
            return None
        command_id = derived_id("timer", name, timer.due)
        if now - self._timers_sent.get(command_id, 0) < TIMER_REPEAT_MS:
            return None
        self._timers_sent[command_id] = now
        if len(self._timers_sent) > 10_000:
            self._timers_sent = {
                sent: at for sent, at in self._timers_sent.items() if now - at < TIMER_REPEAT_MS
            }
        type_name, data = self._codec.encode(timer.command)
        envelope = Envelope(
            id=command_id,
            type=type_name,
            source=f"docaxis/{self._decider.service}",
            subject=name,
            time=now,
            correlation_id=command_id,
        )
        return Outgoing(self._topics.commands(), partition, Message(envelope, data))
