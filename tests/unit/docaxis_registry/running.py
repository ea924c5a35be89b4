"""A composed service on the real embedded adapters, its parts running as tasks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.running_service import Ports, RunningService


class NoSigner:
    """For services that sign nothing."""

    key_id = ""

    def public_jwk(self) -> dict[str, str]:
        return {}

    def sign(self, data: bytes) -> bytes:
        raise NotImplementedError


@asynccontextmanager
async def ports_in(
    folder: Path, partitions: int = 3, clock: Callable[[], int] = wall_clock
) -> AsyncIterator[Ports]:
    """The embedded adapters in a folder; the log's time is the same clock's."""
    log = await SqliteEventLog.open(
        folder / "log", partitions, synchronous="OFF", clock=lambda: clock() / 1000
    )
    store = await SqliteReadStore.open(folder / "views.sqlite")
    files = await LocalFileStore.open(folder / "files")
    secrets = FileSecrets(folder / "secrets")
    try:
        yield Ports(log, store, files, secrets, NoSigner(), clock)
    finally:
        await store.close()
        await log.close()


@asynccontextmanager
async def running(ports: Ports, service: RunningService, *topics: str) -> AsyncIterator[Any]:
    """The service's servicer, while its parts run; `topics` are those of others that it reads."""
    await ports.log.declare((*service.all_topics, *topics))
    tasks = [asyncio.create_task(part.run()) for part in service.parts]
    try:
        yield service.servicer
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
