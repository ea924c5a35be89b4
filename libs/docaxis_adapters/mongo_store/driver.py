"""The client: motor or PyMongo's own async one. No other file knows which it is.

The two make the same calls on databases, collections and cursors, so motor's client is typed as
PyMongo's. They differ in how a session and a transaction begin, and in closing. Either is imported
when it is asked for.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

Document = dict[str, Any]


class MongoDriver(StrEnum):
    """The library that talks to MongoDB."""

    MOTOR = "motor"
    PYMONGO = "pymongo"


@dataclass(frozen=True, slots=True)
class MongoTls:
    """TLS to MongoDB, always with the server's name checked. PEM files."""

    ca_file: Path | None = None
    """Whom to trust; None for the system's authorities."""
    certificate_key_file: Path | None = None
    """The client's certificate and private key in one file; None for none."""


class Client(Protocol):
    """What the rest of the package needs of a client."""

    def database(self, name: str) -> "AsyncDatabase[Document]":
        """A database, with the client's concerns for reads and writes."""
        ...

    def has_primary(self) -> bool:
        """Whether a server that takes writes was seen a moment ago."""
        ...

    async def session(self) -> "AsyncClientSession":
        """A new, causally consistent session."""
        ...

    async def begin(self, session: "AsyncClientSession") -> None:
        """Begin a transaction that reads one snapshot."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def connect(
    driver: MongoDriver, address: str, *, tls: MongoTls | None, connect_timeout_s: float
) -> Client:
    """A client that connects when first used: majority and journalled writes, primary reads.

    What `address` says otherwise about that is overruled. Raises `ValueError` for an address or a
    TLS file that cannot be used; the address, which may hold a password, is in no message.
    """
    if not address.startswith(("mongodb://", "mongodb+srv://")):
        # The driver would take it for a host's name, and quote it.
        raise ValueError("the address of MongoDB begins with mongodb://")
    options: dict[str, Any] = {
        "appname": "docaxis",
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "retryReads": True,
        "retryWrites": True,
        "connectTimeoutMS": max(1, round(connect_timeout_s * 1000)),
        "serverSelectionTimeoutMS": max(1, round(connect_timeout_s * 1000)),
        **_tls_options(tls),
    }
    from pymongo.errors import ConfigurationError

    try:
        return (
            _Motor(address, options) if driver is MongoDriver.MOTOR else _PyMongo(address, options)
        )
    except (ConfigurationError, ValueError) as error:
        reason = type(error).__name__  # its words may quote the address
        raise ValueError(f"the address of MongoDB cannot be used ({reason})") from None


def _tls_options(tls: MongoTls | None) -> Mapping[str, Any]:
    if tls is None:
        return {}
    options: dict[str, Any] = {"tls": True}
    for name, file in (
        ("tlsCAFile", tls.ca_file),
        ("tlsCertificateKeyFile", tls.certificate_key_file),
    ):
        if file is not None:
            if not file.is_file():
                raise ValueError(f"TLS to MongoDB: {file} is not a file")
            options[name] = str(file)
    return options


class _PyMongo:
    def __init__(self, address: str, options: Mapping[str, Any]) -> None:
        from pymongo import AsyncMongoClient

        self._client: AsyncMongoClient[Document] = AsyncMongoClient(address, **options)

    def database(self, name: str) -> "AsyncDatabase[Document]":
        return self._client[name]

    def has_primary(self) -> bool:
        return self._client.topology_description.has_writable_server()

    async def session(self) -> "AsyncClientSession":
        return self._client.start_session(causal_consistency=True)

    async def begin(self, session: "AsyncClientSession") -> None:
        from pymongo.read_concern import ReadConcern

        await session.start_transaction(read_concern=ReadConcern("snapshot"))

    async def close(self) -> None:
        await self._client.close()


class _Motor:
    def __init__(self, address: str, options: Mapping[str, Any]) -> None:
        from motor.motor_asyncio import AsyncIOMotorClient

        self._client: Any = AsyncIOMotorClient(address, **options)

    def database(self, name: str) -> "AsyncDatabase[Document]":
        return cast("AsyncDatabase[Document]", self._client[name])

    def has_primary(self) -> bool:
        return bool(self._client.topology_description.has_writable_server())

    async def session(self) -> "AsyncClientSession":
        return cast("AsyncClientSession", await self._client.start_session(causal_consistency=True))

    async def begin(self, session: "AsyncClientSession") -> None:
        from pymongo.read_concern import ReadConcern

        cast(Any, session).start_transaction(read_concern=ReadConcern("snapshot"))

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)  # tells the server, on this very thread
