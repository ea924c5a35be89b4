"""Uploads in pieces over gRPC: the servicer of `docaxis.uploads.v1`, on the same code as tus.

Whoever mounts it says who calls and maps `DocaxisError` as for every method. Rules (tests carry
their numbers):

- R1 The first message names the upload; each message's offset is where its bytes belong.
- R2 What came before a stream was cut, or before a message that does not follow, counts.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_eventsourcing.ports.partial_uploads import UploadPlan
from docaxis_gateway.idempotency import scoped_key
from docaxis_gateway.problems import field_error
from docaxis_gateway.resumable_uploads import (
    BEGINNING,
    LONGEST_NOTE,
    ResumableUploads,
    UploadState,
)
from docaxis_gateway.text_rules import is_digest
from docaxis_proto.uploads_v1_pb2 import (
    BeginUploadRequest,
    DiscardUploadReply,
    DiscardUploadRequest,
    GetUploadRequest,
    UploadPiece,
    UploadProgress,
)

CallingSystem = Callable[[Any], Awaitable[str]]
"""From a call's context to the id of the system that calls; raises `DocaxisError`."""


class UploadsServicer:
    """See the module."""

    def __init__(self, uploads: ResumableUploads, calling_system: CallingSystem) -> None:
        self._uploads = uploads
        self._calling_system = calling_system

    async def BeginUpload(self, request: BeginUploadRequest, context: Any) -> UploadProgress:
        """Begin an upload. Raises as `ResumableUploads.begin`, `idempotency_key_invalid`."""
        system_id = await self._calling_system(context)
        if not is_digest(request.digest):
            raise field_error("/digest", "field_invalid", expected="64 lower-case hex digits")
        if len(request.note) > LONGEST_NOTE:
            raise field_error("/note", "field_too_long", limit=str(LONGEST_NOTE))
        upload_id = scoped_key(system_id, BEGINNING, request.idempotency_key or None)
        plan = UploadPlan(request.size, request.digest, request.note)
        state, _ = await self._uploads.begin((system_id, upload_id), plan)
        return _progress(state)

    async def AppendToUpload(
        self, pieces: AsyncIterator[UploadPiece], context: Any
    ) -> UploadProgress:
        """Add a stream of bytes. Raises as `ResumableUploads.append`."""
        system_id = await self._calling_system(context)
        first = await anext(aiter(pieces), None)
        if first is None:
            raise field_error("/upload_id", "field_required")
        names = (system_id, _checked(first.upload_id))
        return _progress(await self._uploads.append(names, first.offset, _contents(first, pieces)))

    async def GetUpload(self, request: GetUploadRequest, context: Any) -> UploadProgress:
        """How far an upload is. Raises as `ResumableUploads.state`."""
        names = (await self._calling_system(context), _checked(request.upload_id))
        return _progress(await self._uploads.state(names))

    async def DiscardUpload(
        self, request: DiscardUploadRequest, context: Any
    ) -> DiscardUploadReply:
        """Remove an upload. Raises `unknown_upload`."""
        names = (await self._calling_system(context), _checked(request.upload_id))
        await self._uploads.discard(names)
        return DiscardUploadReply()


async def _contents(first: UploadPiece, pieces: AsyncIterator[UploadPiece]) -> AsyncIterator[bytes]:
    at = first.offset + len(first.content)
    yield first.content
    async for piece in pieces:
        if piece.offset != at or piece.upload_id not in ("", first.upload_id):
            raise DocaxisError("upload_offset_conflict", {"offset": str(at)})
        at += len(piece.content)
        yield piece.content


def _checked(upload_id: str) -> str:
    if not is_identifier(upload_id):
        raise DocaxisError("unknown_upload")
    return upload_id


def _progress(state: UploadState) -> UploadProgress:
    return UploadProgress(
        upload_id=state.upload_id,
        size=state.size,
        digest=state.digest,
        offset=state.offset,
        complete=state.complete,
        expires_at=state.expires_ms or 0,
        note=state.note,
    )
