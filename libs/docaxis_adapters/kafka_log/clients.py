"""How every Kafka client of ours is configured; what they differ in is said where they are made.

The keys are librdkafka's (its CONFIGURATION.md).
"""

from typing import Any

from docaxis_adapters.kafka_log.client_log import LOG
from docaxis_adapters.kafka_log.settings import KafkaSettings

OPERATION_S = 10.0
"""How long one request to the cluster may take before it is `Unavailable`."""
TRANSACTION_S = 10.0
"""A dead processor's open transaction is ended by the cluster after this (L13)."""
_DELIVERY_S = 15.0
_KEPT_ALIVE_WITHIN_S = 60.0

Config = dict[str, Any]


def common(settings: KafkaSettings, replica: str) -> Config:
    """What all clients have in common: the brokers, and who we are."""
    config: Config = {
        "bootstrap.servers": settings.kafka_servers,
        "client.id": replica,
        "security.protocol": settings.kafka_protocol.value,
        "logger": LOG,
        "log_level": 4,
        "log.connection.close": False,
        # A broker that comes back is found again within a second.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "socket.timeout.ms": 10_000,
        "socket.keepalive.enable": True,
        "metadata.max.age.ms": 60_000,
        "topic.metadata.refresh.interval.ms": 60_000,
    }
    for key, path in (
        ("ssl.ca.location", settings.kafka_ca_file),
        ("ssl.certificate.location", settings.kafka_certificate_file),
        ("ssl.key.location", settings.kafka_key_file),
    ):
        if path is not None:
            config[key] = str(path)
    if settings.uses_sasl and settings.kafka_password_file is not None:
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism.value
        config["sasl.username"] = settings.kafka_user
        config["sasl.password"] = settings.kafka_password_file.read_text().rstrip("\r\n")
    return config


def appending(base: Config) -> Config:
    """An idempotent producer: each record once and in order, on all in-sync copies."""
    return {
        **base,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 1,
        # A broker that hangs is given up for another leader before a user gives us up.
        "request.timeout.ms": 5_000,
        "compression.type": "lz4",
        "delivery.timeout.ms": int(_DELIVERY_S * 1000),
        "queue.buffering.max.messages": 100_000,
        "queue.buffering.max.kbytes": 65_536,
    }


def transacting(base: Config, transactional_id: str) -> Config:
    """A transactional producer (KIP-98)."""
    return {
        **appending(base),
        "delivery.timeout.ms": int(TRANSACTION_S * 1000),
        "transactional.id": transactional_id,
        "transaction.timeout.ms": int(TRANSACTION_S * 1000),
    }


def reading(base: Config, group: str, wait_ms: int) -> Config:
    """A consumer that sees committed records alone; `wait_ms`: how long a fetch waits for one."""
    return {
        **base,
        "group.id": group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # L17
        "enable.partition.eof": True,
        "fetch.wait.max.ms": wait_ms,
        "fetch.error.backoff.ms": 100,
        "fetch.queue.backoff.ms": 100,
        "max.partition.fetch.bytes": 1_048_576,
        "queued.max.messages.kbytes": 16_384,
    }


def asking(base: Config, group: str) -> Config:
    """A consumer that is no member of its group: it asks for the group's positions.

    Nobody polls it, so its log lines, which wait for that, are not written; its failures are
    raised. A coordinator that hangs is given up soon.
    """
    config = {**reading(base, group, wait_ms=250), "log_level": 0, "socket.timeout.ms": 3_000}
    config.pop("logger", None)
    return config


def following(base: Config, group: str) -> Config:
    """A member of a consumer group, by the protocol of KIP-848.

    `range` gives the same partition numbers of every topic to the same member (L10). No group
    instance id: who comes back after SIGKILL under its old one can be refused for good (L13).
    """
    return {
        **reading(base, group, wait_ms=250),
        "group.protocol": "consumer",
        "group.remote.assignor": "range",
        "max.poll.interval.ms": int(_KEPT_ALIVE_WITHIN_S * 1000),
    }
