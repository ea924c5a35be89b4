"""Attachments: bytes named by their SHA-256, streamed, under the document that they belong to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docaxis_eventsourcing.ports.partial_uploads import PartialUploads


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


class FileStore(PartialUploads, Protocol):
    """L31: `staging/<system>/<upload>`, then `documents/<id>/<digest>`; nothing is shared.

    What comes in pieces lies apart until it is whole (`PartialUploads`).

    Names are ours (ids, digests), never a user's file name. An existing name is never
    overwritten with other bytes. Errors: `FileNotFoundError`, `Unavailable`, `ValueError` for a
    name that is not an id or digest.

    **Removing what nobody claimed.** A document's files lie in a *folder generation*: the first
    one, until `retire` begins the next. `put` and `take` return only after they saw that the
    generation that they wrote into was still the last one; else they write again, into the last.
    `retire` begins a generation first and looks at what lies in the older ones then. So each file
    that a caller relies on was seen by `retire`, or lies in a generation that `remove_retired`
    leaves alone, whichever processes do this, in whatever order, and wherever one of them dies.
    """

    async def stage(self, system_id: str, upload_id: str) -> StagedUpload:
        """Begin an upload. An unfinished one of the same name is replaced.

        Of uploads that are written under one name at the same time one stands in the end, whole.
        """
        ...

    async def staged(self, system_id: str, upload_id: str) -> StoredFile:
        """Digest and size of a finished upload. Raises `FileNotFoundError`."""
        ...

    async def staged_path(self, system_id: str, upload_id: str) -> Path:
        """A readable local path of a finished upload, for a worker process (see `local_path`)."""
        ...

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove an upload, staged or not yet complete; nothing happens if there is none."""
        ...

    async def take(
        self, system_id: str, upload_ids: Sequence[str], document_id: str
    ) -> Sequence[StoredFile]:
        """Give staged files to a document, durably, before its command is written.

        Once it returns, bytes and names survive a crash, however lazily they were staged.
        The staged names remain until discarded or expired; taking twice is harmless. Answers what
        was taken, in order: an upload may have been replaced since the caller asked for its
        digest. Raises `FileNotFoundError`, naming the upload, before it takes any.
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
        """A readable local path for a worker process (a fetched copy where the store is remote).

        It is good for some minutes; ask again for each use. A copy is verified when it is
        fetched: bytes that do not give the digest are `FileNotFoundError`, there is no such file.
        """
        ...

    async def expire_staging(self, older_than_ms: int) -> int:
        """Remove uploads last written before that moment (Unix ms); tells how many.

        Those that are not complete, too.
        """
        ...

    async def remove(self, document_id: str, digests: Sequence[str] | None = None) -> None:
        """Remove a document's files (all of them for None); nothing happens if there are none."""
        ...

    async def documents(self) -> Sequence[str]:
        """Ids of the documents that have a folder (for the sweep of L31)."""
        ...

    async def digests(self, document_id: str) -> Sequence[str]:
        """What the files of a document are called, of all generations; empty where there are
        none."""
        ...

    async def retire(self, document_id: str, untouched_since_ms: int) -> int | None:
        """Begin the document's next folder generation, then look at what lies in the older ones.

        Answers the number of the generation that is the last one now, for `remove_retired`; None
        where a file of the older ones was put or taken at or after that moment (Unix ms, by the
        store's clock): it may be on its way to its document. Repeats begin no further generation
        while the last one is empty. Nothing is removed, and all files stay readable.
        """
        ...

    async def remove_retired(self, document_id: str, generation: int) -> None:
        """Remove the generations before this one, which `retire` told; harmless when repeated."""
        ...

    async def forget_retired(self, older_than_ms: int) -> None:
        """Forget generations begun before that moment (Unix ms): documents start at the first.

        For marks so old that whoever was about to remove by them is long gone.
        """
        ...
