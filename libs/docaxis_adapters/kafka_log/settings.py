"""Settings of the Kafka log (`DOCAXIS_KAFKA_*`) and what its clients have in common."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Protocol(StrEnum):
    """How clients speak to the brokers."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class Mechanism(StrEnum):
    """How clients say who they are, over SASL."""

    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where the brokers are, how to speak to them, and how topics are made."""

    kafka_servers: str = field(
        metadata={"help": "Bootstrap servers of Kafka: host:port, separated by commas."},
    )
    kafka_topic_prefix: str = field(
        default="",
        metadata={"help": "Put before every topic, group and transactional id of this axis."},
    )
    kafka_replication: int = field(
        default=3,
        metadata={"min": 1, "max": 9, "help": "Copies of each partition, on different brokers."},
    )
    kafka_min_insync: int = field(
        default=2,
        metadata={"min": 1, "max": 9, "help": "Copies that must have a record before it counts."},
    )
    kafka_protocol: Protocol = field(
        default=Protocol.PLAINTEXT,
        metadata={"help": "How to speak to the brokers; plaintext only on a trusted network."},
    )
    kafka_ca_file: Path | None = field(
        default=None,
        metadata={"help": "PEM file of the authorities of the brokers' certificates."},
    )
    kafka_certificate_file: Path | None = field(
        default=None, metadata={"help": "PEM file of the client's certificate (mutual TLS)."}
    )
    kafka_key_file: Path | None = field(
        default=None,
        metadata={"secret": True, "help": "PEM file of the client's key (mutual TLS)."},
    )
    kafka_sasl_mechanism: Mechanism = field(
        default=Mechanism.SCRAM_SHA_512,
        metadata={"help": "With a sasl_ protocol: how the client says who it is."},
    )
    kafka_user: str = field(
        default="", metadata={"help": "With a sasl_ protocol: the user's name."}
    )
    kafka_password_file: Path | None = field(
        default=None,
        metadata={"secret": True, "help": "With a sasl_ protocol: file of the user's password."},
    )

    def __post_init__(self) -> None:
        if self.kafka_min_insync > self.kafka_replication:
            raise ValueError(
                "DOCAXIS_KAFKA_MIN_INSYNC is more than DOCAXIS_KAFKA_REPLICATION: nothing could be"
                " written"
            )
        if self.uses_sasl and not (self.kafka_user and self.kafka_password_file):
            raise ValueError(
                f"DOCAXIS_KAFKA_PROTOCOL is {self.kafka_protocol}: set DOCAXIS_KAFKA_USER and"
                " DOCAXIS_KAFKA_PASSWORD_FILE"
            )
        if (self.kafka_certificate_file is None) is not (self.kafka_key_file is None):
            raise ValueError(
                "DOCAXIS_KAFKA_CERTIFICATE_FILE and DOCAXIS_KAFKA_KEY_FILE go together"
            )

    @property
    def uses_sasl(self) -> bool:
        """Whether the client has a name and a password."""
        return self.kafka_protocol in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)
