"""The `EventLog` of a cluster: Apache Kafka, from 4.0 on (KIP-848), with three brokers or more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Self
from weakref import WeakSet

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from docaxis_adapters.kafka_log.administration import Administration, answer_of
from docaxis_adapters.kafka_log.appender import Appender
from docaxis_adapters.kafka_log.clients import appending, common, following, transacting
from docaxis_adapters.kafka_log.cluster_check import check_group_protocol, check_settings
from docaxis_adapters.kafka_log.failures import told
from docaxis_adapters.kafka_log.group_offsets import GroupOffsets
from docaxis_adapters.kafka_log.installation import TOPIC as INSTALLATION_TOPIC
from docaxis_adapters.kafka_log.installation import Installation, announce, read
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_adapters.kafka_log.member_client import MemberClient
from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_adapters.kafka_log.tail import KafkaTail, TailClients
from docaxis_adapters.kafka_log.topics import Topics, Wanted
from docaxis_adapters.kafka_log.transactions import Transactions
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, TopicPartition
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS

_LEADER_WITHIN_S = 3.0
"""A partition that was just made, or changes its leader, has none for a moment."""
_AGAIN_S = 0.02


_Ask = Callable[[Sequence[TopicPartition]], "Mapping[TopicPartition, Future[Any]]"]
"""Which of a partition's ends is asked for."""


def _retrying() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_delay(_LEADER_WITHIN_S),
        wait=wait_exponential(_AGAIN_S, max=10 * _AGAIN_S),
        reraise=True,
    )


class KafkaEventLog:
    """The port's `EventLog`; made by `open`. Used on one event loop."""

    def __init__(
        self,
        settings: KafkaSettings,
        replica: str,
        administration: Administration,
        installation: Installation,
    ) -> None:
        self._prefix = settings.kafka_topic_prefix
        self._replica = replica
        self._base = common(settings, replica)
        self._administration = administration
        self._topics = Topics(administration, settings)
        self._installation = installation
        self._kept: dict[str, float | None] = {}
        self._there: set[str] = set()
        self._appender = Appender(appending(self._base), self._prefix)
        self._tails = TailClients(self._base, self._expires, self._prefix)
        self._open: WeakSet[KafkaConsumer | KafkaTail] = WeakSet()
        self._closed = False

    @classmethod
    async def open(
        cls,
        settings: KafkaSettings,
        *,
        replica: str,
        partitions: int = DEFAULT_PARTITIONS,
        importing: str = "",
    ) -> Self:
        """Connect, and check that the cluster can carry an axis and is this one's.

        `replica` names this process among those of its service, the same again when it comes back:
        its transactional ids are made of it (L13). `importing` is the export that may be under way
        into it (`importing`). Raises `Unavailable` while the brokers are away
        or refuse us, `ValueError` where the cluster cannot do what is needed or holds another
        installation.
        """
        base = common(settings, replica)
        administration = Administration(base)
        await asyncio.to_thread(check_settings, administration)
        prefix = settings.kafka_topic_prefix
        wanted = Wanted(prefix + INSTALLATION_TOPIC, 1, None)
        await asyncio.to_thread(Topics(administration, settings).make, [wanted])
        await asyncio.to_thread(check_group_protocol, administration, base, wanted.name)
        found = await asyncio.to_thread(read, base, prefix)
        if found is None:
            appender = Appender(appending(base), prefix)
            try:
                await announce(appender, Installation(partitions))
            finally:
                await appender.close()
            found = await asyncio.to_thread(read, base, prefix)
        if found is None:
            raise Unavailable(f"{INSTALLATION_TOPIC} was written and cannot be read yet")
        found.check(partitions, importing)
        return cls(settings, replica, administration, found)

    @property
    def installation(self) -> Installation:
        """What was fixed when the axis was made, as it stood when this was opened."""
        return self._installation

    @property
    def partitions(self) -> int:
        """The partition count of every topic."""
        return self._installation.partitions

    @property
    def epoch(self) -> int:
        """Raised after a restore or a move (L4)."""
        return self._installation.epoch

    async def declare(self, topics: Sequence[str], kept_s: float | None = None) -> None:
        """Create what is missing; raises `ValueError` where an existing topic disagrees."""
        wanted = [Wanted(self._prefix + topic, self.partitions, kept_s) for topic in topics]
        if wanted:
            await asyncio.to_thread(self._topics.make, wanted)
        self._kept.update(dict.fromkeys(topics, kept_s))
        self._there.update(topics)

    async def append(self, outputs: Sequence[Outgoing]) -> None:
        """Return when all records are on all in-sync copies (`acks=all`)."""
        for output in outputs:
            if output.topic not in self._kept:
                raise ValueError(f"topic {output.topic} was not declared")
            self._check_partition(output.partition)
        if outputs:
            await self._appender.append(outputs)

    async def end(self, topic: str, partition: int) -> Position:
        """The high watermark (L15); its version is not known here (0)."""
        return Position(0, await self._asked(self._topics.ends, topic, partition))

    async def settled(self, topic: str, partition: int) -> Position:
        """The last stable offset: behind it lies what open transactions wrote."""
        return Position(0, await self._asked(self._topics.stable_ends, topic, partition))

    async def _asked(self, ask: _Ask, topic: str, partition: int) -> int:
        self._check_partition(partition)
        self._check_open()
        return await _retrying()(self._end, ask, topic, partition)

    async def _end(self, ask: _Ask, topic: str, partition: int) -> int:
        await self._until_there(topic)
        self._administration.serve()
        try:
            (asked,) = ask([TopicPartition(self._prefix + topic, partition)]).values()
            with told():
                return int((await answer_of(asked)).offset)
        except Unavailable:
            # The client remembers for a minute what it heard, also that there was no leader.
            self._there.discard(topic)
            raise

    async def trim(self, topic: str, partition: int, before: Position) -> None:
        """Remove the records before a position for good (L17)."""
        self._check_partition(partition)
        at = TopicPartition(self._prefix + topic, partition)
        await _retrying()(asyncio.to_thread, self._topics.trim, at, before.place)

    def tail(self, topic: str, start: Mapping[int, Position]) -> KafkaTail:
        """Read the partitions named in `start`, each from behind its position."""
        for partition in start:
            self._check_partition(partition)
        tail = KafkaTail(self._tails, topic, start, self._open.discard)
        self._open.add(tail)
        return tail

    async def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        transactional: bool = False,
        at_most: Mapping[str, int] | None = None,
    ) -> KafkaConsumer:
        """Become a member of a consumer group over the topics."""
        self._check_open()
        for topic in topics:
            await self._until_there(topic)
        group = self._prefix + group
        transactions = await self._transactions(group) if transactional else None
        offsets = GroupOffsets(self._base, group, self._prefix)
        client = MemberClient(
            following(self._base, group),
            topics,
            prefix=self._prefix,
            expiring=self._expires,
            ends=self._ends_now,
            offsets=offsets,
            at_most=at_most or {},
        )
        consumer = KafkaConsumer(client, topics, offsets, transactions, self._open.discard)
        self._open.add(consumer)
        try:
            await consumer.open()
            self._check_open()
        except BaseException:
            await consumer.close()
            raise
        return consumer

    def _ends_now(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        full = {TopicPartition(self._prefix + at.topic, at.partition): at for at in places}
        return {full[at]: end for at, end in self._topics.ends_now(list(full)).items()}

    async def close(self) -> None:
        """Finish what was accepted and free everything; waiting readers get `Unavailable`."""
        self._closed = True
        await asyncio.gather(*(each.close() for each in list(self._open)))
        await self._tails.close()
        await self._appender.close()

    async def _transactions(self, group: str) -> Transactions:
        ids = [f"{group}.{self._replica}-{letter}" for letter in "ab"]
        transactions = Transactions([transacting(self._base, each) for each in ids], self._prefix)
        try:
            await transactions.open()
        except BaseException:
            await transactions.close()
            raise
        return transactions

    async def _until_there(self, topic: str) -> None:
        """A topic of another service is there once that service has started."""
        if topic in self._there:
            return
        if not await asyncio.to_thread(self._topics.exists, self._prefix + topic):
            raise Unavailable(f"topic {topic} is not there yet: its service makes it")
        self._there.add(topic)

    def _expires(self, topic: str) -> bool:
        """Whether old records of a topic are removed by time: outcomes (L17)."""
        return self._kept.get(topic) is not None

    def _check_partition(self, partition: int) -> None:
        if not 0 <= partition < self.partitions:
            raise ValueError(f"partition {partition} of {self.partitions}")

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("this log is closed")
