"""Rows by key, and pages of rows, each page of one moment.

A find that outlasts its turn goes on with what was written meanwhile, so all is read with read
concern `snapshot`: one find shows one moment of what a majority has. A page of several finds is
read in a transaction, which has one snapshot for all.

No rows may mean that another process dropped the space: the table's marker tells.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from docaxis_adapters.mongo_store.declarations import SpaceGone
from docaxis_adapters.mongo_store.page_query import PageQuery
from docaxis_adapters.mongo_store.sessions import Sessions
from docaxis_adapters.mongo_store.shapes import KEY, MARKER, Shape
from docaxis_eventsourcing.ports.read_store import Row, RowRange

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection

    from docaxis_adapters.mongo_store.driver import Document

_KEYS_AT_ONCE = 1000
_OVERLAP = 8
"""Rows that a page may show again; more of one value, and it is read piece by piece."""


class Reader:
    """Reads declared tables. Raises `SpaceGone` where their space was dropped, `Unavailable`."""

    def __init__(self, sessions: Sessions, hints: bool) -> None:
        self._sessions = sessions
        self._hints = hints

    async def get(self, shape: Shape, keys: Sequence[str]) -> dict[str, Row]:
        """The rows that exist, by key."""
        found: dict[str, Row] = {}
        collection = self._collection(shape)
        async with self._sessions.call() as session:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                wanted = [MARKER, *keys[start : start + _KEYS_AT_ONCE]]
                documents = await collection.find(
                    {KEY: {"$in": wanted}}, batch_size=len(wanted) + 1, session=session
                ).to_list(None)
                rows = [shape.row(each) for each in documents if each[KEY] != MARKER]
                if len(rows) == len(documents):
                    raise SpaceGone
                found.update((row.key, row) for row in rows)
        return found

    async def page(self, shape: Shape, rows: RowRange) -> list[Row]:
        """A page of rows in index order. Raises `ValueError` for a range that cannot be."""
        query = PageQuery(shape, rows)
        documents: list[Document] = []
        if not query.is_empty:
            try:
                documents = await self._page(shape, query, rows.limit)
            except OperationFailure:  # an index that went with its table
                await self._check(shape)
                raise
        if not documents:
            await self._check(shape)
        return [shape.row(document) for document in documents]

    async def _page(self, shape: Shape, query: PageQuery, limit: int) -> "list[Document]":
        overlapping = query.overlapping()
        if overlapping is not None:
            asked = limit + _OVERLAP
            async with self._sessions.call() as session:
                seen = await self._find(shape, query, overlapping, asked, session)
            found = [document for document in seen if query.is_behind(document)]
            if len(found) >= limit or (len(seen) < asked and query.overlap_is_whole):
                return found[:limit]
        pieces = query.pieces()
        if len(pieces) == 1:
            async with self._sessions.call() as session:
                return await self._find(shape, query, pieces[0], limit, session)

        async def read_pieces(session: "AsyncClientSession") -> "list[Document]":
            found: list[Document] = []
            for piece in pieces:
                found += await self._find(shape, query, piece, limit - len(found), session)
                if len(found) >= limit:
                    break
            return found

        return await self._sessions.in_transaction(read_pieces)

    async def _find(
        self,
        shape: Shape,
        query: PageQuery,
        where: dict[str, Any],
        limit: int,
        session: "AsyncClientSession",
    ) -> "list[Document]":
        cursor = self._collection(shape).find(
            where,
            sort=query.sort,
            limit=limit,
            batch_size=limit,  # all of it with the first answer, as far as 16 MiB go
            hint=query.hint if self._hints else None,
            session=session,
        )
        return await cursor.to_list(None)

    async def _check(self, shape: Shape) -> None:
        async with self._sessions.call() as session:
            marker = await self._collection(shape).find_one({KEY: MARKER}, session=session)
        if marker is None:
            raise SpaceGone

    def _collection(self, shape: Shape) -> "AsyncCollection[Document]":
        return self._sessions.database.get_collection(
            shape.collection, read_concern=ReadConcern("snapshot")
        )
