"""A group member's client, on its own thread (L14): polls, starts and stops partitions, goes back.

Starting and going back are seeks. They are noted when they are asked for and made by the next
poll, which tries again where the client is not ready for them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.assignments import Assignments, Leases
from docaxis_adapters.kafka_log.client_thread import ClientThread
from docaxis_adapters.kafka_log.clients import Config
from docaxis_adapters.kafka_log.failures import told
from docaxis_adapters.kafka_log.group_offsets import Asked, GroupOffsets, Unstable
from docaxis_adapters.kafka_log.partition_reader import PartitionReader, Taken
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import Batch, Polled, Position, TopicPartition

_SLICE_S = 0.025
"""How long a poll waits before it serves the calls that came meanwhile."""

Ends = Callable[[Sequence[TopicPartition]], Mapping[TopicPartition, int]]
"""The high watermarks of partitions, as far as they can be told within a moment."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a batch is committed with."""

    metadata: Any
    """The group's metadata as of the batch's poll (L11)."""
    leases: Leases


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of poll, as the loop makes it."""

    number: int
    heard: Leases
    """What the loop has heard of: news are told against these."""
    kept: int
    """The number of the last poll whose answer arrived."""
    limit: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Passed:
    """How far started partitions were read, and the numbers of the starts that this is of."""

    starts: Mapping[int, int]
    positions: Mapping[TopicPartition, Position]

    def moved_since(self, before: "Passed") -> bool:
        """Whether some partition stands farther than before."""
        return any(
            position.place > before.positions[at].place
            for at, position in self.positions.items()
            if at in before.positions
        )


@dataclass(slots=True)
class _Start:
    """A partition that is to be started."""

    number: int
    at: Mapping[str, Position]
    asked: Asked | None
    """The committed positions on their way, where `at` does not name all."""


class MemberClient:
    """All methods run on `thread`, unless they say otherwise."""

    def __init__(
        self,
        config: Config,
        topics: Sequence[str],
        *,
        prefix: str,
        expiring: Callable[[str], bool],
        ends: Ends,
        offsets: GroupOffsets,
        at_most: Mapping[str, int] | None = None,
    ) -> None:
        """Anywhere. Raises `ValueError` for settings that are wrong."""
        with told():
            self._client = Client(config)
        self._topics = [prefix + topic for topic in topics]
        self._prefix = prefix
        self._reader = PartitionReader(self._client, expiring, prefix, at_most)
        self._ends = ends
        self._offsets = offsets
        self._assignments = Assignments(topics)
        self._starts: dict[int, _Start] = {}
        self._seeks: dict[TopicPartition, Position] = {}  # back in partitions that are started
        self._begun: dict[int, int] = {}  # which `start` each partition follows
        self._given: tuple[int, Batch] | None = None  # by the poll of this number
        self._asked = 0  # the loop's: the last poll; an earlier one has been abandoned
        self.passed = Passed({}, {})
        """Replaced as a whole; may be looked at from anywhere."""
        self.thread = ClientThread(config["group.id"], idle=self._stay)

    def subscribe(self) -> None:
        """Join the group. Raises `ValueError`, `Unavailable`."""
        with told():
            self._client.subscribe(
                self._topics,
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )

    async def poll(self, ask: Ask) -> tuple[Polled, Leases]:
        """On the loop: the port's `poll`, with the leases as of it."""
        self._asked = ask.number
        return await self.thread.call(lambda: self._poll(ask), long=True)

    def start(self, partition: int, lease: int, number: int, at: Mapping[str, Position]) -> None:
        """Let records of a partition come, where this tenure still lasts."""
        if self._assignments.lease(partition) == lease:
            self._starts[partition] = _Start(number, at, None)

    def stop(self, partition: int) -> None:
        """Let no more records of a partition come."""
        self._starts.pop(partition, None)
        streams = self._assignments.streams(partition)
        stopped = [each for each in streams if self._reader.stands(each) or each in self._seeks]
        for each in stopped:
            self._seeks.pop(each, None)
            self._reader.drop(each)
        if stopped:
            with told():
                self._client.pause([self._reader.place(each) for each in stopped])

    def rewind(self, batch: Batch) -> None:
        """Bring a batch's records again, of partitions that are started in the same tenure."""
        leases = cast(Token, batch.token).leases
        for at, position in batch.first.items():
            same = self._assignments.lease(at.partition) == leases[at.partition]
            if same and (self._reader.stands(at) or at in self._seeks):
                self._reader.drop(at)
                self._seeks[at] = position

    def commit(self, places: list[Place], leases: Leases) -> None:
        """Store positions of partitions held. Raises `Fenced`, `Unavailable`."""
        if not self._assignments.hold(leases):
            raise Fenced("this member does not hold all of these partitions")
        with told():
            stored = self._client.commit(offsets=places, asynchronous=False)
        for place in stored or ():
            if place.error is not None:
                raise Unavailable(f"{place.topic}/{place.partition}: {place.error.str()}")

    def leave(self) -> None:
        """Leave the group and free the client."""
        with told():
            self._client.close()

    def _poll(self, ask: Ask) -> tuple[Polled, Leases]:
        self._take_back(ask.kept)
        until = time.monotonic() + ask.wait_s
        while not self.thread.ending:
            self.thread.serve()
            if ask.number != self._asked:  # its task was cancelled, and another one asks
                break
            self._seek_where_wanted()
            left = 0.0 if self._reader.queued else until - time.monotonic()
            self._reader.pull(max(0.0, min(_SLICE_S, left)))
            leases = self._assignments.leases
            if (news := self._assignments.news(ask.heard)) is not None:
                return Polled(*news), leases
            metadata = self._metadata() if self._reader.queued else None
            before = self.passed
            taken = self._reader.take(ask.limit)
            self.passed = Passed(dict(self._begun), self._reader.reached())
            if taken is not None:
                batch = _batch(taken, Token(metadata, leases))
                self._given = (ask.number, batch)
                return Polled(batch=batch), leases
            if time.monotonic() >= until or self.passed.moved_since(before):
                return Polled(), leases
        raise Unavailable("this consumer is closed")

    def _take_back(self, kept: int) -> None:
        """Go back before a batch that never arrived, where nobody went elsewhere meanwhile."""
        given, self._given = self._given, None
        if given is None or given[0] == kept:
            return
        for at, upto in given[1].upto.items():
            if self._reader.stands(at) == upto:
                self._reader.drop(at)
                self._seeks[at] = given[1].first[at]

    def _metadata(self) -> Any:
        """Taken after the last rebalance was served and before records are: it is theirs (L11)."""
        with told():
            return self._client.consumer_group_metadata()

    def _stay(self) -> None:
        """While the task is busy elsewhere: stay a member, and let go what is asked back (L22)."""
        self._reader.pull(0)

    def _seek_where_wanted(self) -> None:
        """Begin what is to be started or read again.

        Raises `Unavailable`, when the others have begun: the next poll tries again.
        """
        failure: Unavailable | None = None
        for partition, start in list(self._starts.items()):
            try:
                at = self._whole(partition, start)
            except Unavailable as error:
                failure, at = error, None
            if at is None:
                continue
            streams = self._assignments.streams(partition)
            for each in streams:
                self._seeks.pop(each, None)
                self._reader.seek(
                    each, at[each.topic], partial(self._starts.__contains__, partition)
                )
            if partition not in self._starts:  # lost meanwhile
                for each in streams:
                    self._reader.drop(each)
                continue
            with told():
                self._client.resume([self._reader.place(each) for each in streams])
            self._begun[partition] = start.number
            del self._starts[partition]
        for stream, position in list(self._seeks.items()):
            self._reader.seek(stream, position, partial(self._seeks.__contains__, stream))
            self._seeks.pop(stream, None)
        if failure is not None:
            raise failure

    def _whole(self, partition: int, start: _Start) -> Mapping[str, Position] | None:
        """From where each topic is read; None until the committed positions are known."""
        missing = [at for at in self._assignments.streams(partition) if at.topic not in start.at]
        if not missing:
            return start.at
        if start.asked is None:
            start.asked = self._offsets.ask(missing)
        if not start.asked.done():
            return None
        asked, start.asked = start.asked, None
        try:
            committed = self._offsets.positions(asked.result())
        except Unstable:
            return None
        return {**{at.topic: position for at, position in committed.items()}, **start.at}

    def _on_assign(self, client: Client, places: list[Place]) -> None:
        # At the end, where nothing is fetched, until `start` says from where. It must be a number:
        # the client looks up a symbolic place (the end, the committed one) by itself, and its late
        # answer was seen to overrule the seek of `start`. Where the end is not known, paused at 0:
        # the client notices the seek a second later then.
        ours = self._ours(places)
        ends = self._ends(ours)
        with told():
            client.incremental_assign([self._reader.place(at, ends.get(at, 0)) for at in ours])
            if unknown := [self._reader.place(at) for at in ours if at not in ends]:
                client.pause(unknown)
        self._assignments.assign(ours)

    def _on_revoke(self, client: Client, places: list[Place]) -> None:
        for partition in self._assignments.revoke(self._ours(places)):
            self._starts.pop(partition, None)
            for each in self._assignments.streams(partition):  # in the lanes that stay, too (L10)
                self._seeks.pop(each, None)
                self._reader.drop(each)
        with told():
            client.incremental_unassign(places)

    def _ours(self, places: Sequence[Place]) -> list[TopicPartition]:
        return [
            TopicPartition(each.topic.removeprefix(self._prefix), each.partition) for each in places
        ]


def _batch(taken: Taken, token: Token) -> Batch:
    leases = {at.partition: token.leases[at.partition] for at in taken.records}
    return Batch(
        tuple(record for records in taken.records.values() for record in records),
        {at: records[-1].after for at, records in taken.records.items()},
        taken.first,
        Token(token.metadata, leases),
    )
