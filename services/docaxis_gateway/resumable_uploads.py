"""Uploads in pieces, whatever wire they come over: tus on REST, a client stream on gRPC.

What an upload is lies in the file store alone (`ports.partial_uploads`); this is how pieces come
in. Rules (tests carry their numbers):

- P1 Size and SHA-256 are told beforehand; other bytes leave nothing behind in the end.
- P2 A piece begins where the upload stands; what came of a piece that was cut counts.
- P3 No byte beyond the size that was told is kept.
- P4 When all bytes are there they are checked, once; who asks meanwhile is told to ask again. A
  check that died with its process is done for the next who asks.
- P5 An upload to which nothing was added for a day is unknown, whether or not it is swept yet.
- P6 To begin one again under its name is harmless where size and digest are the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.file_store import FileStore, StoredFile
from docaxis_eventsourcing.ports.partial_uploads import (
    OtherBytes,
    PartialUpload,
    TooManyPieces,
    UploadHeld,
    UploadPlan,
    WrongOffset,
)
from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.background import Background

BEGINNING = "POST /uploads"
"""The route that an idempotency key is scoped to, whatever wire it comes over."""
LONGEST_NOTE = 4096
"""Characters of the sender's own note."""
_HOUR_MS = 3_600_000
_CHECKING_S = 30.0
_HELD_RETRY_S = 1.0
_HELD_AT_ONCE = 4
_TRIES = 3

Names = tuple[str, str]
"""Ids of the system and of its upload."""


@dataclass(frozen=True, slots=True)
class UploadState:
    """How far an upload is; `expires_ms` (Unix ms) is None once it is complete."""

    upload_id: str
    size: int
    digest: str
    offset: int
    note: str
    expires_ms: int | None

    @property
    def complete(self) -> bool:
        """Whether a document may take it."""
        return self.expires_ms is None


class ResumableUploads:
    """See the module. All errors are `DocaxisError`, `Unavailable`, or of the chunks' source."""

    def __init__(
        self,
        files: FileStore,
        settings: GatewaySettings,
        now_ms: Callable[[], int],
        background: Background,
    ) -> None:
        self._files = files
        self._settings = settings
        self._now_ms = now_ms
        self._background = background
        self._held = 0
        self._checking: dict[Names, asyncio.Future[None]] = {}

    async def begin(self, names: Names, plan: UploadPlan) -> tuple[UploadState, bool]:
        """Begin an upload; whether it is new. Raises `file_empty`, `file_too_large`,
        `upload_conflict`."""
        if plan.size == 0:
            raise DocaxisError("file_empty")
        if plan.size > self._settings.max_upload_bytes:
            raise DocaxisError("file_too_large", {"limit": str(self._settings.max_upload_bytes)})
        for _ in range(_TRIES):
            state = await self._look_up(names)
            if state is not None:
                if (state.size, state.digest) != (plan.size, plan.digest):
                    raise DocaxisError("upload_conflict")
                return state, False
            try:
                await self._files.begin(*names, plan)
            except FileExistsError:
                if await self._look_up(names) is None:
                    await self._files.discard(*names)  # it has expired
                continue
            return await self.state(names), True
        raise DocaxisError("upload_held", retry_after_s=_HELD_RETRY_S)

    async def state(self, names: Names) -> UploadState:
        """How far it is. Raises `unknown_upload`; what `append` raises of a whole one."""
        state = await self._look_up(names)
        if state is None:
            raise DocaxisError("unknown_upload")
        if not state.complete and state.offset == state.size:
            return await self._checked(names)
        return state

    async def append(
        self, names: Names, offset: int, chunks: AsyncIterator[bytes], length: int | None = None
    ) -> UploadState:
        """Add bytes at this offset; `length` is how many were announced.

        Raises `unknown_upload`, `upload_offset_conflict`, `upload_held`, `upload_fragmented`,
        `upload_length_exceeded`, `digest_mismatch`; what `chunks` raises, after keeping what came.
        """
        state = await self._look_up(names)
        if state is None:
            raise DocaxisError("unknown_upload")
        if offset != state.offset:
            raise _conflict(state.offset)
        if length is not None and offset + length > state.size:
            raise _exceeded(state.size)
        try:
            if state.offset < state.size:
                await self._write(names, state, chunks)
            elif await anext(chunks, b""):
                raise _exceeded(state.size)
        except WrongOffset as wrong:
            raise _conflict(wrong.offset) from None
        except UploadHeld:
            raise DocaxisError("upload_held", retry_after_s=_HELD_RETRY_S) from None
        except TooManyPieces:
            raise DocaxisError("upload_fragmented") from None
        except FileNotFoundError:  # discarded, or completed by another request
            return await self.state(names)
        return await self.state(names)

    @contextmanager
    def holding_a_piece(self) -> Iterator[None]:
        """While a piece lies in memory whole. Raises `busy` where some do already."""
        if self._held >= _HELD_AT_ONCE:
            raise DocaxisError("busy", retry_after_s=_HELD_RETRY_S)
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def discard(self, names: Names) -> None:
        """Remove it, complete or not. Raises `unknown_upload`."""
        if await self._look_up(names) is None:
            raise DocaxisError("unknown_upload")
        await self._files.discard(*names)

    async def _write(self, names: Names, state: UploadState, chunks: AsyncIterator[bytes]) -> None:
        piece = await self._files.append(*names, state.offset)
        left = state.size - state.offset
        try:
            async for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    raise _exceeded(state.size)
                if chunk:
                    await piece.write(chunk)
        finally:
            await _whole(piece.keep())

    async def _look_up(self, names: Names) -> UploadState | None:
        partial = await self._partial(names)
        if partial is not None:
            expires_ms = partial.written_ms + int(self._settings.upload_hours * _HOUR_MS)
            if expires_ms < self._now_ms():
                return None
            plan = partial.plan
            return UploadState(
                names[1], plan.size, plan.digest, partial.offset, plan.note, expires_ms
            )
        try:
            stored = await self._files.staged(*names)
        except FileNotFoundError:
            return None
        return _complete(names, stored)

    async def _partial(self, names: Names) -> PartialUpload | None:
        try:
            return await self._files.partial(*names)
        except FileNotFoundError:
            return None

    async def _checked(self, names: Names) -> UploadState:
        """The complete upload. Goes on where the asker leaves, so that it is done once (P4)."""
        checking = self._checking.get(names)
        if checking is None:
            checking = asyncio.get_running_loop().create_future()
            checking.add_done_callback(lambda done: done.exception())  # whoever asked may be gone
            self._checking[names] = checking
            self._background.spawn("check_upload", self._check(names, checking))
        try:
            async with asyncio.timeout(_CHECKING_S):
                await asyncio.shield(checking)
            return _complete(names, await self._files.staged(*names))
        except (TimeoutError, UploadHeld):
            raise DocaxisError("upload_held", retry_after_s=_HELD_RETRY_S) from None
        except OtherBytes:
            raise DocaxisError("digest_mismatch") from None
        except WrongOffset as wrong:
            raise _conflict(wrong.offset) from None
        except FileNotFoundError:
            raise DocaxisError("unknown_upload") from None

    async def _check(self, names: Names, checking: "asyncio.Future[None]") -> None:
        try:
            with suppress(FileNotFoundError):  # another process did it, or it was discarded
                await self._files.complete(*names)
            checking.set_result(None)
        except Exception as error:  # noqa: BLE001 - it is of whoever waits
            checking.set_exception(error)
        finally:
            checking.cancel()
            del self._checking[names]


async def _whole(work: Coroutine[Any, Any, Any]) -> None:
    """Await work to its end, also where the caller is cancelled meanwhile: what came counts."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _complete(names: Names, stored: StoredFile) -> UploadState:
    return UploadState(names[1], stored.size, stored.digest, stored.size, "", None)


def _conflict(offset: int) -> DocaxisError:
    return DocaxisError("upload_offset_conflict", {"offset": str(offset)})


def _exceeded(size: int) -> DocaxisError:
    return DocaxisError("upload_length_exceeded", {"size": str(size)})
