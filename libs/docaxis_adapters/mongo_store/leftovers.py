"""What spaces that are gone have left: checkpoints, tables, collections, writers.

A space is gone with its document in `spaces`. What names it is nobody's from then on, and is
removed by whoever dropped it, or after a crash by whoever drops a space next: checkpoints first,
so that no `apply` that is still on its way brings rows back, then tables and their collections.
"""

import re
from typing import TYPE_CHECKING

from docaxis_adapters.mongo_store.sessions import Sessions

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession

_ROWS = re.compile(r"^t(\d+)$")


async def remove_leftovers(sessions: Sessions) -> None:
    """Remove what no space is named by. Raises `Unavailable`; another call then goes on.

    What names a space is read before the spaces, and all of it in one causal session: a space
    that is declared meanwhile is among them, since its own document comes first.
    """
    database = sessions.database
    async with sessions.call() as session:
        collections = await database.list_collection_names(session=session)
        tables = await database["tables"].find({}, {"space": True}, session=session).to_list(None)
        begun = await database["checkpoints"].find({}, {"_id": True}, session=session).to_list(None)
        writers = await database["writers"].find({}, {"_id": True}, session=session).to_list(None)
        spaces = await database["spaces"].find({}, {"_id": True}, session=session).to_list(None)
    living = {each["_id"] for each in spaces}
    for key in (each["_id"] for each in begun):
        if key["space"] not in living:
            await _remove_checkpoint(sessions, key)
    ended = [each["_id"] for each in writers if each["_id"]["space"] not in living]
    gone = [each["_id"] for each in tables if each["space"] not in living]
    kept = {each["_id"] for each in tables} - set(gone)
    async with sessions.call() as session:
        await database["writers"].delete_many({"_id": {"$in": ended}}, session=session)
        await database["tables"].delete_many({"_id": {"$in": gone}}, session=session)
        for collection in collections:
            found = _ROWS.match(collection)
            if found is not None and int(found[1]) not in kept:
                await database.drop_collection(collection, session=session)


async def _remove_checkpoint(sessions: Sessions, key: dict[str, int]) -> None:
    """In a transaction, like every change of a checkpoint; alone, so that one that moves all the
    time keeps none of the others."""

    async def remove(session: "AsyncClientSession") -> None:
        await sessions.database["checkpoints"].delete_one({"_id": key}, session=session)

    await sessions.in_transaction(remove)
