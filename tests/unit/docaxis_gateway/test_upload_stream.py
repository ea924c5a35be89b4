"""Uploads in pieces over gRPC: the same code as tus, behind messages; over a real channel too."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from docaxis_adapters.local_files import LocalFileStore
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.processor import wall_clock
from docaxis_gateway.resumable_uploads import ResumableUploads
from docaxis_gateway.settings import GatewaySettings
from docaxis_gateway.upload_stream import UploadsServicer
from docaxis_proto.uploads_v1_pb2 import (
    BeginUploadRequest,
    DiscardUploadRequest,
    GetUploadRequest,
    UploadPiece,
    UploadProgress,
)
from docaxis_proto.uploads_v1_pb2_grpc import UploadsStub, add_UploadsServicer_to_server
from docaxis_runtime.background import Background

CONTENT = bytes(range(251)) * 20_000  # 5 MB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CHUNK = 600_000


@pytest.fixture
async def servicer(tmp_path: Path) -> AsyncIterator[UploadsServicer]:
    files = await LocalFileStore.open(tmp_path / "files")
    background = Background()
    uploads = ResumableUploads(files, GatewaySettings(), wall_clock, background)

    async def calling_system(context: Any) -> str:
        return "system-1" if context is None else str(context)

    yield UploadsServicer(uploads, calling_system)
    await background.stop()
    await files.close()


async def pieces(
    upload_id: str, start: int = 0, end: int = len(CONTENT)
) -> AsyncIterator[UploadPiece]:
    for at in range(start, end, CHUNK):
        yield UploadPiece(
            upload_id=upload_id if at == start else "",
            offset=at,
            content=CONTENT[at : min(at + CHUNK, end)],
        )


async def begun(servicer: UploadsServicer, **more: Any) -> UploadProgress:
    request = BeginUploadRequest(size=len(CONTENT), digest=DIGEST, **more)
    return await servicer.BeginUpload(request, None)


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(DocaxisError) as refused:
        await call
    return refused.value.code


async def test_a_file_in_two_streams(servicer: UploadsServicer) -> None:
    told = await begun(servicer, note="Công văn", idempotency_key="key-1")
    assert (told.offset, told.complete, told.note) == (0, False, "Công văn")
    assert told.expires_at > wall_clock()
    half = await servicer.AppendToUpload(pieces(told.upload_id, 0, 2_000_000), None)
    assert (half.offset, half.complete) == (2_000_000, False)
    again = await begun(servicer, idempotency_key="key-1")
    assert (again.upload_id, again.offset) == (told.upload_id, 2_000_000)
    whole = await servicer.AppendToUpload(pieces(told.upload_id, 2_000_000), None)
    assert (whole.offset, whole.complete, whole.digest) == (len(CONTENT), True, DIGEST)
    asked = await servicer.GetUpload(GetUploadRequest(upload_id=told.upload_id), None)
    assert (asked.complete, asked.expires_at) == (True, 0)


async def test_rule_R2_what_came_of_a_cut_stream_counts(servicer: UploadsServicer) -> None:
    told = await begun(servicer)

    async def cut() -> AsyncIterator[UploadPiece]:
        async for piece in pieces(told.upload_id, 0, 2 * CHUNK):
            yield piece
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await servicer.AppendToUpload(cut(), None)
    asked = await servicer.GetUpload(GetUploadRequest(upload_id=told.upload_id), None)
    assert asked.offset == 2 * CHUNK
    whole = await servicer.AppendToUpload(pieces(told.upload_id, asked.offset), None)
    assert whole.complete


async def test_rule_R1_messages_follow_each_other(servicer: UploadsServicer) -> None:
    told = await begun(servicer)

    async def with_a_gap() -> AsyncIterator[UploadPiece]:
        yield UploadPiece(upload_id=told.upload_id, offset=0, content=CONTENT[:100])
        yield UploadPiece(offset=101, content=CONTENT[101:200])

    assert await refusal(servicer.AppendToUpload(with_a_gap(), None)) == "upload_offset_conflict"
    asked = await servicer.GetUpload(GetUploadRequest(upload_id=told.upload_id), None)
    assert asked.offset == 100
    stale = servicer.AppendToUpload(pieces(told.upload_id, 99), None)
    assert await refusal(stale) == "upload_offset_conflict"
    beyond = UploadPiece(upload_id=told.upload_id, offset=100, content=CONTENT)

    async def too_much() -> AsyncIterator[UploadPiece]:
        yield beyond

    assert await refusal(servicer.AppendToUpload(too_much(), None)) == "upload_length_exceeded"


async def test_bad_input(servicer: UploadsServicer) -> None:
    async def nothing() -> AsyncIterator[UploadPiece]:
        return
        yield

    begin: Callable[..., Awaitable[Any]] = lambda **fields: servicer.BeginUpload(  # noqa: E731
        BeginUploadRequest(**fields), None
    )
    assert await refusal(begin(size=0, digest=DIGEST)) == "file_empty"
    assert await refusal(begin(size=2**40, digest=DIGEST)) == "file_too_large"
    assert await refusal(begin(size=1, digest="x")) == "field_invalid"
    assert await refusal(begin(size=1, digest=DIGEST, note="ă" * 5000)) == "field_too_long"
    key = begin(size=1, digest=DIGEST, idempotency_key="a b")
    assert await refusal(key) == "idempotency_key_invalid"
    assert await refusal(servicer.AppendToUpload(nothing(), None)) == "field_required"
    for name in ("", "../x", "01a21d39-b0e5-7748-962d-460b069ed1a1"):
        assert await refusal(servicer.AppendToUpload(pieces(name), None)) == "unknown_upload"
        get = servicer.GetUpload(GetUploadRequest(upload_id=name), None)
        assert await refusal(get) == "unknown_upload"


async def test_an_upload_belongs_to_its_system_and_is_discarded(servicer: UploadsServicer) -> None:
    told = await begun(servicer)
    get = GetUploadRequest(upload_id=told.upload_id)
    assert await refusal(servicer.GetUpload(get, "system-2")) == "unknown_upload"
    await servicer.DiscardUpload(DiscardUploadRequest(upload_id=told.upload_id), None)
    assert await refusal(servicer.GetUpload(get, None)) == "unknown_upload"


async def test_over_a_channel(servicer: UploadsServicer) -> None:
    async def calling_system(context: Any) -> str:
        return "system-1"

    server = grpc.aio.server()
    servicer._calling_system = calling_system
    add_UploadsServicer_to_server(cast(Any, servicer), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = UploadsStub(channel)
        told = await stub.BeginUpload(BeginUploadRequest(size=len(CONTENT), digest=DIGEST))
        whole = await stub.AppendToUpload(pieces(told.upload_id))
        assert whole.complete
    await server.stop(None)
