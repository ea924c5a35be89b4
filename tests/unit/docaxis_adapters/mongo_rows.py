"""One row that is counted up on MongoDB, step by step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from docaxis_adapters.mongo_store import MongoDriver, MongoReadStore
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Index,
    IndexType,
    Table,
)
from tests.servers import MongoServer

TABLE = Table(
    "rows",
    {"org": IndexType.TEXT, "at": IndexType.INT},
    (Index("by_org", ("org", "at")),),
    ("count",),
)


ONE_MORE = {"rows": Changes(increments=(Increment("k", "count", 1),))}
FIRST = Position(1, 1)
SHORT_S = 3.0
"""For calls that are to fail; what is to succeed has all the time of a busy machine."""


async def opened(
    address: str, database: str, driver: MongoDriver, timeout_s: float = 20.0
) -> MongoReadStore:
    store = await MongoReadStore.open(address, database, driver=driver, timeout_s=timeout_s)
    await store.declare("space", [TABLE])
    return store


def hurry(store: MongoReadStore, timeout_s: float = SHORT_S) -> None:
    """From now on its calls end sooner."""
    store._sessions._timeout_s = timeout_s


async def count(store: MongoReadStore) -> int:
    row = (await store.get("space", "rows", ["k"])).get("k")
    return row.counters["count"] if row is not None else 0


async def reach(store: MongoReadStore, version: int = 0) -> Position | None:
    """The checkpoint, as soon as the server tells and it stands at `version` or behind it."""
    async with asyncio.timeout(60):
        while True:
            with suppress(Unavailable):
                at = await store.checkpoint("space", 0)
                if (at.version if at else 0) >= version:
                    return at
            await asyncio.sleep(0.02)


@pytest.fixture(params=list(MongoDriver))
def driver(request: pytest.FixtureRequest) -> MongoDriver:
    found: MongoDriver = request.param
    return found


@asynccontextmanager
async def private_server(folder: Path) -> AsyncIterator[MongoServer]:
    """For tests that kill it, or leave transactions open on it."""
    server = MongoServer(folder)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.kill)
