"""A member of a consumer group: polls, and commits outputs and positions in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from docaxis_adapters.sqlite_log.groups import Group, Leases
from docaxis_adapters.sqlite_log.listeners import Listeners, Waiter
from docaxis_adapters.sqlite_log.reading import Found, Reading
from docaxis_adapters.sqlite_log.streams import Streams
from docaxis_adapters.sqlite_log.unkindness import Unkindness
from docaxis_adapters.sqlite_log.writer import WriteJob, Writer
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import (
    Batch,
    Outgoing,
    Polled,
    Position,
    TopicPartition,
)


@dataclass(frozen=True, slots=True)
class LogParts:
    """What a consumer needs of its log."""

    streams: Streams
    writer: Writer
    reading: Reading
    listeners: Listeners
    unkindness: Unkindness | None = None


class SqliteConsumer:
    """The port's `Consumer`."""

    def __init__(self, parts: LogParts, group: Group, at_most: Mapping[str, int]) -> None:
        self._parts = parts
        self._at_most = {parts.streams.topics[topic]: most for topic, most in at_most.items()}
        self._group = group
        self._waiter = Waiter()
        self._member = group.join(self._waiter)
        self._known: dict[int, int] = {}  # the leases that the last poll told
        self._positions: dict[int, Position] = {}  # of started streams: what comes next
        self._started = 0  # counts changes of what is started, and from where
        self._closed = False

    async def poll(self, limit: int, wait_s: float) -> Polled:
        """At most `limit` records of started partitions; returns early when there are some."""
        until = self._waiter.loop.time() + wait_s
        while not self._closed:
            self._waiter.clear()
            current = self._group.leases(self._member)
            if current != self._known:
                if (polled := await self._rebalanced(current)) is not None:
                    return polled
                continue
            started = self._started
            fetched = await self._parts.reading.fetch(self._positions, limit, self._at_most)
            if started != self._started or not self._group.holds(self._member, self._known):
                continue  # stopped, rewound or lost while the file was read
            first = {stream: self._positions[stream] for stream in fetched.found}
            fetched.advance(self._positions)
            if fetched.found:
                return Polled(batch=self._batch(fetched.found, first))
            if fetched.reached:
                return Polled()  # only places without a record: `reached` tells
            if not await self._waiter.wait(until - self._waiter.loop.time()):
                return Polled()
        raise Unavailable("this consumer is closed")

    async def _rebalanced(self, current: dict[int, int]) -> Polled | None:
        known = self._known
        revoked = {p for p, lease in known.items() if current.get(p) != lease}
        assigned = {p for p, lease in current.items() if known.get(p) != lease}
        if assigned:
            # A commit of the holder before may have passed its guard and not yet its COMMIT:
            # behind this barrier `committed` and `end` count it, and any later one is fenced.
            await self._parts.writer.submit(WriteJob(self._parts.streams))
            if self._group.leases(self._member) != current:
                return None  # moved on meanwhile
        self._known = current
        for partition in revoked:
            self.stop(partition)
        return Polled(frozenset(assigned), frozenset(revoked))

    def stop(self, partition: int) -> None:
        """Let no more records of a partition come until it is started again (L22)."""
        self._started += 1
        streams = [self._stream(topic, partition) for topic in self._group.topics]
        self._parts.listeners.remove(self._waiter, streams)
        for stream in streams:
            self._positions.pop(stream, None)

    def _batch(self, found: Found, starts: Mapping[int, Position]) -> Batch:
        name = self._parts.streams.name
        first = {name(stream): position for stream, position in starts.items()}
        upto = {name(stream): records[-1].after for stream, records in found.items()}
        token: Leases = {place.partition: self._known[place.partition] for place in first}
        batch = tuple(record for part in found.values() for record in part)
        if self._parts.unkindness is not None and self._parts.unkindness.regains():
            self._group.shake(self._member)
        return Batch(batch, upto, first, token)

    def reached(self, topic: str, partition: int) -> Position:
        """Just behind all that polls brought or skipped of a started partition."""
        return self._positions[self._stream(topic, partition)]

    async def committed(self, partition: int) -> Mapping[str, Position]:
        """The stable committed position of each topic of the subscription; `START` at first."""
        committed = self._parts.streams.committed_by
        return {
            topic: committed(self._group.name, self._stream(topic, partition))
            for topic in self._group.topics
        }

    def start(self, partition: int, at: Mapping[str, Position] | None = None) -> None:
        """Let records of an assigned partition come, from `at` or else the committed position."""
        if partition not in self._known:
            raise ValueError(f"partition {partition} is not assigned to this member")
        self._started += 1
        for topic in self._group.topics:
            stream = self._stream(topic, partition)
            position = (at or {}).get(topic)
            if position is None:
                position = self._parts.streams.committed_by(self._group.name, stream)
            self._positions[stream] = position
            self._parts.listeners.add(self._waiter, [stream])
        self._waiter.ring()

    async def commit(self, batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
        """Write the outputs and the batch's positions in one transaction, or neither."""
        return await self._write(batch.upto, cast(Leases, batch.token), outputs)

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Store positions alone, of partitions held since the last poll that told of them."""
        if any(place.partition not in self._known for place in positions):
            raise Fenced("this member does not hold all of these partitions")
        leases = {place.partition: self._known[place.partition] for place in positions}
        await self._write(positions, leases, ())

    async def _write(
        self,
        positions: Mapping[TopicPartition, Position],
        leases: Leases,
        outputs: Sequence[Outgoing],
    ) -> Sequence[Position]:
        job = WriteJob(
            self._parts.streams,
            outputs,
            group=self._group.name,
            positions={self._stream(*place): position for place, position in positions.items()},
            guard=lambda: self._group.holds(self._member, leases),
        )
        written: list[Position] = await self._parts.writer.submit(job)
        return written

    async def rewind(self, batch: Batch) -> None:
        """Go back to the batch's first records, in partitions that are still the same lease."""
        leases = cast(Leases, batch.token)
        self._started += 1
        for place, position in batch.first.items():
            stream = self._stream(*place)
            if self._known.get(place.partition) == leases[place.partition]:
                if stream in self._positions:
                    self._positions[stream] = position
        self._waiter.ring()

    async def close(self) -> None:
        """Leave the group; partitions pass to the other members. Never raises."""
        self._closed = True
        self._group.leave(self._member)
        self._parts.listeners.remove(self._waiter, list(self._positions))
        self._waiter.ring()

    def _stream(self, topic: str, partition: int) -> int:
        return self._parts.streams.number(topic, partition)
