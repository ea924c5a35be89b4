"""Attachments: bytes named by their SHA-256, streamed, under the document that they belong to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was stored: lower-case hex SHA-256 of the bytes, and their number."""

    digest: str
    size: int


class StagedUpload(Protocol):
    """An upload being written; memory does not grow with it."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable` (disk full, store away)."""
        ...

    async def finish(self) -> StoredFile:
        """Give it its staging name and tell its digest and size.

        It need not survive a crash before `take`: its sender uploads again.
        """
        ...

    async def abort(self) -> None:
        """Leave nothing behind. Never raises; harmless after `finish`."""
        ...


class FileStore(Protocol):
    """L31: `staging/<system>/<upload>`, then `documents/<id>/<digest>`; nothing is shared.

    Names are ours (ids, digests), never a user's file name. An existing name is never
    overwritten with other bytes. Errors: `FileNotFoundError`, `Unavailable`, `ValueError` for a
    name that is not an id or digest.
    """

    async def stage(self, system_id: str, upload_id: str) -> StagedUpload:
        """Begin an upload. An unfinished one of the same name is replaced."""
        ...

    async def staged(self, system_id: str, upload_id: str) -> StoredFile:
        """Digest and size of a finished upload. Raises `FileNotFoundError`."""
        ...

    async def staged_path(self, system_id: str, upload_id: str) -> Path:
        """A readable local path of a finished upload, for a worker process."""
        ...

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove a staged upload; nothing happens if there is none."""
        ...

    async def take(self, system_id: str, upload_ids: Sequence[str], document_id: str) -> None:
        """Give staged files to a document, durably, before its command is written (hard link).

        Once it returns, bytes and names survive a crash, however lazily they were staged.
        The staged names remain until discarded or expired; taking twice is harmless.
        """
        ...

    async def put(self, document_id: str, digest: str, content: bytes) -> None:
        """Store small bytes (a card, a packet) under a document. Verifies the digest."""
        ...

    async def size(self, document_id: str, digest: str) -> int:
        """Size in bytes. Raises `FileNotFoundError`."""
        ...

    def read(
        self, document_id: str, digest: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream bytes `start` (inclusive) to `end` (exclusive).

        A whole read is verified: raises `OSError` where the bytes do not give the digest, before
        the last chunk is handed out.
        """
        ...

    async def local_path(self, document_id: str, digest: str) -> Path:
        """A readable local path for a worker process (a fetched copy where the store is remote)."""
        ...

    async def expire_staging(self, older_than_ms: int) -> int:
        """Remove staged uploads last written before that moment; tells how many."""
        ...

    async def remove(self, document_id: str, digests: Sequence[str] | None = None) -> None:
        """Remove a document's files (all of them for None); nothing happens if there are none."""
        ...

    async def documents(self) -> Sequence[str]:
        """Ids of the documents that have a folder (for the sweep of L31)."""
        ...
