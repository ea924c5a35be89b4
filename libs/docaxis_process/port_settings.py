"""Settings of the distributed adapters (`DOCAXIS_MONGO_*`, `DOCAXIS_S3_*` and others).

Kafka's are with its adapter. What a service does not use it is not asked for (`needs`).
"""

from dataclasses import dataclass, field
from pathlib import Path

from docaxis_adapters.mongo_store.driver import MongoDriver
from docaxis_runtime.settings import read_secret

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """The store of states and views: MongoDB 6 or newer, a replica set."""

    mongo_address: str = field(
        default="",
        metadata={"help": "mongodb:// address without a password; or else the file below."},
    )
    mongo_address_file: Path | None = field(
        default=None,
        metadata={
            "secret": True,
            "help": "File of the mongodb:// address, with user and password.",
        },
    )
    mongo_database: str = field(
        default="",
        metadata={
            "help": "Name of the database; docaxis_routing and the like where none is given."
        },
    )
    mongo_driver: MongoDriver = field(
        default=MongoDriver.MOTOR,
        metadata={"help": "The client: motor, or pymongo's own for asyncio."},
    )
    mongo_hint_indexes: bool = field(
        default=True,
        metadata={
            "help": "Whether each page names the index that it reads; some MongoDB-compatible"
            " servers read a hinted index whole."
        },
    )
    mongo_ca_file: Path | None = field(
        default=None,
        metadata={"help": "PEM certificates of the servers' authority; makes TLS a must."},
    )
    mongo_certificate_file: Path | None = field(
        default=None,
        metadata={"secret": True, "help": "PEM file of the client's certificate and key."},
    )

    def __post_init__(self) -> None:
        """Raises `ValueError` for no address, two of them, or a password outside of the file."""
        if bool(self.mongo_address) == bool(self.mongo_address_file):
            raise ValueError("set one of DOCAXIS_MONGO_ADDRESS and DOCAXIS_MONGO_ADDRESS_FILE")
        if ":" in self.mongo_address.partition("://")[2].rpartition("@")[0]:
            raise ValueError(
                "DOCAXIS_MONGO_ADDRESS has a password: give it in DOCAXIS_MONGO_ADDRESS_FILE"
            )

    def address(self) -> str:
        """The whole address, perhaps with a password: never to be logged. Raises `OSError`."""
        if self.mongo_address_file is None:
            return self.mongo_address
        return read_secret(self.mongo_address_file).decode()

    def hosts(self) -> str:
        """The servers' part of the address, for the log. Raises `OSError`."""
        return self.address().partition("://")[2].rpartition("@")[2].partition("/")[0]


@dataclass(frozen=True, slots=True)
class S3Settings:
    """The store of attachments: any S3-compatible one. Sizes in bytes."""

    s3_endpoint: str = field(
        metadata={"help": "https:// address of the store; http:// on this machine alone."}
    )
    s3_bucket: str = field(metadata={"help": "The bucket; it has to be there."})
    s3_access_key_file: Path = field(
        metadata={"secret": True, "help": "File of the access key's id."}
    )
    s3_secret_key_file: Path = field(metadata={"secret": True, "help": "File of the secret key."})
    s3_cache_folder: Path = field(
        metadata={
            "help": "Folder for local copies of files that are checked; each process makes one of"
            " its own in it.",
        }
    )
    s3_cache_bytes: int = field(
        default=GIB, metadata={"min": 0, "help": "How much of them is kept."}
    )
    s3_region: str = field(default="us-east-1", metadata={"help": "The store's region."})
    s3_prefix: str = field(
        default="", metadata={"help": "Put before every key, where the bucket is shared."}
    )
    s3_virtual_hosts: bool = field(
        default=False,
        metadata={"help": "Whether the bucket is named by the host instead of the path."},
    )
    s3_ca_file: Path | None = field(
        default=None, metadata={"help": "PEM certificates of the store's authority."}
    )


@dataclass(frozen=True, slots=True)
class SecretsSettings:
    """Where a service keeps secrets that are no events (webhook secrets, keys of tokens)."""

    secrets_folder: Path = field(
        metadata={"help": "Folder with mode 0700, shared by the replicas of a service."}
    )


@dataclass(frozen=True, slots=True)
class ReceiptKeySettings:
    """The key that signs receipts; all replicas of the signature service have the same."""

    receipt_key_file: Path = field(
        metadata={"secret": True, "help": "PEM file (PKCS #8, mode 0600) of the Ed25519 key."}
    )
