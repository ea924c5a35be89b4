"""The embedded adapters on one data folder: SQLite, local files, a key file."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.running_service import Ports
from docaxis_runtime.telemetry import inject_traceparent, watched_log, watched_store
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.settings import StandaloneSettings
from docaxis_trust.key_file_signer import KeyFileSigner


@asynccontextmanager
async def embedded_ports(folder: DataFolder, settings: StandaloneSettings) -> AsyncIterator[Ports]:
    """Open everything, in order, and close it in reverse. Raises `FolderInUse`, `ValueError`."""
    folder.make()
    async with AsyncExitStack() as closing:
        log = watched_log(
            await SqliteEventLog.open(
                folder.log, settings.partitions, synchronous=settings.synchronous
            )
        )
        closing.push_async_callback(log.close)
        store = await SqliteReadStore.open(folder.store)
        closing.push_async_callback(store.close)
        files = await LocalFileStore.open(folder.files, threads=settings.file_threads)
        closing.push_async_callback(files.close)
        if not folder.receipt_key.exists():
            KeyFileSigner.create(folder.receipt_key)
        yield Ports(
            log=log,
            store=watched_store(store),
            files=files,
            secrets=FileSecrets(folder.secrets),
            signer=KeyFileSigner(folder.receipt_key),
            traceparent=inject_traceparent,
        )
