"""The file stores under test: opened as each process would, and damaged behind their back."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import MemoryStore, S3Store

from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.s3_files import S3FileStore
from docaxis_adapters.s3_files.connection import connect
from docaxis_adapters.s3_files.local_copies import LocalCopies
from docaxis_eventsourcing.ports.file_store import FileStore
from tests.servers import s3_settings

COPIES = 2**26


@dataclass(frozen=True, slots=True)
class FilesUnderTest:
    """`open` gives a store on the test's data, another one each time; `damage` changes a byte."""

    open: Callable[[], Awaitable[FileStore]]
    damage: Callable[[str, str], None]
    """Given a document's id and a file's digest; the file's size stays."""


@asynccontextmanager
async def local_files(folder: Path) -> AsyncIterator[FilesUnderTest]:
    """In a folder."""
    async with AsyncExitStack() as stack:

        async def open_it() -> FileStore:
            store = await LocalFileStore.open(folder)
            stack.push_async_callback(store.close)
            return store

        def damage(document_id: str, digest: str) -> None:
            for path in (folder / "documents").rglob(digest):
                if document_id in path.parts:
                    path.chmod(0o600)
                    path.write_bytes(_damaged(path.read_bytes()))

        yield FilesUnderTest(open_it, damage)


@asynccontextmanager
async def s3_files(folder: Path) -> AsyncIterator[FilesUnderTest]:
    """On the session's S3 server, under a fresh prefix."""
    settings = s3_settings()
    prefix = f"test-{uuid.uuid4().hex}"
    async with AsyncExitStack() as stack:

        async def open_it() -> FileStore:
            store = await S3FileStore.open(
                settings.endpoint,
                settings.bucket,
                region=settings.region,
                access_key=settings.access_key,
                secret_key=settings.secret_key,
                cache_folder=folder / uuid.uuid4().hex,
                cache_bytes=COPIES,
                prefix=prefix,
            )
            stack.push_async_callback(store.close)
            return store

        client = connect(
            settings.endpoint,
            settings.bucket,
            region=settings.region,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            prefix=prefix,
        )
        yield FilesUnderTest(open_it, lambda *name: _damage_object(client, *name))


@asynccontextmanager
async def s3_files_in_memory(folder: Path) -> AsyncIterator[FilesUnderTest]:
    """The same code on obstore's store in memory, where there is no server."""
    memory = MemoryStore()
    async with AsyncExitStack() as stack:

        async def open_it() -> FileStore:
            store = S3FileStore(memory, LocalCopies(folder / uuid.uuid4().hex, COPIES))
            stack.push_async_callback(store.close)
            return store

        yield FilesUnderTest(open_it, lambda *name: _damage_object(memory, *name))


def _damage_object(client: S3Store | MemoryStore, document_id: str, digest: str) -> None:
    key = f"documents/{document_id}/{digest}"
    obstore.put(client, key, _damaged(obstore.get(client, key).bytes().to_bytes()))


def _damaged(content: bytes) -> bytes:
    return content[:5] + bytes([content[5] ^ 1]) + content[6:]
