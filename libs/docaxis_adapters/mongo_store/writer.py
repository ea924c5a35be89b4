"""`apply`: one transaction that first moves the checkpoint, or changes nothing (L24)."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from docaxis_adapters.mongo_store.changes import PreparedChanges
from docaxis_adapters.mongo_store.checkpoints import Checkpoints
from docaxis_adapters.mongo_store.declarations import SpaceGone
from docaxis_adapters.mongo_store.fencing import Fence
from docaxis_adapters.mongo_store.registry import Registry, Space
from docaxis_adapters.mongo_store.sessions import Sessions
from docaxis_eventsourcing.errors import CheckpointMoved
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession


class Writer:
    """Applies changes to declared spaces."""

    def __init__(self, sessions: Sessions, checkpoints: Checkpoints, registry: Registry) -> None:
        self._sessions = sessions
        self._checkpoints = checkpoints
        self._registry = registry
        self._fence = Fence(sessions)

    async def apply(
        self,
        space: Space,
        partition: int,
        start: Position | None,
        end: Position,
        changes: Mapping[str, Changes],
    ) -> None:
        """See `ReadStore.apply`. Raises `SpaceGone` where the space was dropped."""
        prepared = [PreparedChanges(space.shapes[table], each) for table, each in changes.items()]
        step = secrets.token_bytes(12)

        async def work(session: "AsyncClientSession") -> bool:
            moved = await self._checkpoints.move(session, space.number, partition, start, end, step)
            if moved:
                for change in prepared:
                    await change.write(self._sessions.database, session)
            return moved

        async def enter(session: "AsyncClientSession") -> None:
            await self._fence.enter(session, space.number, partition)

        if start is None:
            await self._checkpoints.begin(space.number, partition)
        of = (space.number, partition)
        if await self._sessions.in_transaction(work, of=of, before=enter):
            return
        at, by = await self._checkpoints.read(space.number, partition)
        if by == step:
            return  # it was this very call: the answer to its commit was lost, and it ran again
        if at is None and not await self._registry.stands(space):
            raise SpaceGone
        raise CheckpointMoved(f"partition {partition}: the stored checkpoint is {at}, not {start}")
