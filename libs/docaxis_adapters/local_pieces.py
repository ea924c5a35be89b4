"""Pieces of an upload on their way into a local folder, and the upload that they make."""

from collections.abc import Awaitable, Callable
from typing import Any

from docaxis_adapters.local_partials import HeldPartial, LocalPartials
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import WrongOffset

_GATHERED = 256 * 1024

Run = Callable[..., Awaitable[Any]]
Sync = Callable[[int], Awaitable[None]]
"""Makes the file of a descriptor durable; the descriptor stays open."""


class LocalPiece:
    """The port's `UploadPiece`: holds the upload's lock until it is kept."""

    def __init__(self, held: HeldPartial, run: Run, sync: Sync) -> None:
        self._held = held
        self._run = run
        self._sync = sync
        self._gathered = bytearray()
        self._size = held.offset

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable`; `ValueError` beyond the plan's size."""
        if self._size + len(chunk) > self._held.plan.size:
            raise ValueError("larger than was told")
        self._size += len(chunk)
        self._gathered += chunk
        if len(self._gathered) >= _GATHERED:
            await self._write_gathered()

    async def keep(self) -> int:
        """Sync it and give up the lock."""
        try:
            await self._write_gathered()
            await self._sync(self._held.descriptor)
            return self._held.offset
        finally:
            self._gathered.clear()
            await self._run(self._held.close)

    async def _write_gathered(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        if gathered:
            await self._run(self._held.write, gathered)


async def begin_piece(
    partials: LocalPartials, names: tuple[str, str], offset: int, run: Run, sync: Sync
) -> LocalPiece:
    """Take the upload's lock where it stands at this offset. Raises as the port's `append`."""
    held: HeldPartial = await run(partials.hold, *names)
    if held.offset != offset:
        await run(held.close)
        raise WrongOffset(held.offset)
    return LocalPiece(held, run, sync)


async def complete(partials: LocalPartials, names: tuple[str, str], run: Run) -> StoredFile:
    """Hash all bytes, then give them their staging name. Raises as the port's `complete`."""
    held: HeldPartial = await run(partials.hold, *names)
    try:
        if held.offset != held.plan.size:
            raise WrongOffset(held.offset)
        while await run(held.hash_some):
            pass
        stored: StoredFile = await run(partials.publish, *names, held)
        return stored
    finally:
        await run(held.close)
