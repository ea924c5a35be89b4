"""A member of a consumer group (KIP-848): polls in fair shares, commits in transactions.

Everything that touches the client runs on its own thread (L14); what the event loop sees are
copies. A batch's token is the group's metadata as of its poll and the tenures of its partitions:
the broker refuses the metadata of a member that was left behind meanwhile (L11).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.assignments import Assignments, Leases
from docaxis_adapters.kafka_log.client_thread import ClientThread
from docaxis_adapters.kafka_log.clients import Config
from docaxis_adapters.kafka_log.failures import told
from docaxis_adapters.kafka_log.partition_reader import PartitionReader, Taken
from docaxis_adapters.kafka_log.transactions import Transactions
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import (
    START,
    Batch,
    Outgoing,
    Polled,
    Position,
    TopicPartition,
)

_SLICE_S = 0.025
"""How long a poll waits before it serves the calls that came meanwhile."""
_COMMITTED_S = 0.5
"""Positions that a dead member's open transaction holds back are asked for again: the thread must
not wait for them."""
_LEAVE_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Token:
    """What a batch is committed with."""

    metadata: Any
    """The group's metadata as of the batch's poll (L11)."""
    leases: Leases


class KafkaConsumer:
    """The port's `Consumer`; made by `KafkaEventLog.join`."""

    def __init__(
        self,
        config: Config,
        topics: Sequence[str],
        *,
        prefix: str,
        expiring: Callable[[str], bool],
        ends: Callable[[Sequence[tuple[str, int]]], Mapping[tuple[str, int], int]],
        transactions: Transactions | None,
        left: Callable[["KafkaConsumer"], None] = lambda member: None,
    ) -> None:
        """`ends` asks for the high watermarks of partitions by their full topic names.

        `left` is called once it was closed. Raises `ValueError` for settings that are wrong.
        """
        with told():
            self._client = Client(config)
        self._topics = tuple(topics)
        self._prefix = prefix
        self._reader = PartitionReader(self._client, expiring, prefix)
        self._ends = ends
        self._transactions = transactions
        self._left = left
        self._assignments = Assignments(self._topics)  # the thread's
        self._waiting: dict[int, tuple[int, Mapping[str, Position]]] = {}  # the thread's: to start
        self._begun: dict[int, int] = {}  # the thread's: which `start` each partition follows
        self._passed = _Passed({}, {})  # replaced as a whole by the thread
        self._known: Leases = {}  # the loop's: what polls have told
        self._polls = 0  # the loop's: a cancelled poll is abandoned when the next one comes
        self._starts: dict[int, tuple[int, Mapping[str, Position]]] = {}  # the loop's, numbered
        self._closed = False
        self._thread = ClientThread(config["group.id"], idle=self._keep_alive)

    async def open(self) -> None:
        """Subscribe. Raises `ValueError`, `Unavailable`."""
        await self._thread.call(self._subscribe)

    async def poll(self, limit: int, wait_s: float) -> Polled:
        """At most `limit` records of started partitions; returns early when there are some."""
        if self._closed:
            raise Unavailable("this consumer is closed")
        self._polls += 1
        number = self._polls
        polled, leases = await self._thread.call(
            lambda: self._poll(number, limit, wait_s), long=True
        )
        self._known = leases
        return polled

    async def committed(self, partition: int) -> Mapping[str, Position]:
        """The stable committed position of each topic of the subscription; `START` at first."""
        return (await self._thread.call(lambda: self._committed((partition,))))[partition]

    def start(self, partition: int, at: Mapping[str, Position] | None = None) -> None:
        """Let records of an assigned partition come, from `at` or else the committed position."""
        lease = self._known.get(partition)
        if lease is None:
            raise ValueError(f"partition {partition} is not assigned to this member")
        number = self._starts.get(partition, (0, {}))[0] + 1
        self._starts[partition] = (number, at or {})
        self._thread.tell(lambda: self._start(partition, lease, number, at))

    def stop(self, partition: int) -> None:
        """Let no more records of a partition come until it is started again (L22)."""
        self._thread.tell(lambda: self._stop(partition))

    def reached(self, topic: str, partition: int) -> Position:
        """Just behind all that polls brought or skipped of a started partition."""
        passed = self._passed
        number, at = self._starts[partition]
        if passed.starts.get(partition) != number:
            return at.get(topic, START)
        return passed.positions[TopicPartition(topic, partition)]

    async def commit(self, batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
        """Write the outputs and the batch's positions in one transaction, or neither."""
        if self._transactions is None:
            raise RuntimeError("this member did not join as a transactional one")
        token = cast(Token, batch.token)
        if self._closed or any(self._known.get(at) != each for at, each in token.leases.items()):
            raise Fenced("a partition of this batch has changed hands since its poll")
        places = self._places(batch.upto)
        return await self._transactions.commit(outputs, places, token.metadata)

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Store positions alone, of partitions held since the last poll that told of them."""
        leases = {each.partition: self._known.get(each.partition, 0) for each in positions}
        places = self._places(positions)
        await self._thread.call(lambda: self._progress(places, leases))

    async def rewind(self, batch: Batch) -> None:
        """Go back to the batch's first records, in partitions that are still the same tenure."""
        await self._thread.call(lambda: self._rewind(batch))

    async def close(self) -> None:
        """Leave the group; partitions pass to the other members. Never raises."""
        if self._closed:
            return
        self._closed = True
        self._known = {}
        await self._thread.end(self._leave, _LEAVE_WITHIN_S)
        if self._transactions is not None:
            await self._transactions.close()
        self._left(self)

    # On the thread.

    def _subscribe(self) -> None:
        with told():
            self._client.subscribe(
                [self._prefix + topic for topic in self._topics],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )

    def _on_assign(self, client: Client, places: list[Place]) -> None:
        # At the end, where nothing is fetched, until `start` says from where. It must be a number:
        # the client looks up a symbolic place (the end, the committed one) by itself, and its late
        # answer was seen to overrule the seek of `start`. Paused it would notice the seek a second
        # later.
        ends = self._ends([(each.topic, each.partition) for each in places])
        with told():
            client.incremental_assign(
                [Place(p.topic, p.partition, ends[p.topic, p.partition]) for p in places]
            )
        self._assignments.assign(self._ours(places))

    def _on_revoke(self, client: Client, places: list[Place]) -> None:
        parts = self._ours(places)
        for partition in self._assignments.revoke(parts):
            self._waiting.pop(partition, None)
        for each in parts:
            self._reader.drop(each)
        with told():
            client.incremental_unassign(places)

    def _poll(self, number: int, limit: int, wait_s: float) -> tuple[Polled, Leases]:
        until = time.monotonic() + wait_s
        while not self._thread.ending:
            self._thread.serve()
            if number != self._polls:
                return Polled(), {}
            self._start_waiting()
            left = 0.0 if self._reader.queued else until - time.monotonic()
            self._reader.pull(max(0.0, min(_SLICE_S, left)))
            if (news := self._assignments.news()) is not None:
                return Polled(*news), dict(self._assignments.leases)
            before = self._passed
            taken = self._reader.take(limit)
            self._passed = _Passed(dict(self._begun), self._reader.reached())
            leases = dict(self._assignments.leases)
            if taken is not None:
                return Polled(batch=self._batch(taken)), leases
            if time.monotonic() >= until or self._passed.moved_since(before):
                return Polled(), leases
        raise Unavailable("this consumer is closed")

    def _batch(self, taken: Taken) -> Batch:
        with told():
            metadata = self._client.consumer_group_metadata()
        leases = {at.partition: self._assignments.leases[at.partition] for at in taken.records}
        return Batch(
            tuple(record for records in taken.records.values() for record in records),
            {at: records[-1].after for at, records in taken.records.items()},
            taken.first,
            Token(metadata, leases),
        )

    def _keep_alive(self) -> None:
        """While the task is busy elsewhere: stay a member, and let go what is asked back (L22)."""
        try:
            self._reader.pull(0)
        except Exception as error:  # noqa: BLE001 - the next poll meets it, or it has passed
            del error

    def _start(
        self, partition: int, lease: int, number: int, at: Mapping[str, Position] | None
    ) -> None:
        if self._assignments.leases.get(partition) == lease:
            self._waiting[partition] = (number, at or {})

    def _start_waiting(self) -> None:
        """Begin what is to be started. Raises `Unavailable`: the next poll tries again."""
        unknown = [
            partition
            for partition, (_, at) in self._waiting.items()
            if any(topic not in at for topic in self._topics)
        ]
        committed = self._committed(unknown) if unknown else {}
        for partition, (number, at) in list(self._waiting.items()):
            wanted = {**committed.get(partition, {}), **at}
            streams = self._streams(partition)
            for each in streams:
                self._reader.seek(each, wanted[each.topic])
            if partition not in self._waiting:  # lost while the client was asked
                for each in streams:
                    self._reader.drop(each)
                continue
            with told():
                self._client.resume([self._reader.place(each) for each in streams])
            self._begun[partition] = number
            del self._waiting[partition]

    def _stop(self, partition: int) -> None:
        self._waiting.pop(partition, None)
        started = [each for each in self._streams(partition) if each in self._reader.started]
        for each in started:
            self._reader.drop(each)
        if started:
            with told():
                self._client.pause([self._reader.place(each) for each in started])

    def _committed(self, partitions: Sequence[int]) -> dict[int, dict[str, Position]]:
        streams = [each for partition in partitions for each in self._streams(partition)]
        with told():
            found = self._client.committed(
                [self._reader.place(each) for each in streams], timeout=_COMMITTED_S
            )
        positions: dict[int, dict[str, Position]] = {partition: {} for partition in partitions}
        for each, place in zip(streams, found, strict=True):
            if place.error is not None:
                raise Unavailable(f"{each.topic}/{each.partition}: {place.error}")
            known = place.offset >= 0
            version = int(place.metadata) if known and place.metadata else 0
            positions[each.partition][each.topic] = (
                Position(version, place.offset) if known else START
            )
        return positions

    def _progress(self, places: list[Place], leases: Leases) -> None:
        if not self._assignments.hold(leases):
            raise Fenced("this member does not hold all of these partitions")
        with told():
            stored = self._client.commit(offsets=places, asynchronous=False)
        for place in stored or ():
            if place.error is not None:
                raise Unavailable(f"{place.topic}/{place.partition}: {place.error}")

    def _rewind(self, batch: Batch) -> None:
        leases = cast(Token, batch.token).leases
        for at, position in batch.first.items():
            same = self._assignments.leases.get(at.partition) == leases[at.partition]
            if same and at in self._reader.started:
                self._reader.seek(at, position)

    def _leave(self) -> None:
        with told():
            self._client.close()

    def _streams(self, partition: int) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for topic in self._topics]

    def _ours(self, places: Sequence[Place]) -> list[TopicPartition]:
        return [
            TopicPartition(each.topic.removeprefix(self._prefix), each.partition) for each in places
        ]

    def _places(self, positions: Mapping[TopicPartition, Position]) -> list[Place]:
        """Positions as they are committed: the version rides in the offset's metadata."""
        return [
            Place(
                self._prefix + at.topic,
                at.partition,
                position.place,
                metadata=str(position.version),
            )
            for at, position in positions.items()
        ]


@dataclass(frozen=True, slots=True)
class _Passed:
    """How far started partitions were read, and the numbers of the starts that this is of."""

    starts: Mapping[int, int]
    positions: Mapping[TopicPartition, Position]

    def moved_since(self, before: "_Passed") -> bool:
        return any(
            position.place > before.positions[at].place
            for at, position in self.positions.items()
            if at in before.positions
        )
