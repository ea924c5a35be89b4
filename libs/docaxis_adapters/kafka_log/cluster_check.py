"""Whether a cluster can carry an axis, asked once at start; what it cannot do is said in words."""

import time
import uuid
from contextlib import suppress

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import ResourceType

from docaxis_adapters.kafka_log.administration import Administration
from docaxis_adapters.kafka_log.clients import OPERATION_S, Config, following
from docaxis_adapters.kafka_log.failures import is_fatal, meaning, told
from docaxis_eventsourcing.errors import Unavailable

_LEAST_OFFSETS_RETENTION_MIN = 7 * 24 * 60
"""A group that nobody was a member of for so long may lose its committed positions (L17)."""
_GROUP_PROTOCOL = "consumer"
_PROBE = "docaxis.probe"
_SLICE_S = 0.05
_PASSING = {KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET}
_CANNOT = "this Kafka cluster cannot carry an axis: "


def check_settings(administration: Administration) -> None:
    """Whether a broker's settings are good enough. Blocks.

    Raises `ValueError` with everything that is not, `Unavailable` with what is in the way.
    """
    broker = min(administration.cluster().brokers)
    config = administration.described(ResourceType.BROKER, str(broker))
    problems = []
    protocols = config.get("group.coordinator.rebalance.protocols")
    if protocols is not None and _GROUP_PROTOCOL not in protocols.split(","):
        problems.append(
            f"{_no_group_protocol()} (group.coordinator.rebalance.protocols={protocols})"
        )
    retention = int(config.get("offsets.retention.minutes") or _LEAST_OFFSETS_RETENTION_MIN)
    if retention < _LEAST_OFFSETS_RETENTION_MIN:
        problems.append(
            f"offsets.retention.minutes={retention}: a service that rests longer would forget"
            f" how far it came; needed: at least {_LEAST_OFFSETS_RETENTION_MIN}"
        )
    if problems:
        raise ValueError(_CANNOT + "; ".join(problems))


def check_group_protocol(administration: Administration, base: Config, topic: str) -> None:
    """Whether a group can be joined by the protocol of KIP-848. Blocks.

    Only a member is told: a broker with the feature `group.version` at 0 has all the settings. So
    one joins a group of its own over a topic that is there, and leaves. Raises `ValueError`,
    `Unavailable`.
    """
    group = f"{topic}.{_PROBE}-{uuid.uuid4().hex}"
    with told():
        client = Consumer(following(base, group))
    try:
        _join(client, topic)
    finally:
        client.close()
    with suppress(KafkaException):  # the cluster removes an empty group by itself, later
        administration.client.delete_consumer_groups([group])[group].result(OPERATION_S)


def _join(client: Consumer, topic: str) -> None:
    assigned: list[object] = []
    with told():
        client.subscribe([topic], on_assign=lambda _, places: assigned.extend(places))
        until = time.monotonic() + OPERATION_S
        while not assigned:
            if time.monotonic() >= until:
                raise Unavailable("the coordinator of consumer groups does not answer")
            message = client.poll(_SLICE_S)
            error = None if message is None else message.error()
            if error is None or error.code() in _PASSING:
                continue
            if is_fatal(error):
                raise ValueError(f"{_CANNOT}{_no_group_protocol()}: {error.str()}")
            raise meaning(error)


def _no_group_protocol() -> str:
    return (
        "it does not serve the consumer group protocol of KIP-848, which Apache Kafka has from 4.0"
        " on with the feature group.version at 1"
    )
