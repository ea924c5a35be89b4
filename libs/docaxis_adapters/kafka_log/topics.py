"""Topics made as an axis needs them, and checked where they are there already (L3, L17)."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, cast

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
    TopicMetadata,
)

from docaxis_adapters.kafka_log.clients import OPERATION_S, Config
from docaxis_adapters.kafka_log.failures import error_of, meaning, told
from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import TopicPartition

_log = structlog.get_logger(__name__)

FOR_EVER = "-1"
_LEAST_OFFSETS_RETENTION_MIN = 7 * 24 * 60
"""A group that nobody was a member of for so long may lose its committed positions (L17)."""
_GROUP_PROTOCOL = "consumer"
_ENDS_NOW_S = 3.0
_SHOWN_WITHIN_S = 10.0
_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a topic has to be."""

    name: str
    partitions: int
    kept_s: float | None

    def config(self, settings: KafkaSettings) -> dict[str, str]:
        """Its configuration; everything that an axis relies on is said, no default is."""
        kept = FOR_EVER if self.kept_s is None else str(int(self.kept_s * 1000))
        return {
            "cleanup.policy": "delete",
            "retention.ms": kept,
            "retention.bytes": FOR_EVER,
            "message.timestamp.type": "LogAppendTime",  # L5
            "min.insync.replicas": str(settings.kafka_min_insync),
            "unclean.leader.election.enable": "false",
        }


class Topics:
    """The cluster's topics. Blocking calls: run them beside the event loop."""

    def __init__(self, base: Config, settings: KafkaSettings) -> None:
        with told():
            self._admin = AdminClient(base)
        self._settings = settings

    def check_cluster(self) -> None:
        """Whether the cluster can do what an axis needs.

        Raises `ValueError` with everything that it cannot, `Unavailable`. How many brokers there
        are is asked when a topic is made: they join one after the other, and while one of three is
        away a service may start again.
        """
        with told():
            cluster = self._admin.list_topics(timeout=OPERATION_S)
        broker = str(min(cluster.brokers))
        config = self._described(ConfigResource(ResourceType.BROKER, broker))
        problems = []
        protocols = config.get("group.coordinator.rebalance.protocols")
        if protocols is not None and _GROUP_PROTOCOL not in protocols.split(","):
            problems.append(
                "it does not serve the consumer group protocol of KIP-848"
                f" (group.coordinator.rebalance.protocols={protocols}; needed: consumer,"
                " which Apache Kafka has from 4.0 on)"
            )
        retention = int(config.get("offsets.retention.minutes") or _LEAST_OFFSETS_RETENTION_MIN)
        if retention < _LEAST_OFFSETS_RETENTION_MIN:
            problems.append(
                f"offsets.retention.minutes={retention}: a service that rests longer would forget"
                f" how far it came; needed: at least {_LEAST_OFFSETS_RETENTION_MIN}"
            )
        if problems:
            raise ValueError(f"this Kafka cluster cannot carry an axis: {'; '.join(problems)}")

    def exists(self, name: str) -> bool:
        """Whether a topic is there now. Raises `Unavailable`."""
        return self._look(name) is not None

    def _look(self, name: str) -> TopicMetadata | None:
        with told():
            found = self._admin.list_topics(name, timeout=OPERATION_S).topics.get(name)
        return found if found is not None and found.error is None and found.partitions else None

    def make(self, wanted: Sequence[Wanted]) -> None:
        """Create what is missing and check what is there.

        Raises `ValueError` naming each setting in which a topic disagrees; `Unavailable`, also
        where a topic is missing and there are fewer brokers now than it needs.
        """
        new = [
            NewTopic(
                each.name,
                num_partitions=each.partitions,
                replication_factor=self._settings.kafka_replication,
                config=each.config(self._settings),
            )
            for each in wanted
        ]
        there = []
        with told():
            created = self._admin.create_topics(new, operation_timeout=OPERATION_S)
        for each in wanted:
            try:
                created[each.name].result()
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                    # Brokers that are still to join, or away for a while.
                    raise Unavailable(f"{each.name}: {error.str()}") from exception
                if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise meaning(error) from exception
                there.append(each)
        for each in wanted:
            self._shown(each.name)
        if problems := [problem for each in there for problem in self._problems(each)]:
            raise ValueError(
                "topics are there already and disagree with this axis: " + "; ".join(problems)
            )

    def ends(self, places: Sequence[TopicPartition]) -> "Mapping[TopicPartition, Future[Any]]":
        """The high watermarks, uncommitted transactions included (L15), on their way."""
        with told():
            asked = self._admin.list_offsets(
                {Place(at.topic, at.partition): cast(Any, OffsetSpec).latest() for at in places},
                request_timeout=OPERATION_S,
            )
        return {TopicPartition(at.topic, at.partition): each for at, each in asked.items()}

    def ends_now(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The high watermarks, by topic and number; 0 where the cluster does not say in time."""
        found = dict.fromkeys(places, 0)
        try:
            for at, asked in self.ends([TopicPartition(*each) for each in places]).items():
                with told():
                    found[at] = int(asked.result(_ENDS_NOW_S).offset)
        except (Unavailable, TimeoutError) as error:
            _log.warning("ends_not_known", reason=repr(error))
        return found

    def trim(self, at: TopicPartition, before: int) -> None:
        """Remove what lies before an offset. Raises `Unavailable`."""
        place = Place(at.topic, at.partition, before)
        with told():
            for future in self._admin.delete_records([place]).values():
                future.result()

    def _shown(self, name: str) -> TopicMetadata:
        """A topic just made is not known to every broker at once."""
        until = time.monotonic() + _SHOWN_WITHIN_S
        while (found := self._look(name)) is None:
            if time.monotonic() > until:
                raise Unavailable(f"{name} was made, and no broker shows it")
            time.sleep(_AGAIN_S)
        return found

    def _problems(self, wanted: Wanted) -> list[str]:
        found = self._shown(wanted.name)
        problems = []
        if len(found.partitions) != wanted.partitions:
            problems.append(
                f"{wanted.name} has {len(found.partitions)} partitions, not {wanted.partitions}:"
                " the count is fixed for an installation (L3)"
            )
        copies = min((len(each.replicas) for each in found.partitions.values()), default=0)
        if copies < self._settings.kafka_replication:
            problems.append(
                f"{wanted.name} has {copies} replicas, not {self._settings.kafka_replication}"
            )
        config = self._described_topic(wanted.name)
        problems += [
            f"{wanted.name} has {key}={config.get(key)}, not {value}"
            for key, value in wanted.config(self._settings).items()
            if config.get(key) != value
        ]
        return problems

    def _described_topic(self, name: str) -> dict[str, str | None]:
        """As `_shown`: the broker that is asked may not know it yet."""
        until = time.monotonic() + _SHOWN_WITHIN_S
        while True:
            try:
                return self._described(ConfigResource(ResourceType.TOPIC, name))
            except Unavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)

    def _described(self, resource: ConfigResource) -> dict[str, str | None]:
        with told():
            (future,) = self._admin.describe_configs(
                [resource], request_timeout=OPERATION_S
            ).values()
            return {name: entry.value for name, entry in future.result().items()}
