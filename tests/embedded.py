"""Composed services on the real embedded adapters, their parts running as tasks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_trust.key_file_signer import KeyFileSigner


@asynccontextmanager
async def ports_in(
    folder: Path,
    unkindness: Unkindness | None = None,
    *,
    partitions: int = 4,
    clock: Callable[[], int] = wall_clock,
) -> AsyncIterator[Ports]:
    """The embedded adapters in a folder, unsynced; the log's time is the same clock's."""
    async with AsyncExitStack() as closing:
        log = await SqliteEventLog.open(
            folder / "log",
            partitions,
            synchronous="OFF",
            unkindness=unkindness,
            clock=lambda: clock() / 1000,
        )
        closing.push_async_callback(log.close)
        store = await SqliteReadStore.open(folder / "store.sqlite")
        closing.push_async_callback(store.close)
        files = await LocalFileStore.open(folder / "files")
        closing.push_async_callback(files.close)
        key = folder / "receipts.key.pem"
        signer = KeyFileSigner(key) if key.exists() else KeyFileSigner.create(key)
        yield Ports(log, store, files, FileSecrets(folder / "secrets"), signer, clock)


@asynccontextmanager
async def at_work(
    ports: Ports, *services: RunningService, topics: Sequence[str] = ()
) -> AsyncIterator[None]:
    """The services while their parts run; a part that ended or failed fails the test.

    `topics` are those of services that are not there, and whose events they read.
    """
    for each in services:
        await each.declare_topics(ports.log)
    await ports.log.declare(topics)
    parts = [part for each in services for part in each.parts]
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
        for task, part in zip(tasks, parts, strict=True):
            assert not task.done(), f"{part.health.name} ended: {task}"
            assert part.health.state is not PartState.FAILED, part.health.reason
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each for each in ended if not isinstance(each, asyncio.CancelledError)] == []
