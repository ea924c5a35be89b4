"""Read stores on the session's MongoDB-compatible server, in a database of the test's own."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo import MongoClient

from docaxis_adapters.mongo_store import MongoDriver, MongoReadStore
from tests.servers import mongo_uri

MONGO_STORES = {f"mongo-{driver}": driver for driver in MongoDriver}
"""Parameters of tests, and the driver that each is about."""


@asynccontextmanager
async def fresh_database() -> AsyncIterator[str]:
    """A name that no database has yet; it is dropped at the end."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    address = await asyncio.to_thread(mongo_uri)
    yield name
    await asyncio.to_thread(_drop, address, name)


async def mongo_store(
    database: str, driver: MongoDriver = MongoDriver.MOTOR, *, timeout_s: float = 30.0
) -> MongoReadStore:
    """Open a store. The time is long: the machine of a test may do much else."""
    address = await asyncio.to_thread(mongo_uri)
    return await MongoReadStore.open(address, database, driver=driver, timeout_s=timeout_s)


def _drop(address: str, name: str) -> None:
    with MongoClient[dict[str, object]](address) as client:
        client.drop_database(name)
