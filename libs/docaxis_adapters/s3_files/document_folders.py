"""A document's files, in generations, so that removing never meets taking (L31).

The port tells what the generations are for. Here each step is one object, and the argument needs
of the store only that a write is seen by every read and listing that begins after it ended (as S3
promises): whoever takes writes the file first and looks for marks then; `retire` writes the mark
first and lists the files then. At least one of the two sees the other.

Marks are objects of their own, never changed and only forgotten long after, so it does no harm
when one is written twice, late, or by a process that was believed dead.
"""

from collections.abc import Awaitable, Callable, Sequence

from docaxis_adapters.s3_files.objects import Listed, Objects
from docaxis_adapters.safe_folder import checked_digest, checked_id
from docaxis_eventsourcing.errors import Unavailable

_DOCUMENTS = "documents"
_MARKS = "retired"
_TRIES = 5


class DocumentFolders:
    """See the module."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def write(self, document_id: str, into: Callable[[int], Awaitable[None]]) -> None:
        """Let `into` write into the last generation, again where another has begun meanwhile.

        Raises what `into` raises, `Unavailable`, `ValueError`.
        """
        generation = 0
        for _ in range(_TRIES):
            await into(generation)
            last = await self._last(document_id)
            if last == generation:
                return
            generation = last
        raise Unavailable(f"{document_id} is being swept again and again")

    async def find(self, document_id: str, digest: str) -> str:
        """The key of a file that is not in the first generation. Raises `FileNotFoundError`."""
        names = await self._objects.folders(folder_key(document_id))
        for generation in sorted((int(each) for each in names), reverse=True):
            key = file_key(document_id, digest, generation)
            if await self._objects.exists(key):
                return key
        raise FileNotFoundError(file_key(document_id, digest))

    async def remove(self, document_id: str, digests: Sequence[str] | None) -> None:
        """Remove these files, or all, of every generation."""
        some = None if digests is None else {checked_digest(each) for each in digests}
        found = [each.key for each in await self._files(document_id)]
        await self._objects.delete(
            [key for key in found if some is None or key.rpartition("/")[2] in some]
        )

    async def documents(self) -> list[str]:
        """Ids of all documents that have a file, sorted."""
        return await self._objects.folders(_DOCUMENTS)

    async def digests(self, document_id: str) -> list[str]:
        """Names of the document's files, sorted."""
        return sorted({each.key.rpartition("/")[2] for each in await self._files(document_id)})

    async def retire(self, document_id: str, untouched_since_ms: int) -> int | None:
        """See the port."""
        marks = await self._marks(document_id)
        last = max(marks, default=0)
        files = await self._files(document_id)
        if _touched(files, untouched_since_ms):
            return None
        newest = max((_generation(each.key) for each in files), default=0)
        if newest >= last:
            last = newest + 1
            await self._objects.put(_mark(document_id, last), b"")
            if 1 not in marks and last != 1:  # the one that `_last` asks for
                await self._objects.put(_mark(document_id, 1), b"")
            files = await self._files(document_id)
        older = [each for each in files if _generation(each.key) < last]
        return None if _touched(older, untouched_since_ms) else last

    async def remove_retired(self, document_id: str, generation: int) -> None:
        """See the port."""
        files = await self._files(document_id)
        await self._objects.delete(
            [each.key for each in files if _generation(each.key) < generation]
        )

    async def forget_retired(self, older_than_ms: int) -> None:
        """See the port."""
        old = [
            each.key
            async for each in self._objects.under(_MARKS)
            if each.written_ms < older_than_ms
        ]
        await self._objects.delete(old)

    async def _last(self, document_id: str) -> int:
        """The generation to write into. One request for all but folders that were retired."""
        if not await self._objects.exists(_mark(document_id, 1)):
            return 0
        return max(await self._marks(document_id), default=0)

    async def _marks(self, document_id: str) -> list[int]:
        folder = f"{_MARKS}/{checked_id(document_id)}"
        return [int(each.key.rpartition("/")[2]) async for each in self._objects.under(folder)]

    async def _files(self, document_id: str) -> list[Listed]:
        return [each async for each in self._objects.under(folder_key(document_id))]


def folder_key(document_id: str) -> str:
    """Below what all files of a document lie. Raises `ValueError`."""
    return f"{_DOCUMENTS}/{checked_id(document_id)}"


def file_key(document_id: str, digest: str, generation: int = 0) -> str:
    """Where a file lies. Raises `ValueError`."""
    folder = folder_key(document_id) + (f"/{generation}" if generation else "")
    return f"{folder}/{checked_digest(digest)}"


def _mark(document_id: str, generation: int) -> str:
    return f"{_MARKS}/{checked_id(document_id)}/{generation}"


def _generation(key: str) -> int:
    parts = key.split("/")  # documents, id, perhaps a generation, digest
    return int(parts[2]) if len(parts) == 4 else 0


def _touched(files: Sequence[Listed], since_ms: int) -> bool:
    return any(each.written_ms >= since_ms for each in files)
