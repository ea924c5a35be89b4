"""`S3FileStore`: the port on objects. See the package."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from docaxis_adapters.s3_files.concurrency import together
from docaxis_adapters.s3_files.connection import connect
from docaxis_adapters.s3_files.document_folders import DocumentFolders, file_key, folder_key
from docaxis_adapters.s3_files.local_copies import LocalCopies
from docaxis_adapters.s3_files.objects import Objects
from docaxis_adapters.s3_files.partials import S3Partials, S3Piece
from docaxis_adapters.s3_files.staging import Staged, Staging
from docaxis_adapters.s3_files.upload import S3Upload
from docaxis_adapters.s3_files.verified_reading import read_pieces, read_verified
from docaxis_adapters.safe_folder import checked_digest, checked_id
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import PartialUpload, UploadPlan

if TYPE_CHECKING:
    from obstore.store import MemoryStore, S3Store

_REPLACED_TRIES = 5
_CLOSING_S = 10.0


class S3FileStore:
    """The port's `FileStore`; made by `open`, ended by `close`."""

    def __init__(self, store: "S3Store | MemoryStore", copies: LocalCopies) -> None:
        """`store` is obstore's client; all keys are below the prefix that it was made with."""
        self._objects = Objects(store)
        self._staging = Staging(self._objects)
        self._partials = S3Partials(self._objects, self._staging)
        self._folders = DocumentFolders(self._objects)
        self._copies = copies
        self._cleaning: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls,
        endpoint: str,
        bucket: str,
        *,
        region: str,
        access_key: str,
        secret_key: str,
        cache_folder: Path,
        cache_bytes: int = 2**30,
        prefix: str = "",
        virtual_hosted_style: bool = False,
        ca_file: Path | None = None,
    ) -> Self:
        """A store on one bucket, below `prefix`; see `connection.connect` for the settings.

        `cache_folder` belongs to this process alone; it keeps copies of `cache_bytes` for worker
        processes. Asks the bucket once. Raises `Unavailable` where it does not answer, is not
        there or does not let us in; `ValueError` for settings that cannot be right; `FolderInUse`,
        `OSError` for the folder or the CA file.
        """
        client = await asyncio.to_thread(
            lambda: connect(
                endpoint,
                bucket,
                region=region,
                access_key=access_key,
                secret_key=secret_key,
                prefix=prefix,
                virtual_hosted_style=virtual_hosted_style,
                ca_file=ca_file,
            )
        )
        copies = await LocalCopies.open(cache_folder, cache_bytes)
        store = cls(client, copies)
        try:
            await store._objects.ask()
        except BaseException:
            await store.close()
            raise
        return store

    async def stage(self, system_id: str, upload_id: str) -> S3Upload:
        """Begin an upload; nothing is sent before there is a good piece of it."""
        names = (checked_id(system_id), checked_id(upload_id))
        return S3Upload(self._objects, self._staging, names, self._to_its_end)

    async def staged(self, system_id: str, upload_id: str) -> StoredFile:
        """Digest and size of a finished upload, whoever received it."""
        return (await self._staging.look_up(system_id, upload_id)).stored

    async def staged_path(self, system_id: str, upload_id: str) -> Path:
        """A copy of the finished upload."""
        staged = await self._staging.look_up(system_id, upload_id)
        return await self._copy(
            self._staging.key(system_id, upload_id, staged.version), staged.digest
        )

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove all that was uploaded under this name."""
        await self._partials.discard(system_id, upload_id)
        await self._staging.discard(system_id, upload_id)

    async def begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> None:
        """Begin an upload in pieces."""
        await self._partials.begin(system_id, upload_id, plan)

    async def partial(self, system_id: str, upload_id: str) -> PartialUpload:
        """How far an upload in pieces is, whoever received them."""
        return await self._partials.look_up(system_id, upload_id)

    async def append(self, system_id: str, upload_id: str, offset: int) -> S3Piece:
        """Begin a piece."""
        return await self._partials.append(system_id, upload_id, offset)

    async def complete(self, system_id: str, upload_id: str) -> StoredFile:
        """Put the pieces together, hashed on the way."""
        return await self._partials.complete(system_id, upload_id)

    async def take(
        self, system_id: str, upload_ids: Sequence[str], document_id: str
    ) -> Sequence[StoredFile]:
        """Copy staged files into the document's folder, inside the store, several at once."""
        names = [checked_id(each) for each in upload_ids]
        checked_id(system_id), checked_id(document_id)
        if not names:
            return []
        found = await together(lambda name: self._staging.look_up(system_id, name), names)
        taken = dict(zip(names, found, strict=True))

        async def copy_all(generation: int) -> None:
            async def copy_one(name: str) -> None:
                taken[name] = await self._take(
                    system_id, name, taken[name], document_id, generation
                )

            await together(copy_one, taken)

        await self._folders.write(document_id, copy_all)
        return [taken[name].stored for name in names]

    async def put(self, document_id: str, digest: str, content: bytes) -> None:
        """Store small bytes under a document, durably. Verifies the digest."""
        checked_id(document_id), checked_digest(digest)
        if sha256(content).hexdigest() != digest:
            raise ValueError(f"the bytes do not give {digest}")
        await self._folders.write(
            document_id,
            lambda generation: self._objects.put(
                file_key(document_id, digest, generation), content
            ),
        )

    async def size(self, document_id: str, digest: str) -> int:
        """Size in bytes."""
        try:
            return await self._objects.size(file_key(document_id, digest))
        except FileNotFoundError:
            return await self._objects.size(await self._folders.find(document_id, digest))

    async def read(
        self, document_id: str, digest: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream bytes; a whole read is verified before its last chunk is handed out."""
        key = file_key(document_id, digest)
        begun = False
        try:
            async for piece in read_verified(self._objects, key, digest, start, end):
                begun = True
                yield piece
            return
        except FileNotFoundError:
            if begun:
                raise
        key = await self._folders.find(document_id, digest)
        async for piece in read_verified(self._objects, key, digest, start, end):
            yield piece

    async def local_path(self, document_id: str, digest: str) -> Path:
        """A copy of the file; none where it was removed from the store meanwhile."""
        key = file_key(document_id, digest)
        try:
            if not await self._objects.exists(key):
                key = await self._folders.find(document_id, digest)
            return await self._copy(key, digest)
        except FileNotFoundError:
            await self._copies.forget(folder_key(document_id))
            raise

    async def expire_staging(self, older_than_ms: int) -> int:
        """Remove uploads that were last written before that moment, complete or not."""
        expired = await self._partials.expire(older_than_ms)
        return expired + await self._staging.expire(older_than_ms)

    async def remove(self, document_id: str, digests: Sequence[str] | None = None) -> None:
        """Remove a document's files for good, and this process's copies of them."""
        await self._folders.remove(document_id, digests)
        await self._copies.forget(folder_key(document_id))

    async def documents(self) -> Sequence[str]:
        """Ids of the documents that have a file."""
        return await self._folders.documents()

    async def digests(self, document_id: str) -> Sequence[str]:
        """What the files of a document are called."""
        return await self._folders.digests(document_id)

    async def retire(self, document_id: str, untouched_since_ms: int) -> int | None:
        """Begin the next generation, then look at the older ones."""
        return await self._folders.retire(document_id, untouched_since_ms)

    async def remove_retired(self, document_id: str, generation: int) -> None:
        """Remove the generations before this one."""
        await self._folders.remove_retired(document_id, generation)
        await self._copies.forget(folder_key(document_id))

    async def forget_retired(self, older_than_ms: int) -> None:
        """Forget generations begun before that moment."""
        await self._folders.forget_retired(older_than_ms)

    async def close(self) -> None:
        """Finish what is being cleaned up, for some seconds, and remove the local copies."""
        if self._cleaning:
            _, unfinished = await asyncio.wait(self._cleaning, timeout=_CLOSING_S)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await self._copies.close()

    async def _take(
        self, system_id: str, upload_id: str, staged: Staged, document_id: str, generation: int
    ) -> Staged:
        """Copy one upload; the one that stands by then, where this one has gone."""
        for _ in range(_REPLACED_TRIES):
            source = self._staging.key(system_id, upload_id, staged.version)
            target = file_key(document_id, staged.digest, generation)
            try:
                await self._objects.copy(source, target, staged.size)
            except FileNotFoundError:
                standing = await self._staging.look_up(system_id, upload_id)
                if standing == staged:
                    raise
                staged = standing
            else:
                return staged
        raise FileNotFoundError(f"{upload_id} is replaced again and again")

    async def _copy(self, key: str, digest: str) -> Path:
        async def chunks() -> AsyncIterator[bytes]:
            async for piece, _ in read_pieces(self._objects, key):
                yield piece

        return await self._copies.path(key, digest, chunks)

    async def _to_its_end(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        await asyncio.shield(task)
