"""The `FileStore` in a local folder: `staging/<system>/<upload>`, and documents' folders.

What is durable when (L31): a staged file need not survive a crash, its sender uploads again. So
nothing is synced while staging, except that large uploads are written out as they grow, lest one
sync has a gigabyte to write; a piece of an upload in pieces is synced before it counts. `take` and
`put` return only when the bytes, the names in the document's folder and the folder's own name are
on disk; all that concurrent calls wait for is synced at once (`folder_sync`). A crash may leave a
name whose bytes were not yet on disk: a document's file that is already there is believed only
after its digest was checked.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from docaxis_adapters.file_steps import FileSteps
from docaxis_adapters.folder_sync import FolderSync, SyncJob
from docaxis_adapters.local_documents import LocalDocuments
from docaxis_adapters.local_partials import FOLDER as PARTIALS
from docaxis_adapters.local_partials import LocalPartials
from docaxis_adapters.local_pieces import LocalPiece, begin_piece, complete
from docaxis_adapters.local_reading import LocalReading
from docaxis_adapters.local_upload import LocalUpload, StagedNames, disk_failures
from docaxis_adapters.safe_folder import checked_digest, checked_id, make_root, opened_folder
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import PartialUpload, UploadPlan

Result = TypeVar("Result")


class LocalFileStore:
    """The port's `FileStore`; made by `open`, ended by `close`."""

    def __init__(self, root: Path, sync: FolderSync, threads: int) -> None:
        self._root = root
        self._documents = LocalDocuments(root)
        self._sync = sync
        self._steps = FileSteps(threads)
        self._names = StagedNames()
        self._partials = LocalPartials(root, self._names)
        self._unfinished: set[asyncio.Future[Any]] = set()

    @classmethod
    async def open(cls, root: Path, *, threads: int = 4, sync: FolderSync | None = None) -> Self:
        """Open or create the store. `sync` is exchanged by tests of failing disks."""
        store = cls(root, sync or FolderSync(), threads)
        store._steps.begin()
        await store._run(store._prepare)
        store._sync.begin()
        return store

    async def stage(self, system_id: str, upload_id: str) -> LocalUpload:
        """Begin an upload; nothing is on disk before there is a good piece of it."""
        return LocalUpload(
            self._root, checked_id(system_id), checked_id(upload_id), self._run, self._names
        )

    async def staged(self, system_id: str, upload_id: str) -> StoredFile:
        """Digest and size of a finished upload; remembered, or computed again."""
        names = _checked(system_id, upload_id)
        if known := self._names.standing(*names, self._root.joinpath("staging", *names)):
            return known
        return await self._run(self._staged, *names)

    async def staged_path(self, system_id: str, upload_id: str) -> Path:
        """The finished upload itself; it is not to be written to."""
        await self.staged(system_id, upload_id)
        return self._root / "staging" / system_id / upload_id

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove a staged upload, finished or not."""
        await self._run(self._discard, checked_id(system_id), checked_id(upload_id))

    async def begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> None:
        """Begin an upload in pieces."""
        await self._synced(_alone(self._partials.begin), *_checked(system_id, upload_id), plan)

    async def partial(self, system_id: str, upload_id: str) -> PartialUpload:
        """How far an upload in pieces is."""
        return await self._run(self._partials.look_up, *_checked(system_id, upload_id))

    async def append(self, system_id: str, upload_id: str, offset: int) -> LocalPiece:
        """Begin a piece, which holds the upload's lock until it is kept."""
        names = _checked(system_id, upload_id)
        return await begin_piece(self._partials, names, offset, self._run, self._sync_file)

    async def complete(self, system_id: str, upload_id: str) -> StoredFile:
        """Read all bytes once, then let them be a staged file."""
        return await complete(self._partials, _checked(system_id, upload_id), self._run)

    async def take(
        self, system_id: str, upload_ids: Sequence[str], document_id: str
    ) -> Sequence[StoredFile]:
        """Link staged files into the document's folder, and sync them with their folders."""
        names = [checked_id(upload_id) for upload_id in upload_ids]
        arguments = (self._names, checked_id(system_id), names, checked_id(document_id))
        return await self._synced(self._documents.take, *arguments) if names else []

    async def put(self, document_id: str, digest: str, content: bytes) -> None:
        """Store small bytes under a document, durably. Verifies the digest."""
        names = (checked_id(document_id), checked_digest(digest))
        await self._synced(_alone(self._documents.put), *names, content)

    async def size(self, document_id: str, digest: str) -> int:
        """Size in bytes."""

        def size() -> int:
            with self._documents.open(document_id, digest) as file:
                return os.fstat(file.fileno()).st_size

        return await self._run(size)

    async def read(
        self, document_id: str, digest: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream bytes; a whole read is verified before its last chunk is handed out."""
        reading = LocalReading(
            partial(self._documents.open, document_id, digest), digest, start, end
        )
        try:
            while not reading.ended:
                if chunk := await self._run(reading.next):
                    yield chunk
        finally:
            reading.leave()

    async def local_path(self, document_id: str, digest: str) -> Path:
        """The file itself; it is not to be written to.

        Looked up on the caller's thread: less work than handing it to another.
        """
        await asyncio.sleep(0)  # a caller that asks in a loop must not keep all others waiting
        with disk_failures():
            return self._documents.path(document_id, digest)

    async def expire_staging(self, older_than_ms: int) -> int:
        """Remove staged uploads, finished or not, last written before that moment."""
        return await self._run(self._expire, older_than_ms)

    async def remove(self, document_id: str, digests: Sequence[str] | None = None) -> None:
        """Remove a document's files for good: on return the removal is synced, too."""
        some = None if digests is None else [checked_digest(digest) for digest in digests]
        await self._synced(_alone(self._documents.remove), checked_id(document_id), some)

    async def documents(self) -> Sequence[str]:
        """Ids of the documents that have a folder."""
        return await self._run(self._documents.documents)

    async def digests(self, document_id: str) -> Sequence[str]:
        """What the files of a document are called."""
        return await self._run(self._documents.digests, checked_id(document_id))

    async def retire(self, document_id: str, untouched_since_ms: int) -> int | None:
        """Begin the next generation, then look at the older ones."""
        return await self._run(self._documents.retire, checked_id(document_id), untouched_since_ms)

    async def remove_retired(self, document_id: str, generation: int) -> None:
        """Remove the generations before this one; on return the removal is synced."""
        work = _alone(self._documents.remove_retired)
        await self._synced(work, checked_id(document_id), generation)

    async def forget_retired(self, older_than_ms: int) -> None:
        """Forget generations begun before that moment."""
        await self._run(self._documents.forget_retired, older_than_ms)

    async def close(self) -> None:
        """Finish what was accepted and end the threads."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)
        await self._sync.close()
        await self._steps.close()

    async def _run(self, work: Callable[..., Result], *arguments: object) -> Result:
        with disk_failures():
            return await self._steps.do(work, *arguments)

    async def _synced(
        self, work: Callable[..., tuple[list[int], Result]], *arguments: object
    ) -> Result:
        """Run `work`, then make durable what it opened; to the end even if the caller leaves."""

        async def both() -> Result:
            descriptors, result = await self._run(work, *arguments)
            if descriptors:
                with disk_failures():
                    await self._sync.submit(SyncJob(descriptors))
            return result

        task = asyncio.ensure_future(both())
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    async def _sync_file(self, descriptor: int) -> None:
        await self._synced(lambda: ([os.dup(descriptor)], None))

    def _prepare(self) -> None:
        make_root(self._root)
        for shared in ("staging", PARTIALS):
            with opened_folder(self._root, shared, make=True):
                pass
        self._documents.prepare()
        with opened_folder(self._root) as root:
            os.fsync(root)

    def _staged(self, system_id: str, upload_id: str) -> StoredFile:
        with opened_folder(self._root, "staging", system_id) as folder:
            return self._names.look_up(system_id, upload_id, folder)

    def _discard(self, system_id: str, upload_id: str) -> None:
        self._partials.discard(system_id, upload_id)
        with suppress(FileNotFoundError):
            with opened_folder(self._root, "staging", system_id) as folder:
                self._names.remove(system_id, upload_id, folder)

    def _expire(self, older_than_ms: int) -> int:
        count = self._partials.expire(older_than_ms)
        with opened_folder(self._root, "staging") as staging:
            systems = os.listdir(staging)
        for system_id in systems:
            with opened_folder(self._root, "staging", system_id) as folder:
                count += self._names.expire(system_id, folder, older_than_ms)
        return count


def _checked(system_id: str, upload_id: str) -> tuple[str, str]:
    return checked_id(system_id), checked_id(upload_id)


def _alone(work: Callable[..., list[int]]) -> Callable[..., tuple[list[int], None]]:
    """Work that answers descriptors alone, as `_synced` takes it."""
    return lambda *arguments: (work(*arguments), None)
