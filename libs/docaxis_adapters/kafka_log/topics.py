"""Topics made as an axis needs them, and checked where they are there already (L3, L17)."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, cast

import structlog
from confluent_kafka import IsolationLevel, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import NewTopic, OffsetSpec, ResourceType, TopicMetadata

from docaxis_adapters.kafka_log.administration import Administration
from docaxis_adapters.kafka_log.clients import OPERATION_S
from docaxis_adapters.kafka_log.failures import error_of, meaning, told
from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import TopicPartition

_log = structlog.get_logger(__name__)

FOR_EVER = "-1"
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
    """The cluster's topics, by their full names. Blocking calls: run them beside the event loop."""

    def __init__(self, administration: Administration, settings: KafkaSettings) -> None:
        self._administration = administration
        self._settings = settings

    def exists(self, name: str) -> bool:
        """Whether a topic is there, and each partition has a leader. Raises `Unavailable`."""
        return self._look(name) is not None

    def _look(self, name: str) -> TopicMetadata | None:
        with told():
            found = self._administration.client.list_topics(name, timeout=OPERATION_S)
        topic = found.topics.get(name)
        if topic is None or topic.error is not None or not topic.partitions:
            return None
        led = all(each.leader >= 0 for each in topic.partitions.values())
        return topic if led else None

    def make(self, wanted: Sequence[Wanted]) -> None:
        """Create what is missing and check what is there.

        Raises `ValueError` naming each setting in which a topic disagrees; `Unavailable`, also
        where a topic is missing and fewer brokers than it needs have joined.
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
            created = self._administration.client.create_topics(new, operation_timeout=OPERATION_S)
        for each in wanted:
            try:
                created[each.name].result()
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                    # Brokers that are still to join; one that is away for a while counts.
                    raise Unavailable(
                        f"{each.name}: {error.str()} DOCAXIS_KAFKA_REPLICATION is"
                        f" {self._settings.kafka_replication}"
                    ) from exception
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
        return self._offsets(places, IsolationLevel.READ_UNCOMMITTED)

    def stable_ends(
        self, places: Sequence[TopicPartition]
    ) -> "Mapping[TopicPartition, Future[Any]]":
        """The last stable offsets, on their way: no transaction that began before is open."""
        return self._offsets(places, IsolationLevel.READ_COMMITTED)

    def _offsets(
        self, places: Sequence[TopicPartition], isolation: IsolationLevel
    ) -> "Mapping[TopicPartition, Future[Any]]":
        with told():
            asked = self._administration.client.list_offsets(
                {Place(at.topic, at.partition): cast(Any, OffsetSpec).latest() for at in places},
                isolation_level=isolation,
                request_timeout=OPERATION_S,
            )
        return {TopicPartition(at.topic, at.partition): each for at, each in asked.items()}

    def ends_now(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The high watermarks that the cluster tells within a moment; the others are left out."""
        found: dict[TopicPartition, int] = {}
        until = time.monotonic() + _ENDS_NOW_S
        try:
            for at, asked in self.ends(places).items() if places else ():
                left_s = max(0.0, until - time.monotonic())
                found[at] = int(asked.result(left_s).offset)
        except (KafkaException, Unavailable, TimeoutError) as error:
            _log.warning("ends_not_known", reason=repr(error))
        return found

    def trim(self, at: TopicPartition, before: int) -> None:
        """Remove what lies before an offset. Raises `Unavailable`."""
        place = Place(at.topic, at.partition, before)
        with told():
            for future in self._administration.client.delete_records([place]).values():
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
                return self._administration.described(ResourceType.TOPIC, name)
            except Unavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)
