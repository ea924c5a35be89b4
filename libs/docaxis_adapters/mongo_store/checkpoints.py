"""How far each partition of a space was applied: one document each, the guard of every `apply`.

`{_id: {space, partition}, version, place, step}`. Only transactions change them, so of two that
move one checkpoint one fails and looks again. `step` is drawn by the `apply` that wrote it: one
whose answer was lost knows its own work by it.

A partition's first `apply` finds its document made by `begin`, which also writes to the space's
own document: beginning and dropping a space cannot both succeed. So when a space is dropped
(its document first, then its checkpoints, then its rows), nobody brings rows of it back.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from docaxis_adapters.mongo_store.declarations import SpaceGone
from docaxis_adapters.mongo_store.sessions import Sessions
from docaxis_eventsourcing.ports.event_log import Position

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession


class _Begun(Exception):
    """The partition's document was there already."""


class Checkpoints:
    """The collection `checkpoints`. Spaces are named by their numbers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._checkpoints = sessions.database["checkpoints"]
        self._spaces = sessions.database["spaces"]

    async def read(self, space: int, partition: int) -> tuple[Position | None, bytes | None]:
        """A partition's checkpoint and the step that wrote it. Raises `Unavailable`."""
        async with self._sessions.call() as session:
            found = await self._checkpoints.find_one(_key(space, partition), session=session)
        if found is None or found["version"] is None:
            return None, None
        return Position(found["version"], found["place"]), found["step"]

    async def begin(self, space: int, partition: int) -> None:
        """Make a partition's document where it is missing. Raises `SpaceGone`, `Unavailable`."""

        async def work(session: "AsyncClientSession") -> None:
            found = await self._spaces.update_one(
                {"_id": space}, {"$inc": {"partitions": 1}}, session=session
            )
            if found.matched_count != 1:
                raise SpaceGone
            document = {**_key(space, partition), **_at(None), "step": None}
            try:
                await self._checkpoints.insert_one(document, session=session)
            except DuplicateKeyError:
                raise _Begun from None

        with suppress(_Begun):
            await self._sessions.in_transaction(work)

    async def move(
        self,
        session: "AsyncClientSession",
        space: int,
        partition: int,
        start: Position | None,
        end: Position,
        step: bytes,
    ) -> bool:
        """Within a transaction: from `start` to `end`; False where it does not stand at `start`."""
        moved = await self._checkpoints.update_one(
            {**_key(space, partition), **_at(start)},
            {"$set": {**_at(end), "step": step}},
            session=session,
        )
        return moved.matched_count == 1


def _key(space: int, partition: int) -> dict[str, Any]:
    return {"_id": {"space": space, "partition": partition}}


def _at(position: Position | None) -> dict[str, int | None]:
    if position is None:
        return {"version": None, "place": None}
    return {"version": position.version, "place": position.place}
