"""An upload on its way into the store: small ones in one PUT, larger ones in parts as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from hashlib import sha256

from docaxis_adapters.s3_files.objects import PART, Objects
from docaxis_adapters.s3_files.staging import Staged, Staging
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile

LARGEST = 5 * 2**30
"""Bytes: what S3 copies in one step, and so what a document can take."""
_PIECE = 2**20
_HASHED_IN_PLACE = 2**16
_STALLED_S = 60.0

CleanUp = Callable[[Coroutine[None, None, None]], Awaitable[None]]
"""Runs work to its end even where its caller leaves; awaited, it waits for it."""


class S3Upload:
    """The port's `StagedUpload`: holds one part, and two more are on their way."""

    def __init__(
        self, objects: Objects, staging: Staging, names: tuple[str, str], clean_up: CleanUp
    ) -> None:
        """`names` are those of the system and of the upload."""
        self._objects = objects
        self._staging = staging
        self._names = names
        self._clean_up = clean_up
        self._version = staging.new_version()
        self._key = staging.key(*names, self._version)
        self._hasher = sha256()
        self._size = 0
        self._gathered = bytearray()
        self._parts: _Parts | None = None
        self._begun = False
        self._ended = False

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable`; nothing of the upload is left then."""
        self._check_open()
        if self._size + len(chunk) > LARGEST:
            await self.abort()
            raise ValueError(f"larger than {LARGEST} bytes, which a document could not take")
        try:
            await self._append(chunk)
        except BaseException:
            await self.abort()
            raise

    async def finish(self) -> StoredFile:
        """Write what is left, then the companion by which any process finds it."""
        self._check_open()
        self._begun = True
        try:
            if self._parts is None:
                await self._objects.put(self._key, bytes(self._gathered))
            else:
                await self._give_gathered()
                await self._parts.finish()
        except BaseException:
            await self.abort()
            raise
        # From here on it may be found, whatever becomes of this call: it is left to expire.
        self._ended = True
        staged = Staged(self._version, self._hasher.hexdigest(), self._size)
        await self._staging.publish(*self._names, staged)
        return staged.stored

    async def abort(self) -> None:
        """Leave nothing behind. Harmless after `finish`."""
        if not self._ended:
            self._ended = True
            self._gathered = bytearray()
            if self._begun:
                await self._clean_up(self._drop())

    async def _drop(self) -> None:
        with suppress(Unavailable):  # what cannot be removed now is removed when staging expires
            if self._parts is not None:
                await self._parts.give_up()
            await self._objects.delete([self._key])

    def _check_open(self) -> None:
        if self._ended:
            raise ValueError("this upload has ended")

    async def _append(self, chunk: bytes) -> None:
        if len(chunk) <= _HASHED_IN_PLACE:
            self._hasher.update(chunk)
        else:
            await asyncio.to_thread(self._hasher.update, chunk)
        self._size += len(chunk)
        self._gathered += chunk
        if self._parts is None and len(self._gathered) > PART:
            self._parts = _Parts(self._objects, self._key)
            self._begun = True
        if self._parts is not None and len(self._gathered) >= _PIECE:
            await self._give_gathered()

    async def _give_gathered(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        whole = memoryview(gathered)
        if self._parts is not None:
            for at in range(0, len(whole), _PIECE):
                await self._parts.give(bytes(whole[at : at + _PIECE]))


class _Parts:
    """A multipart upload fed piece by piece: `give` waits while the store is slower."""

    def __init__(self, objects: Objects, key: str) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=2)
        self._sending = asyncio.ensure_future(objects.put_pieces(key, self._until_none()))

    async def give(self, piece: bytes | None) -> None:
        """The next piece, None behind the last. Raises `Unavailable`."""
        giving = asyncio.ensure_future(self._pieces.put(piece))
        try:
            await asyncio.wait(
                (giving, self._sending),
                timeout=_STALLED_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not giving.done():
                await self._stop()
                raise Unavailable("object store: an upload's parts do not go on")
        finally:
            giving.cancel()

    async def finish(self) -> None:
        """Behind the last piece: wait until the store has it whole. Raises `Unavailable`."""
        await self.give(None)
        await asyncio.wait((self._sending,), timeout=_STALLED_S)
        await self._stop()

    async def give_up(self) -> None:
        """End the upload with what it has: unlike an aborted one it leaves no part behind.

        S3 lets parts that are on their way stay behind an abort. Raises `Unavailable`.
        """
        if not self._sending.done():
            await self.finish()
        elif not self._sending.cancelled():
            self._sending.exception()  # was told to whoever wrote

    async def _stop(self) -> None:
        """Raise what sending raised; `Unavailable` where it goes on and must be cut off."""
        if not self._sending.done():
            self._sending.cancel()
            await asyncio.wait((self._sending,))
        if self._sending.cancelled():
            raise Unavailable("object store: an upload does not end")
        await self._sending

    async def _until_none(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
