"""What an axis stands on: addresses of Kafka, a MongoDB-compatible and an S3-compatible server."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.cluster.mongo import MONGOD
from tools.cluster.s3 import S3Settings
from tools.cluster.servers import Servers


@dataclass(frozen=True, slots=True)
class Stores:
    """Addresses, and what keeps one axis apart from others on the same servers."""

    kafka: str
    """Bootstrap servers."""
    mongo: str
    """The address, without a database."""
    s3: S3Settings
    prefix: str = ""
    """Put before topics, databases and keys: letters, digits and `-`."""
    hint_indexes: bool = True
    """Whether pages name their index: SecantusDB reads a hinted one whole."""

    def environment(self, service: str) -> Mapping[str, str]:
        """The settings of a service's process; the two keys of S3 are files (`axis_folder`)."""
        return {
            "DOCAXIS_KAFKA_SERVERS": self.kafka,
            "DOCAXIS_KAFKA_TOPIC_PREFIX": self.prefix,
            "DOCAXIS_MONGO_ADDRESS": self.mongo,
            "DOCAXIS_MONGO_DATABASE": f"{self.prefix}docaxis_{service}",
            "DOCAXIS_MONGO_HINT_INDEXES": str(self.hint_indexes).lower(),
            "DOCAXIS_S3_ENDPOINT": self.s3.endpoint,
            "DOCAXIS_S3_BUCKET": self.s3.bucket,
            "DOCAXIS_S3_REGION": self.s3.region,
            "DOCAXIS_S3_PREFIX": self.prefix,
        }


def stores_of(servers: Servers) -> Stores:
    """Those of servers that one axis has for itself."""
    return Stores(
        servers.kafka.bootstrap,
        servers.mongo.address,
        servers.s3.settings,
        hint_indexes=servers.mongo.product == MONGOD,
    )
