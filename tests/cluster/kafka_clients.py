"""What these tests do with Kafka: make a topic, write, read all of it."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from docaxis_adapters.kafka_log.records import value_and_headers
from docaxis_eventsourcing.ports.event_log import Outgoing

WITHIN_S = 40.0


def make_topic(bootstrap: str, name: str, *, partitions: int = 2, copies: int = 3) -> None:
    """A topic, known to its brokers when this returns."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(name, partitions, copies)])[name].result(WITHIN_S)


def write(bootstrap: str, topic: str, values: Iterable[str], **settings: object) -> None:
    """Write records, acknowledged by all that are in sync. Fails where one is not."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0, **settings}
    )
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failed.append(error)

    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
    assert producer.flush(WITHIN_S) == 0
    assert failed == []


def read_all(bootstrap: str, topic: str, count: int) -> list[str]:
    """The first `count` committed records of all partitions, sorted."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    found: list[str] = []
    end = monotonic() + WITHIN_S
    try:
        while len(found) < count:
            assert monotonic() < end, f"{len(found)} of {count} records of {topic}"
            message = consumer.poll(0.5)
            if message is None:
                continue
            if (error := message.error()) is not None:
                assert error.retriable() or error.code() == KafkaError._ALL_BROKERS_DOWN, error
                continue
            value = message.value()
            assert value is not None
            found.append(value.decode())
    finally:
        consumer.close()
    return sorted(found)


def group_protocol_error(bootstrap: str, topic: str) -> str:
    """The fatal error that a member of a KIP-848 group is told; empty where it gets a record."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{topic}-848",
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    end = monotonic() + WITHIN_S
    try:
        while monotonic() < end:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if (error := message.error()) is None:
                return ""
            if error.code() == KafkaError._FATAL:
                return str(error)
    finally:
        consumer.close()
    raise AssertionError("neither a record nor a fatal error")


def broker_settings(bootstrap: str, broker: int, names: Sequence[str]) -> Mapping[str, str | None]:
    """The values of a broker's settings as it tells them; none for one that it does not know."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    resource = ConfigResource(ConfigResource.Type.BROKER, str(broker))
    told = admin.describe_configs([resource])[resource].result(WITHIN_S)
    return {name: told[name].value if name in told else None for name in names}


def open_transaction(bootstrap: str, prefix: str, outputs: Iterable[Outgoing]) -> Producer:
    """Somebody's transaction with records that are on the brokers, neither committed nor aborted.

    Commit or abort it by the producer; the cluster aborts it after a minute.
    """
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": f"{prefix}somebody", "log_level": 0}
    )
    producer.init_transactions(WITHIN_S)
    producer.begin_transaction()
    for output in outputs:
        value, headers = value_and_headers(output)
        producer.produce(prefix + output.topic, value, partition=output.partition, headers=headers)
    assert producer.flush(WITHIN_S) == 0
    return producer
