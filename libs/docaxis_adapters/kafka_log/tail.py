"""Readers of fixed partitions, outside of any group; their clients are used again and again.

A fold, a look at a partition's end and a door's listening each need a reader, some for
milliseconds: making a client and its connections each time would cost more than the reading.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from confluent_kafka import Consumer as Client

from docaxis_adapters.kafka_log.client_thread import ClientThread
from docaxis_adapters.kafka_log.clients import Config, reading
from docaxis_adapters.kafka_log.failures import told
from docaxis_adapters.kafka_log.partition_reader import PartitionReader
from docaxis_eventsourcing.errors import Divergence, Unavailable
from docaxis_eventsourcing.ports.event_log import Position, Recorded, TopicPartition

_GROUP = "docaxis.tail"
"""Never joined: the client library wants one for every consumer."""
_FETCH_WAIT_MS = 50
"""How soon a reader learns that it stands at the end."""
_SLICE_S = 0.025
_MOST_IDLE = 4
_END_WITHIN_S = 2.0
_CLOSED = "this reader is closed"


class TailClient:
    """A client on its thread, reading for one tail at a time."""

    def __init__(self, base: Config, expiring: Callable[[str], bool], prefix: str) -> None:
        with told():
            self._client = Client(reading(base, prefix + _GROUP, _FETCH_WAIT_MS))
        self._expiring = expiring
        self._reader = PartitionReader(self._client, expiring, prefix)
        self.thread = ClientThread("tail", idle=partial(self._reader.pull, 0))

    def assign(self, starts: Mapping[TopicPartition, Position]) -> None:
        """On the thread: read these from here on."""
        self.release()
        starts = {at: self._reader.left_from(at, position) for at, position in starts.items()}
        with told():
            self._client.assign(
                [self._reader.place(at, position.place) for at, position in starts.items()]
            )
        for at, position in starts.items():
            self._reader.begin(at, position)

    def read(
        self, limit: int, wait_s: float, left: Callable[[], bool]
    ) -> tuple[tuple[Recorded, ...], dict[TopicPartition, Position]]:
        """On the thread: the next records and how far was read; early where it moved on.

        `left` tells that nobody waits for the answer any more.
        """
        until = time.monotonic() + wait_s
        before = self._reader.reached()
        while not self.thread.ending:
            self.thread.serve()
            if left():  # asked last: a call just served may have put the client elsewhere
                break
            queued = 0.0 if self._reader.queued else until - time.monotonic()
            self._reader.pull(max(0.0, min(_SLICE_S, queued)))
            taken = self._take(limit)
            reached = self._reader.reached()
            if taken:
                return taken, reached
            if time.monotonic() >= until or reached != before:
                return (), reached
        raise Unavailable(_CLOSED)

    def _take(self, limit: int) -> tuple[Recorded, ...]:
        try:
            taken = self._reader.take(limit)
        except Divergence as error:
            if all(self._expiring(at.topic) for at in self._reader.started):
                raise Unavailable(f"read too slowly, to be read again: {error}") from error
            raise
        return () if taken is None else tuple(r for each in taken.records.values() for r in each)

    def release(self) -> None:
        """On the thread: read nothing more."""
        self._reader.reset()
        with told():
            self._client.unassign()

    async def end(self) -> None:
        """Free the client."""
        await self.thread.end(self._client.close, _END_WITHIN_S)


class TailClients:
    """Clients for tails, kept for the next one when a tail is closed."""

    def __init__(self, base: Config, expiring: Callable[[str], bool], prefix: str) -> None:
        self._make: Callable[[], TailClient] = partial(TailClient, base, expiring, prefix)
        self._idle: list[TailClient] = []
        self._closed = False

    def take(self) -> TailClient:
        """One that reads nothing. Raises `Unavailable` once closed."""
        if self._closed:
            raise Unavailable("this log is closed")
        return self._idle.pop() if self._idle else self._make()

    async def give_back(self, client: TailClient) -> None:
        """It is used no more. Never raises."""
        try:
            await client.thread.call(client.release)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the next gets another
            await client.end()
            return
        if self._closed or len(self._idle) >= _MOST_IDLE:
            await client.end()
        else:
            self._idle.append(client)

    async def close(self) -> None:
        """Free those that are idle."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(client.end() for client in idle))


class KafkaTail:
    """The port's `Tail`; made by `KafkaEventLog.tail`."""

    def __init__(
        self,
        clients: TailClients,
        topic: str,
        starts: Mapping[int, Position],
        closed: Callable[["KafkaTail"], None] = lambda tail: None,
    ) -> None:
        self._clients = clients
        self._topic = topic
        self._reached = {TopicPartition(topic, each): at for each, at in starts.items()}
        self._client: TailClient | None = None
        self._reads = 0
        self._in_place = False
        """Whether the client stands where `_reached` says."""
        self._closed = False
        self._told_closed = closed

    async def next(self, limit: int, wait_s: float) -> Sequence[Recorded]:
        """The next records, each partition's in order; empty when `wait_s` passed without any.

        What a cancelled call would have brought comes with the next one.
        """
        if self._closed:
            raise Unavailable(_CLOSED)
        if self._client is None:
            self._client = self._clients.take()
        client = self._client
        self._reads += 1
        number = self._reads
        if not self._in_place:
            starts = dict(self._reached)
            await client.thread.call(lambda: client.assign(starts))
        self._in_place = False  # until its answer has come
        records, self._reached = await client.thread.call(
            lambda: client.read(limit, wait_s, lambda: self._closed or number != self._reads),
            long=True,
        )
        self._in_place = True
        return records

    def reached(self, partition: int) -> Position:
        """Just behind all that was read or skipped."""
        return self._reached[TopicPartition(self._topic, partition)]

    async def close(self) -> None:
        """Stop reading. Never raises."""
        if self._closed:
            return
        self._closed = True
        self._told_closed(self)
        if self._client is not None:
            await self._clients.give_back(self._client)
