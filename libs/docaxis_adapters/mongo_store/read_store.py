"""The `ReadStore` of services that are processes of their own, on a MongoDB replica set."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from docaxis_adapters.mongo_store.declarations import SpaceGone
from docaxis_adapters.mongo_store.driver import MongoDriver, MongoTls, connect
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, Row, RowRange, Table

if TYPE_CHECKING:
    from docaxis_adapters.mongo_store.checkpoints import Checkpoints
    from docaxis_adapters.mongo_store.reader import Reader
    from docaxis_adapters.mongo_store.registry import Registry
    from docaxis_adapters.mongo_store.sessions import Sessions
    from docaxis_adapters.mongo_store.writer import Writer

_WIRE_OF_6_0 = 17


class MongoReadStore:
    """The port's `ReadStore`; made by `open`."""

    def __init__(
        self,
        sessions: "Sessions",
        registry: "Registry",
        checkpoints: "Checkpoints",
        writer: "Writer",
        reader: "Reader",
    ) -> None:
        self._sessions = sessions
        self._registry = registry
        self._checkpoints = checkpoints
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(
        cls,
        address: str,
        database: str,
        *,
        driver: MongoDriver = MongoDriver.MOTOR,
        tls: MongoTls | None = None,
        timeout_s: float = 10.0,
        server_selection_timeout_s: float = 5.0,
        hint_indexes: bool = True,
    ) -> Self:
        """Connect, and create the registry where it is missing.

        `address` is a `mongodb://` URI and may hold user and password: it is in no message and no
        log. Each call ends within `timeout_s`, retries included, and within
        `server_selection_timeout_s` while no primary is known. `hint_indexes` names the index of
        each page to the server, so that no plan can be another; without it the server chooses.
        Raises `Unavailable` when MongoDB is away, `ValueError` for an address, a TLS file or a
        server that cannot be used.
        """
        from docaxis_adapters.mongo_store.checkpoints import Checkpoints
        from docaxis_adapters.mongo_store.reader import Reader
        from docaxis_adapters.mongo_store.registry import Registry
        from docaxis_adapters.mongo_store.sessions import Sessions
        from docaxis_adapters.mongo_store.writer import Writer

        client = connect(driver, address, tls=tls, connect_timeout_s=server_selection_timeout_s)
        sessions = Sessions(
            client, database, timeout_s=timeout_s, selection_s=server_selection_timeout_s
        )
        registry = Registry(sessions)
        try:
            async with sessions.call():
                _check(await sessions.database.command("hello"))
            await registry.open()
        except BaseException:
            await sessions.close()
            raise
        checkpoints = Checkpoints(sessions)
        writer, reader = Writer(sessions, checkpoints, registry), Reader(sessions, hint_indexes)
        return cls(sessions, registry, checkpoints, writer, reader)

    async def declare(self, space: str, tables: Sequence[Table]) -> None:
        """Create tables and indexes that are missing. Raises `ValueError` on a changed shape."""
        await self._registry.declare(space, tables)

    async def checkpoint(self, space: str, partition: int) -> Position | None:
        """How far a partition was applied; None at first."""
        while (found := await self._registry.find(space)) is not None:
            at, _ = await self._checkpoints.read(found.number, partition)
            if at is not None or await self._registry.stands(found):
                return at
            self._registry.forget(space)  # dropped, and perhaps declared again
        return None

    async def apply(
        self,
        space: str,
        partition: int,
        start: Position | None,
        end: Position,
        changes: Mapping[str, Changes],
    ) -> None:
        """One atomic step that first moves the checkpoint from `start` to `end` (L24)."""
        declared = await self._registry.declared(space, *changes)
        try:
            await self._writer.apply(declared, partition, start, end, changes)
        except SpaceGone:
            raise self._registry.gone(space) from None

    async def get(self, space: str, table: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """The rows that exist, by key."""
        declared = await self._registry.declared(space, table)
        try:
            return await self._reader.get(declared.shapes[table], keys)
        except SpaceGone:
            raise self._registry.gone(space) from None

    async def range(self, space: str, table: str, rows: RowRange) -> Sequence[Row]:
        """A page of rows in index order, all of one moment."""
        declared = await self._registry.declared(space, table)
        try:
            return await self._reader.page(declared.shapes[table], rows)
        except SpaceGone:
            raise self._registry.gone(space) from None

    async def spaces(self) -> Sequence[str]:
        """The names of all declared spaces, whoever declared them."""
        return await self._registry.names()

    async def drop(self, space: str) -> None:
        """Remove a space with all its rows and checkpoints; nothing happens if there is none."""
        await self._registry.drop(space)

    async def close(self) -> None:
        """Finish what was accepted, as far as it has time, and close all connections."""
        await self._sessions.close()


def _check(hello: Mapping[str, Any]) -> None:
    if hello.get("maxWireVersion", 0) < _WIRE_OF_6_0 or "setName" not in hello:
        raise ValueError(
            "MongoDB has to be 6.0 or newer and a replica set: others have no snapshots"
        )
