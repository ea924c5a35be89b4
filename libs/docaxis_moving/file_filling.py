"""An export's files into a file store, as a document's own; each has the digest of its name."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_moving.errors import ExportDamaged
from docaxis_moving.file_segments import ArchiveReader
from docaxis_moving.layout import Segment

_SMALL = 256 * 1024
"""Such files are put in one piece, and several at once."""
_AT_ONCE = 16
_CHUNK = 2**20
_SYSTEM = "import"
"""Whose uploads larger files are, while they are written."""


class FileFilling:
    """Fills a store; a repeat passes over what is there."""

    def __init__(
        self,
        files: FileStore,
        folder: Path,
        *,
        again: bool,
        progress: Callable[[str, int, int], None],
    ) -> None:
        """`again`: some may be there from before."""
        self._files = files
        self._folder = folder
        self._again = again
        self._progress = progress

    async def fill(self, segments: Sequence[Segment]) -> None:
        """Raises `ExportDamaged`, `Unavailable`."""
        total = sum(each.count for each in segments)
        done = 0
        for segment in segments:
            running: set[asyncio.Task[None]] = set()
            try:
                with ArchiveReader(self._folder, segment) as archive:
                    for document_id, digest, size, content in archive.members():
                        if size > _SMALL:
                            await self._stream(document_id, digest, size, content)
                        else:
                            small = self._put(document_id, digest, content.read())
                            running.add(asyncio.create_task(small))
                            running = await _at_most(running, _AT_ONCE)
                        done += 1
                        self._progress("files", done, total)
                await _at_most(running, 0)
            finally:
                for each in running:
                    each.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        self._progress("files", total, total)

    async def _put(self, document_id: str, digest: str, content: bytes) -> None:
        try:
            if not await self._is_there(document_id, digest, len(content)):
                await self._files.put(document_id, digest, content)
        except ValueError as error:
            raise ExportDamaged(f"{document_id}/{digest}: {error}") from error

    async def _stream(self, document_id: str, digest: str, size: int, content: "IO[bytes]") -> None:
        if await self._is_there(document_id, digest, size):
            return
        upload = await self._files.stage(_SYSTEM, digest)
        try:
            while chunk := content.read(_CHUNK):
                await upload.write(chunk)
            stored = await upload.finish()
        except BaseException:
            await upload.abort()
            raise
        if (stored.digest, stored.size) != (digest, size):
            await self._files.discard(_SYSTEM, digest)
            raise ExportDamaged(f"{document_id}/{digest}: the bytes give {stored.digest}")
        await self._files.take(_SYSTEM, [digest], document_id)
        await self._files.discard(_SYSTEM, digest)

    async def _is_there(self, document_id: str, digest: str, size: int) -> bool:
        """A file has its name only with all its bytes, so its size says enough."""
        if not self._again:
            return False
        try:
            return await self._files.size(document_id, digest) == size
        except FileNotFoundError:
            return False


async def _at_most(running: set[asyncio.Task[None]], count: int) -> set[asyncio.Task[None]]:
    """Those that are left once no more than `count` run; raises what one of them raised."""
    while len(running) > count:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    return running
