"""Which spaces and tables there are: declared and dropped by any process at any time.

`spaces` holds `{_id: number, name, partitions}`, `tables` `{_id: number, space: number, name,
shape}`. Numbers are never given twice. A table is there once its collection holds the marker, its
last step; a space is gone with its document in `spaces`, the first (`leftovers`).
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from docaxis_adapters.mongo_store.declarations import from_stored, not_declared, to_stored
from docaxis_adapters.mongo_store.leftovers import remove_leftovers
from docaxis_adapters.mongo_store.sessions import Sessions
from docaxis_adapters.mongo_store.shapes import KEY, MARKER, Shape
from docaxis_eventsourcing.ports.read_store import Table

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession


class Space:
    """A declared space: its number, and its tables as far as this process has seen them."""

    def __init__(self, number: int, shapes: dict[str, Shape]) -> None:
        self.number = number
        self.shapes = shapes


class Registry:
    """The collections `spaces`, `tables` and `numbers`, with what was read of them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._database = sessions.database
        self._spaces = sessions.database["spaces"]
        self._tables = sessions.database["tables"]
        self._known: dict[str, Space] = {}

    async def open(self) -> None:
        """Create the registry's indexes. Raises `Unavailable`."""
        async with self._sessions.call() as session:
            await self._spaces.create_index([("name", ASCENDING)], unique=True, session=session)
            await self._tables.create_index(
                [("space", ASCENDING), ("name", ASCENDING)], unique=True, session=session
            )

    async def find(self, name: str) -> Space | None:
        """A space, as known or as it was declared meanwhile; None where there is none."""
        if name not in self._known:
            async with self._sessions.call() as session:
                found = await self._spaces.find_one({"name": name}, session=session)
                if found is None:
                    return None
                self._known[name] = Space(found["_id"], await self._shapes(found["_id"], session))
        return self._known[name]

    async def declared(self, name: str, *tables: str) -> Space:
        """A space that has these tables. Raises `ValueError` where it has not, `Unavailable`."""
        space = await self.find(name)
        if space is not None and not space.shapes.keys() >= set(tables):
            self.forget(name)  # another process may have declared more
            space = await self.find(name)
        if space is None or not space.shapes.keys() >= set(tables):
            missing = set(tables) - (space.shapes.keys() if space is not None else set())
            raise not_declared(", ".join(f"{name}.{table}" for table in sorted(missing)) or name)
        return space

    async def stands(self, space: Space) -> bool:
        """Whether a space that was found is still there."""
        async with self._sessions.call() as session:
            found = await self._spaces.find_one({"_id": space.number}, session=session)
        return found is not None

    def forget(self, name: str) -> None:
        """Look again when it is next asked for."""
        self._known.pop(name, None)

    def gone(self, name: str) -> ValueError:
        """Forget a space that was found dropped; the error to raise."""
        self.forget(name)
        return not_declared(name)

    async def names(self) -> list[str]:
        """All declared spaces."""
        async with self._sessions.call() as session:
            found = await self._spaces.find({}, {"name": True}, session=session).to_list(None)
        return sorted(each["name"] for each in found)

    async def declare(self, name: str, tables: Sequence[Table]) -> None:
        """See `ReadStore.declare`. Processes that declare the same at once all succeed."""
        for table in tables:
            Shape(0, table)  # what makes no sense is refused before anything is written
        while True:
            async with self._sessions.call() as session:
                number = await self._space_number(name, session)
                await self._declare_tables(number, name, tables, session)
                shapes = await self._shapes(number, session)
                for shape in shapes.values():
                    await self._create(shape, session)
                if await self._spaces.find_one({"_id": number}, session=session) is not None:
                    self._known[name] = Space(number, shapes)
                    return
            # Dropped while it was declared: again, under another number.
            await remove_leftovers(self._sessions)

    async def _space_number(self, name: str, session: "AsyncClientSession") -> int:
        while True:
            found = await self._spaces.find_one({"name": name}, session=session)
            if found is not None:
                return int(found["_id"])
            number = await self._number(session)
            try:
                await self._spaces.insert_one({"_id": number, "name": name}, session=session)
            except DuplicateKeyError:
                continue
            return number

    async def _declare_tables(
        self, space: int, name: str, tables: Sequence[Table], session: "AsyncClientSession"
    ) -> None:
        known = await self._shapes(space, session)
        _compare(name, known, tables)
        for table in tables:
            if table.name not in known:
                document = {"space": space, "name": table.name, "shape": to_stored(table)}
                try:
                    await self._tables.insert_one(
                        {"_id": await self._number(session), **document}, session=session
                    )
                except DuplicateKeyError:  # another process, just now
                    _compare(name, await self._shapes(space, session), tables)

    async def _shapes(self, space: int, session: "AsyncClientSession") -> dict[str, Shape]:
        found = await self._tables.find({"space": space}, session=session).to_list(None)
        return {each["name"]: Shape(each["_id"], from_stored(each["shape"])) for each in found}

    async def _create(self, shape: Shape, session: "AsyncClientSession") -> None:
        """The table's collection, indexes and marker; nothing happens where they are there."""
        collection = self._database[shape.collection]
        models: dict[str, IndexModel] = {}
        for index in shape.table.indexes:
            name = shape.physical[index.name]
            models[name] = IndexModel(shape.keys(index), name=name)
            if index.unique:
                unique = f"{name}_unique"
                models[unique] = IndexModel(
                    [(column, ASCENDING) for column in shape.fields_of(index)],
                    name=unique,
                    unique=True,
                    partialFilterExpression=shape.where_complete(index),
                )
        if models:
            await collection.create_indexes(list(models.values()), session=session)
        if await collection.find_one({KEY: MARKER}, session=session) is None:
            with suppress(DuplicateKeyError):  # another process, just now
                await collection.insert_one({KEY: MARKER}, session=session)

    async def drop(self, name: str) -> None:
        """Remove a space, and what any space that is gone has left."""

        async def remove(session: "AsyncClientSession") -> None:
            await self._spaces.delete_one({"name": name}, session=session)

        await self._sessions.in_transaction(remove)
        self.forget(name)
        await remove_leftovers(self._sessions)

    async def _number(self, session: "AsyncClientSession") -> int:
        while True:
            try:
                found = await self._database["numbers"].find_one_and_update(
                    {"_id": "last"},
                    {"$inc": {"number": 1}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                    session=session,
                )
            except DuplicateKeyError:  # the very first, drawn twice at once
                continue
            if found is not None:
                return int(found["number"])


def _compare(name: str, known: dict[str, Shape], tables: Sequence[Table]) -> None:
    for table in tables:
        if (shape := known.get(table.name)) is None:
            continue
        # MongoDB's indexes hold all rows, whether declared as sparse or not.
        if to_stored(shape.table.lasting) != to_stored(table.lasting):
            raise ValueError(f"{name}.{table.name} was declared with another shape")
