"""The log: topics of partitions, appended to durably, consumed with atomic commit of outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from docaxis_eventsourcing.envelope import Envelope, Message


class Position(NamedTuple):
    """A place in a partition: everything up to and including `version` lies before it.

    `version` is `ce_sequence` of the last event before it (0 in topics without versions).
    `place` is the adapter's own (an offset, which may have holes): hand it back, never compute
    with it. Positions of one partition are ordered by `place`.
    """

    version: int
    place: int


START = Position(0, 0)
FIRST_EPOCH = 1
"""The epoch of a log that was never restored or moved (L4)."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to a partition."""

    topic: str
    partition: int
    message: Message


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message as it stands in the log. `time` is the log's append time, Unix ms (L5)."""

    topic: str
    partition: int
    time: int
    after: Position
    """The position just behind this record."""
    envelope: Envelope
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Records handed to a group member by one poll, in order within each topic partition.

    `upto` is where each topic partition stands when all of it is done. `token` is the group's
    metadata as it was at that poll (L11), the adapter's own.
    """

    records: tuple[Recorded, ...]
    upto: Mapping[TopicPartition, Position]
    first: Mapping[TopicPartition, Position]
    token: object


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought: partitions won and lost since the last, and perhaps a batch.

    A partition number is `assigned` when it is held in every topic of the subscription, and
    `revoked` when it is lost in any of them (L10).
    """

    assigned: frozenset[int] = field(default_factory=frozenset)
    revoked: frozenset[int] = field(default_factory=frozenset)
    batch: Batch | None = None


class Consumer(Protocol):
    """A member of a consumer group; the adapter keeps it alive between calls.

    One task polls, one call after the other. The other calls may come while a `poll` waits, and
    from other tasks of the same loop: partitions are taken beside the decisions.
    """

    async def poll(self, limit: int, wait_s: float) -> Polled:
        """At most `limit` records of started partitions; returns early when there are some.

        Records of one topic partition come in order and none is left out. A later poll goes on
        behind the last batch, committed or not. Raises `Unavailable`; `Divergence` where
        records that were never read are gone.
        """
        ...

    async def committed(self, partition: int) -> Mapping[str, Position]:
        """The stable committed position of each topic of the subscription; `START` at first.

        Asked of the log at each call, so what another member committed meanwhile is seen. Raises
        `Unavailable`.
        """
        ...

    def start(self, partition: int, at: Mapping[str, Position] | None = None) -> None:
        """Let records of an assigned partition come, from `at` or else the committed position."""
        ...

    def stop(self, partition: int) -> None:
        """Let no more records of a partition come until it is started again (L22)."""
        ...

    def reached(self, topic: str, partition: int) -> Position:
        """Just behind all that polls brought or skipped of a started partition (L15)."""
        ...

    async def commit(self, batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
        """Write the outputs and the batch's positions in one atomic step, or neither.

        Answers the position just behind each output, in their order (the version is that of the
        output's own envelope).
        Once it returns both are durable and `end` counts them; readers may see them only moments
        later (L15). Raises `Fenced` when any partition
        of the batch has changed hands since the batch's poll (L11): nothing was written.
        `Unavailable`: nothing was written. An unknown result is asked again until known (L12).
        """
        ...

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Store positions alone (reactions L18, effects L19). Raises `Fenced`, `Unavailable`."""
        ...

    async def rewind(self, batch: Batch) -> None:
        """Go back to the batch's first records: the next polls bring them again (L12)."""
        ...

    async def close(self) -> None:
        """Leave the group; partitions pass to the other members. Never raises."""
        ...


class Tail(Protocol):
    """A reader of fixed partitions of one topic, outside of any group."""

    async def next(self, limit: int, wait_s: float) -> Sequence[Recorded]:
        """The next records, each partition's in order; empty when `wait_s` passed without any.

        Raises `Unavailable`; `Divergence` where records that were never read are gone.
        """
        ...

    def reached(self, partition: int) -> Position:
        """Just behind all that was read or skipped: it passes `EventLog.end` even where the last
        places hold no record (L15)."""
        ...

    async def close(self) -> None:
        """Stop reading. Never raises."""
        ...


class EventLog(Protocol):
    """An append-only log of topics with the same, fixed number of partitions (L3).

    Only records whose transaction was committed are ever seen. The broker's append time never
    runs backwards within a partition (L5).
    """

    @property
    def partitions(self) -> int:
        """The partition count of every topic, fixed for the installation."""
        ...

    @property
    def epoch(self) -> int:
        """`FIRST_EPOCH` at first; raised by a restore or a move (L4)."""
        ...

    async def declare(self, topics: Sequence[str], kept_s: float | None = None) -> None:
        """Create what is missing; raises `ValueError` where an existing topic disagrees.

        Records stay for ever, or for about `kept_s` seconds (L17): who reads from a place whose
        records are gone goes on with the first that is left. Elsewhere that is `Divergence`.
        """
        ...

    async def trim(self, topic: str, partition: int, before: Position) -> None:
        """Remove the records before a position for good: decided commands (L17).

        Some may stay; `end` and later positions are as they were. Raises `Unavailable`.
        """
        ...

    async def append(self, outputs: Sequence[Outgoing]) -> None:
        """Make the messages durable (disk synced, `acks=all`), all or none on return.

        On return `end` counts them; readers may see them only moments later (L15).
        Outside of any transaction: after a failure some may be there; derived ids make the
        repeat harmless. Raises `Unavailable`; `OSError` ENOSPC as `Unavailable` too.
        """
        ...

    async def end(self, topic: str, partition: int) -> Position:
        """The high watermark, uncommitted transactions included (L15).

        A fold that has passed it has seen everything that any earlier owner committed.
        """
        ...

    async def settled(self, topic: str, partition: int) -> Position:
        """Just behind all that readers may see now; at most `end`.

        What a transaction that is still open wrote lies behind it: who reads from here on misses
        nothing that another reader does not see yet. Its version is not told (0). Raises
        `Unavailable`.
        """
        ...

    def tail(self, topic: str, start: Mapping[int, Position]) -> Tail:
        """Read the partitions named in `start`, each from behind its position."""
        ...

    async def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        transactional: bool = False,
        at_most: Mapping[str, int] | None = None,
    ) -> Consumer:
        """Become a member of a consumer group over the topics (a service's lanes).

        Each batch has some of every topic that has any, at least one while the limit allows, so
        that none waits behind another's flood (L10); of a topic in `at_most`, never more than that.

        Only a `transactional` member may `commit`: what an earlier process of the same replica
        left open is ended before its partitions are taken (L13). Raises `Unavailable`.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted and free everything."""
        ...
