"""The `FileStore` in a local folder: `staging/<system>/<upload>`, `documents/ab/<id>/<digest>`.

What is durable when (L31): a staged file need not survive a crash, its sender uploads again. So
nothing is synced while staging, except that large uploads are written out as they grow, lest one
sync has a gigabyte to write. `take` and `put` return only when the bytes, the names in the
document's folder and the folder's own name are on disk; all that concurrent calls wait for is
synced at once (`folder_sync`). A crash may leave a name whose bytes were not yet on disk: a
document's file that is already there is believed only after its digest was checked.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Self, TypeVar
from uuid import uuid4

from docaxis_adapters.folder_sync import FolderSync, SyncJob
from docaxis_adapters.local_upload import CHUNK, LocalUpload, StagedNames, disk_failures, hash_of
from docaxis_adapters.safe_folder import (
    FILE_MODE,
    checked_digest,
    checked_id,
    make_root,
    open_new,
    open_to_read,
    opened_folder,
    remove_quietly,
    write_all,
)
from docaxis_eventsourcing.ports.file_store import StoredFile

Result = TypeVar("Result")


class LocalFileStore:
    """The port's `FileStore`; made by `open`, ended by `close`."""

    def __init__(self, root: Path, sync: FolderSync, threads: int) -> None:
        self._root = root
        self._sync = sync
        self._pool = ThreadPoolExecutor(threads, "files")
        self._names = StagedNames()
        self._unfinished: set[asyncio.Future[None]] = set()

    @classmethod
    async def open(cls, root: Path, *, threads: int = 4, sync: FolderSync | None = None) -> Self:
        """Open or create the store. `sync` is exchanged by tests of failing disks."""
        store = cls(root, sync or FolderSync(), threads)
        await store._run(store._prepare)
        store._sync.begin()
        return store

    async def stage(self, system_id: str, upload_id: str) -> LocalUpload:
        """Begin an upload; nothing is on disk before there is a good piece of it."""
        return LocalUpload(
            self._root, checked_id(system_id), checked_id(upload_id), self._run, self._names
        )

    async def staged(self, system_id: str, upload_id: str) -> StoredFile:
        """Digest and size of a finished upload."""
        return await self._run(self._staged, checked_id(system_id), checked_id(upload_id))

    async def staged_path(self, system_id: str, upload_id: str) -> Path:
        """The finished upload itself; it is not to be written to."""
        await self.staged(system_id, upload_id)
        return self._root / "staging" / system_id / upload_id

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove a staged upload, finished or not."""
        await self._run(self._discard, checked_id(system_id), checked_id(upload_id))

    async def take(self, system_id: str, upload_ids: Sequence[str], document_id: str) -> None:
        """Link staged files into the document's folder, and sync them with their folders."""
        names = [checked_id(upload_id) for upload_id in upload_ids]
        if names:
            await self._synced(self._link, checked_id(system_id), names, checked_id(document_id))

    async def put(self, document_id: str, digest: str, content: bytes) -> None:
        """Store small bytes under a document, durably. Verifies the digest."""
        await self._synced(self._put, checked_id(document_id), checked_digest(digest), content)

    async def size(self, document_id: str, digest: str) -> int:
        """Size in bytes."""

        def size() -> int:
            with self._open(document_id, digest) as file:
                return os.fstat(file.fileno()).st_size

        return await self._run(size)

    async def read(
        self, document_id: str, digest: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream bytes; a whole read is verified before its last chunk is handed out."""
        file: FileIO = await self._run(self._open, document_id, digest)
        with file:
            descriptor = file.fileno()
            size = os.fstat(descriptor).st_size
            stop = size if end is None else min(end, size)
            hasher = sha256() if start == 0 and stop == size else None

            def piece(at: int) -> bytes:
                chunk = os.pread(descriptor, min(CHUNK, stop - at), at)
                if hasher is not None:
                    hasher.update(chunk)
                    last = at + len(chunk) >= stop or not chunk
                    if last and hasher.hexdigest() != digest:
                        raise OSError(f"{document_id}/{digest}: the bytes give another digest")
                return chunk

            while start < stop or (size == 0 and hasher is not None):
                chunk = await self._run(piece, start)
                if not chunk:
                    break
                start += len(chunk)
                yield chunk

    async def local_path(self, document_id: str, digest: str) -> Path:
        """The file itself; it is not to be written to."""
        await self.size(document_id, digest)
        return self._root.joinpath(*_folder_of(document_id), digest)

    async def expire_staging(self, older_than_ms: int) -> int:
        """Remove staged uploads, finished or not, last written before that moment."""
        return await self._run(self._expire, older_than_ms)

    async def remove(self, document_id: str, digests: Sequence[str] | None = None) -> None:
        """Remove a document's files for good: on return the removal is synced, too."""
        some = None if digests is None else [checked_digest(digest) for digest in digests]
        await self._synced(self._remove, checked_id(document_id), some)

    async def documents(self) -> Sequence[str]:
        """Ids of the documents that have a folder."""
        return await self._run(self._documents)

    async def close(self) -> None:
        """Finish what was accepted and end the threads."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)
        await self._sync.close()
        await asyncio.to_thread(self._pool.shutdown)

    async def _run(self, work: Callable[..., Result], *arguments: object) -> Result:
        with disk_failures():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)

    async def _synced(self, work: Callable[..., list[int]], *arguments: object) -> None:
        """Run `work`, then make durable what it opened; to the end even if the caller leaves."""

        async def both() -> None:
            descriptors = await self._run(work, *arguments)
            if descriptors:
                with disk_failures():
                    await self._sync.submit(SyncJob(descriptors))

        task = asyncio.ensure_future(both())
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        await asyncio.shield(task)

    def _prepare(self) -> None:
        make_root(self._root)
        with opened_folder(self._root, "staging", make=True):
            pass
        with opened_folder(self._root, "incoming", make=True) as incoming:
            for name in os.listdir(incoming):  # what a crash left of a `put`
                remove_quietly(name, incoming)
        with opened_folder(self._root, "documents", make=True) as documents:
            # All shards now, so that a new document never waits for a third folder's sync.
            for shard in range(256):
                with suppress(FileExistsError):
                    os.mkdir(f"{shard:02x}", 0o700, dir_fd=documents)
            os.fsync(documents)
        with opened_folder(self._root) as root:
            os.fsync(root)

    def _staged(self, system_id: str, upload_id: str) -> StoredFile:
        with opened_folder(self._root, "staging", system_id) as folder:
            return self._names.look_up(system_id, upload_id, folder)

    def _discard(self, system_id: str, upload_id: str) -> None:
        with suppress(FileNotFoundError):
            with opened_folder(self._root, "staging", system_id) as folder:
                self._names.remove(system_id, upload_id, folder)

    def _link(self, system_id: str, upload_ids: Sequence[str], document_id: str) -> list[int]:
        opened: list[int] = []
        try:
            with (
                opened_folder(self._root, "staging", system_id) as staging,
                opened_folder(self._root, *_folder_of(document_id), make=True) as folder,
            ):
                for upload_id in upload_ids:
                    stored = self._names.look_up(system_id, upload_id, staging)
                    opened.append(open_to_read(upload_id, staging))
                    _link_in(upload_id, staging, stored.digest, folder, opened[-1])
                return self._with_folders(document_id, folder, opened)
        except BaseException:
            _close(opened)
            raise

    def _put(self, document_id: str, digest: str, content: bytes) -> list[int]:
        if sha256(content).hexdigest() != digest:
            raise ValueError(f"the bytes do not give {digest}")
        opened: list[int] = []
        name = uuid4().hex
        try:
            with (
                opened_folder(self._root, "incoming") as incoming,
                opened_folder(self._root, *_folder_of(document_id), make=True) as folder,
            ):
                try:
                    opened.append(open_new(name, incoming))
                    write_all(opened[0], content)
                    _link_in(name, incoming, digest, folder, opened[0])
                finally:
                    remove_quietly(name, incoming)
                return self._with_folders(document_id, folder, opened)
        except BaseException:
            _close(opened)
            raise

    def _with_folders(self, document_id: str, folder: int, opened: list[int]) -> list[int]:
        opened.append(os.dup(folder))
        with opened_folder(self._root, *_folder_of(document_id)[:-1]) as shard:
            opened.append(os.dup(shard))
        return opened

    def _open(self, document_id: str, digest: str) -> FileIO:
        """A file object, so that a reader who is cancelled leaves no descriptor behind."""
        checked_digest(digest)
        with opened_folder(self._root, *_folder_of(document_id)) as folder:
            return FileIO(open_to_read(digest, folder))

    def _remove(self, document_id: str, digests: Sequence[str] | None) -> list[int]:
        opened: list[int] = []
        with opened_folder(self._root, *_folder_of(document_id)[:-1]) as shard:
            try:
                with opened_folder(self._root, *_folder_of(document_id)) as folder:
                    for name in os.listdir(folder) if digests is None else digests:
                        remove_quietly(name, folder)
                    opened.append(os.dup(folder))
            except FileNotFoundError:
                return []
            if digests is None:
                with suppress(OSError):  # a file that was taken meanwhile keeps the folder
                    os.rmdir(document_id, dir_fd=shard)
            opened.append(os.dup(shard))
        return opened

    def _expire(self, older_than_ms: int) -> int:
        count = 0
        with opened_folder(self._root, "staging") as staging:
            systems = os.listdir(staging)
        for system_id in systems:
            with opened_folder(self._root, "staging", system_id) as folder:
                count += self._names.expire(system_id, folder, older_than_ms)
        return count

    def _documents(self) -> list[str]:
        found: list[str] = []
        for shard in range(256):
            with opened_folder(self._root, "documents", f"{shard:02x}") as folder:
                found += os.listdir(folder)
        return sorted(found)


def _folder_of(document_id: str) -> tuple[str, str, str]:
    """A shard of its own hash: the first letters of computed ids need not be spread evenly."""
    return ("documents", sha256(checked_id(document_id).encode()).hexdigest()[:2], document_id)


def _link_in(name: str, source: int, digest: str, folder: int, descriptor: int) -> None:
    """Link a file under its digest. One that is there stays if it is whole, else is replaced."""
    os.fchmod(descriptor, FILE_MODE)
    try:
        os.link(name, digest, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        return
    except FileExistsError:
        pass
    there = open_to_read(digest, folder)
    try:
        same = os.path.sameopenfile(there, descriptor)
        if same or hash_of(there).digest == digest:
            return
    finally:
        os.close(there)
    # Left by a crash before its sync: no command was ever written for it.
    whole = f".{uuid4().hex}"
    os.link(name, whole, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
    os.replace(whole, digest, src_dir_fd=folder, dst_dir_fd=folder)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
