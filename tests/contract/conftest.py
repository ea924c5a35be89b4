"""One fixture per port, parametrised by adapter: the tests know the port alone.

A factory opens the adapter on the test's own data; closed and opened again, it stands where it
stood. The unkind log (L33) has offset gaps and late visibility; a log that takes partitions away
at random is used where a test is about that.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.ports.secrets import Secrets
from tests.contract.file_stores import FilesUnderTest, local_files, s3_files, s3_files_in_memory
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import COMMANDS, EVENTS, URGENT
from tests.contract.mongo_stores import MONGO_STORES, fresh_database, mongo_store
from tests.contract.read_spaces import LETTERS, NAMES, SPACE, Space

OpenLog = Callable[[], Awaitable[EventLog]]
OpenStore = Callable[[], Awaitable[ReadStore]]
OpenSecrets = Callable[[], Secrets]


@pytest.fixture(
    params=["sqlite", "sqlite-unkind", pytest.param("kafka", marks=pytest.mark.cluster)]
)
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenLog]:
    """Opens the test's log with 12 partitions and its topics declared."""
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(fresh_topics()) if request.param == "kafka" else ""

        async def open_it() -> EventLog:
            log: EventLog
            if request.param == "kafka":
                log = await kafka_log(topics)
            else:
                unkind = Unkindness(regain_chance=0) if request.param == "sqlite-unkind" else None
                log = await SqliteEventLog.open(tmp_path / "log", unkindness=unkind)
            stack.push_async_callback(log.close)
            await log.declare((COMMANDS, URGENT, EVENTS))
            return log

        yield open_it


@pytest.fixture
async def log(open_log: OpenLog) -> EventLog:
    """The test's log, open."""
    return await open_log()


_MONGO = [pytest.param(name, marks=pytest.mark.cluster) for name in MONGO_STORES]


@pytest.fixture(params=["sqlite", *_MONGO])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the test's read store."""
    async with AsyncExitStack() as stack:
        on_mongo = request.param in MONGO_STORES
        database = await stack.enter_async_context(fresh_database()) if on_mongo else ""

        async def open_it() -> ReadStore:
            store: ReadStore
            if on_mongo:
                store = await mongo_store(database, MONGO_STORES[request.param])
            else:
                store = await SqliteReadStore.open(tmp_path / "views.sqlite")
            stack.push_async_callback(store.close)
            return store

        yield open_it


@pytest.fixture(params=_MONGO)
async def open_shared_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    """Opens the test's read store another time, as another process would."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(fresh_database())

        async def open_it() -> ReadStore:
            store = await mongo_store(database, MONGO_STORES[request.param])
            stack.push_async_callback(store.close)
            return store

        yield open_it


@pytest.fixture
async def store(open_store: OpenStore) -> ReadStore:
    """The test's read store, open."""
    return await open_store()


_FILES = {"local": local_files, "s3": s3_files, "s3-in-memory": s3_files_in_memory}


@pytest.fixture(params=["local", "s3-in-memory", pytest.param("s3", marks=pytest.mark.cluster)])
async def file_store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[FilesUnderTest]:
    """The test's file store, as several processes open it."""
    async with _FILES[request.param](tmp_path / "files") as under_test:
        yield under_test


@pytest.fixture
async def files(file_store: FilesUnderTest) -> FileStore:
    """The test's file store, open."""
    return await file_store.open()


@pytest.fixture(params=["files"])
def open_secrets(request: pytest.FixtureRequest, tmp_path: Path) -> OpenSecrets:
    """Opens the test's secrets, as each process of an installation would."""
    return lambda: FileSecrets(tmp_path / "secrets")


@pytest.fixture
async def space(store: ReadStore) -> Space:
    """Of the test's store, declared and empty."""
    await store.declare(SPACE, [LETTERS, NAMES])
    return Space(store)
