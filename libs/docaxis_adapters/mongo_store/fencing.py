"""Who writes a partition, so that a successor need not wait for what a dead process left open.

A process that dies within an `apply` leaves its transaction open. The server ends it after a minute
(`transactionLifetimeLimitSeconds`), and until then it holds the partition's checkpoint: nobody can
apply. So each session is written down in `writers`, `{_id: {space, partition, session}}`, before
its first transaction on a partition, and whoever comes new to a partition first ends the sessions
that it finds there. A live one loses the transaction that it is in and runs it again; that the
checkpoint moves once is the guard's work, not this one's.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError, OperationFailure

from docaxis_adapters.mongo_store.sessions import Sessions

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession


class Fence:
    """The collection `writers`."""

    def __init__(self, sessions: Sessions) -> None:
        self._database = sessions.database
        self._writers = sessions.database["writers"]
        self._entered: dict[tuple[int, int, bytes], AsyncClientSession] = {}

    async def enter(self, session: "AsyncClientSession", space: int, partition: int) -> None:
        """Write a session down, once for each partition, and end those of others."""
        own = session.session_id["id"]
        if (space, partition, bytes(own)) in self._entered:
            return
        here = {"space": space, "partition": partition}
        with suppress(DuplicateKeyError):  # it was heard, and the answer lost
            await self._writers.insert_one({"_id": {**here, "session": own}}, session=session)
        found = await self._writers.find(
            {"_id.space": space, "_id.partition": partition}, session=session
        ).to_list(None)
        await self._end([each["_id"] for each in found if not self._is_ours(each["_id"])], own)
        self._entered = {key: of for key, of in self._entered.items() if not of.has_ended}
        self._entered[space, partition, bytes(own)] = session

    def _is_ours(self, writer: dict[str, Any]) -> bool:
        """Whether a session is one that this store still uses."""
        key = (writer["space"], writer["partition"], bytes(writer["session"]))
        return key in self._entered and not self._entered[key].has_ended

    async def _end(self, writers: list[dict[str, Any]], own: bytes) -> None:
        others = [writer for writer in writers if writer["session"] != own]
        if not others:
            return
        with suppress(OperationFailure):  # not allowed, or not known to the server: it waits
            await self._database.command(
                "killSessions", [{"id": writer["session"]} for writer in others]
            )
        await self._writers.delete_many({"_id": {"$in": others}})
