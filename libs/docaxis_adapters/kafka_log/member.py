"""A member of a consumer group (KIP-848): polls in fair shares, commits in transactions.

The port's side, on the event loop; what touches the client is `member_client`. A batch's token is
the group's metadata as of its poll and the tenures of its partitions: the broker refuses the
metadata of a member that was left behind meanwhile (L11).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from docaxis_adapters.kafka_log.administration import answer_of
from docaxis_adapters.kafka_log.assignments import Leases
from docaxis_adapters.kafka_log.group_offsets import GroupOffsets
from docaxis_adapters.kafka_log.member_client import Ask, MemberClient, Token
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

_LEAVE_WITHIN_S = 5.0
_STABLE_WITHIN_S = 1.0
"""The markers of a transaction that was just committed are written within this."""
_AGAIN_S = 0.01
_CLOSED = "this consumer is closed"


class KafkaConsumer:
    """The port's `Consumer`; made by `KafkaEventLog.join`."""

    def __init__(
        self,
        client: MemberClient,
        topics: Sequence[str],
        offsets: GroupOffsets,
        transactions: Transactions | None,
        left: Callable[["KafkaConsumer"], None] = lambda member: None,
    ) -> None:
        """`left` is called once it was closed."""
        self._client = client
        self._topics = tuple(topics)
        self._offsets = offsets
        self._transactions = transactions
        self._left = left
        self._known: Leases = {}
        """What polls have told."""
        self._polls = 0
        self._kept = 0
        """The last poll whose answer arrived: what a cancelled one took is given again."""
        self._starts: dict[int, tuple[int, Mapping[str, Position]]] = {}  # numbered
        self._closed = False

    async def open(self) -> None:
        """Subscribe. Raises `ValueError`, `Unavailable`."""
        await self._client.thread.call(self._client.subscribe)

    async def poll(self, limit: int, wait_s: float) -> Polled:
        """At most `limit` records of started partitions; returns early when there are some.

        What a cancelled call would have brought comes with the next one.
        """
        if self._closed:
            raise Unavailable(_CLOSED)
        self._polls += 1
        ask = Ask(self._polls, self._known, self._kept, limit, wait_s)
        polled, self._known = await self._client.poll(ask)
        self._kept = ask.number
        return polled

    async def committed(self, partition: int) -> Mapping[str, Position]:
        """The stable committed position of each topic of the subscription; `START` at first."""
        streams = [TopicPartition(topic, partition) for topic in self._topics]
        until = time.monotonic() + _STABLE_WITHIN_S
        while not self._closed:
            try:
                found = self._offsets.positions(await answer_of(self._offsets.ask(streams)))
            except Unavailable:
                if time.monotonic() >= until:
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                return {at.topic: position for at, position in found.items()}
        raise Unavailable(_CLOSED)

    def start(self, partition: int, at: Mapping[str, Position] | None = None) -> None:
        """Let records of an assigned partition come, from `at` or else the committed position."""
        lease = self._known.get(partition)
        if lease is None:
            raise ValueError(f"partition {partition} is not assigned to this member")
        number = self._starts.get(partition, (0, {}))[0] + 1
        places = at or {}
        self._starts[partition] = (number, places)
        client = self._client
        client.thread.tell(lambda: client.start(partition, lease, number, places))

    def stop(self, partition: int) -> None:
        """Let no more records of a partition come until it is started again (L22)."""
        client = self._client
        client.thread.tell(lambda: client.stop(partition))

    def reached(self, topic: str, partition: int) -> Position:
        """Just behind all that polls brought or skipped of a started partition."""
        passed = self._client.passed
        number, at = self._starts[partition]
        stream = TopicPartition(topic, partition)
        if passed.starts.get(partition) != number or stream not in passed.positions:
            return at.get(topic, START)
        return passed.positions[stream]

    async def commit(self, batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
        """Write the outputs and the batch's positions in one transaction, or neither."""
        if self._transactions is None:
            raise RuntimeError("this member did not join as a transactional one")
        token = cast(Token, batch.token)
        if self._closed or any(self._known.get(at) != each for at, each in token.leases.items()):
            raise Fenced("a partition of this batch has changed hands since its poll")
        places = self._offsets.places(batch.upto)
        return await self._transactions.commit(outputs, places, token.metadata)

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Store positions alone, of partitions held since the last poll that told of them."""
        leases = {each.partition: self._known.get(each.partition, 0) for each in positions}
        places = self._offsets.places(positions)
        client = self._client
        await client.thread.call(lambda: client.commit(places, leases))

    async def rewind(self, batch: Batch) -> None:
        """Go back to the batch's first records, in partitions that are still the same tenure."""
        client = self._client
        await client.thread.call(lambda: client.rewind(batch))

    async def close(self) -> None:
        """Leave the group; partitions pass to the other members. Never raises."""
        if self._closed:
            return
        self._closed = True
        self._known = {}
        await self._client.thread.end(self._client.leave, _LEAVE_WITHIN_S)
        await asyncio.to_thread(self._offsets.close)
        if self._transactions is not None:
            await self._transactions.close()
        self._left(self)
