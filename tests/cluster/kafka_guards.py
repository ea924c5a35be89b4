"""The guards of the Kafka log, each taken away: in tests alone, never by a switch of the product.

`put` is `setattr`, or `monkeypatch.setattr` where it has to come back.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, cast

from confluent_kafka import IsolationLevel, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import OffsetSpec

from docaxis_adapters.kafka_log import KafkaEventLog, clients, producers, tail
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_adapters.kafka_log.member_client import Token
from docaxis_adapters.kafka_log.topics import Topics
from docaxis_eventsourcing.ports.event_log import Batch, Outgoing, Position, TopicPartition

Put = Callable[[Any, str, Any], None]


def without_metadata_at_poll(put: Put = setattr) -> None:
    """L11: the group's metadata is taken when the batch is committed."""
    commit = KafkaConsumer.commit

    async def commit_with_todays(
        self: KafkaConsumer, batch: Batch, outputs: Sequence[Outgoing]
    ) -> Sequence[Position]:
        metadata = await self._client.thread.call(self._client._metadata)
        todays = Token(metadata, cast(Token, batch.token).leases)
        return await commit(self, replace(batch, token=todays), outputs)

    put(KafkaConsumer, "commit", commit_with_todays)


def without_transaction(put: Put = setattr) -> None:
    """The events are appended, then the positions stored: two steps."""
    join = KafkaEventLog.join

    async def join_without(
        self: KafkaEventLog, group: str, topics: Sequence[str], *, transactional: bool = False
    ) -> KafkaConsumer:
        consumer = await join(self, group, topics)

        async def commit(batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
            await self.append(outputs)
            await consumer.progress(batch.upto)
            return [Position(each.message.envelope.sequence, 0) for each in outputs]

        vars(consumer)["commit"] = commit
        return consumer

    put(KafkaEventLog, "join", join_without)


def without_high_watermark(put: Put = setattr) -> None:
    """L15: the end is the last stable offset, before which all transactions are decided."""

    def ends(self: Topics, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, Any]:
        asked = self._administration.client.list_offsets(
            {Place(at.topic, at.partition): cast(Any, OffsetSpec).latest() for at in places},
            isolation_level=IsolationLevel.READ_COMMITTED,
        )
        return {TopicPartition(at.topic, at.partition): each for at, each in asked.items()}

    put(Topics, "ends", ends)


def without_read_committed(put: Put = setattr) -> None:
    """Readers see what was aborted, and what is not decided yet."""
    reading = clients.reading

    def reading_all(base: clients.Config, group: str, wait_ms: int) -> clients.Config:
        return {**reading(base, group, wait_ms), "isolation.level": "read_uncommitted"}

    put(clients, "reading", reading_all)
    put(tail, "reading", reading_all)


WITHOUT: Mapping[str, Callable[[], None]] = {
    "metadata": without_metadata_at_poll,
    "transaction": without_transaction,
}


class Death(StrEnum):
    """Where in its first commit a process is killed."""

    BEFORE_POSITIONS = "before_positions"
    """The events are on the brokers, the positions not yet."""
    BEFORE_END = "before_end"
    """Both are, in an open transaction."""
    AFTER_END = "after_end"
    """It was committed, and nobody has heard of it."""


def die_at(death: Death) -> None:
    """Let this process be killed there."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    class Dying(Producer):
        def send_offsets_to_transaction(self, *given: Any) -> None:
            if death is Death.BEFORE_POSITIONS:
                self.flush()
                die()
            super().send_offsets_to_transaction(*given)

        def commit_transaction(self, *given: Any) -> None:
            self.flush()
            if death is Death.BEFORE_END:
                die()
            super().commit_transaction(*given)
            die()

    async def progress(self: KafkaConsumer, positions: Mapping[TopicPartition, Position]) -> None:
        die()

    vars(producers)["Client"] = Dying
    KafkaConsumer.progress = progress  # type: ignore[method-assign]
