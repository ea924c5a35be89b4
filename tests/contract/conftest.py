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
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.ports.secrets import Secrets
from tests.contract.messages import COMMANDS, EVENTS, URGENT

OpenLog = Callable[[], Awaitable[EventLog]]
OpenStore = Callable[[], Awaitable[ReadStore]]
OpenSecrets = Callable[[], Secrets]


@pytest.fixture(params=["sqlite", "sqlite-unkind"])
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenLog]:
    """Opens the test's log with 12 partitions and its topics declared."""
    async with AsyncExitStack() as stack:

        async def open_it() -> EventLog:
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


@pytest.fixture(params=["sqlite"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the test's read store."""
    async with AsyncExitStack() as stack:

        async def open_it() -> ReadStore:
            store = await SqliteReadStore.open(tmp_path / "views.sqlite")
            stack.push_async_callback(store.close)
            return store

        yield open_it


@pytest.fixture
async def store(open_store: OpenStore) -> ReadStore:
    """The test's read store, open."""
    return await open_store()


@pytest.fixture(params=["local"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FileStore]:
    """The test's file store."""
    store = await LocalFileStore.open(tmp_path / "files")
    yield store
    await store.close()


@pytest.fixture(params=["files"])
def open_secrets(request: pytest.FixtureRequest, tmp_path: Path) -> OpenSecrets:
    """Opens the test's secrets, as each process of an installation would."""
    return lambda: FileSecrets(tmp_path / "secrets")
