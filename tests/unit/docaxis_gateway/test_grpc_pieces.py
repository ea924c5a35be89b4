"""Uploads in pieces over gRPC: begun, cut, asked for, gone on with, taken by a document."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from docaxis_eventsourcing.identifiers import new_id
from docaxis_proto import gateway_v1_pb2 as pb
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.public_grpc import Rpc, refusal, rpc_of

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[Rpc]:
    async with rpc_of(world) as made:
        yield made


async def append(rpc: Rpc, upload_id: str, offset: int, content: bytes) -> pb.UploadProgress:
    async def sent() -> AsyncIterator[pb.AppendToUploadRequest]:
        start = pb.AppendStart(upload_id=upload_id, offset=offset)
        yield pb.AppendToUploadRequest(start=start)
        for at in range(0, len(content), 100_000):
            yield pb.AppendToUploadRequest(piece=content[at : at + 100_000])

    reply: pb.UploadProgress = await rpc.stub.AppendToUpload(
        sent(), metadata=rpc.metadata(), timeout=20
    )
    return reply


async def test_an_upload_in_pieces_ends_as_a_document(
    world: World, rpc: Rpc, document: Any
) -> None:
    asked = pb.BeginUploadRequest(size=len(CONTENT), digest=DIGEST)
    key = rpc.metadata(idempotency_key="one")
    begun = await rpc.call("BeginUpload", asked, metadata=key)
    assert begun.offset == 0
    half = len(CONTENT) // 2
    assert (await append(rpc, begun.upload_id, 0, CONTENT[:half])).offset == half
    again = await rpc.call("BeginUpload", asked, metadata=key)
    assert (again.upload_id, again.offset) == (begun.upload_id, half)
    found = await rpc.call("GetUpload", pb.GetUploadRequest(upload_id=begun.upload_id))
    assert (found.offset, found.size) == (half, len(CONTENT))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await append(rpc, begun.upload_id, half - 1, b"")
    assert refusal(raised.value).params["offset"] == str(half)
    assert (await append(rpc, begun.upload_id, half, CONTENT[half:])).offset == len(CONTENT)
    file = {"name": "a.bin", "media_type": "application/x-a", "upload": begun.upload_id}
    request = ParseDict({**document, "files": [file]}, pb.SubmitDocumentRequest())
    sent = await rpc.call("SubmitDocument", request)
    asked_for = pb.DownloadFileRequest(document_id=sent.id, digest=DIGEST)
    assert (await rpc.download(asked_for, world.receiver))[1] == CONTENT


async def test_what_came_of_a_cut_stream_counts(rpc: Rpc) -> None:
    asked = pb.BeginUploadRequest(size=len(CONTENT), digest=DIGEST)
    begun = await rpc.call("BeginUpload", asked)
    get = pb.GetUploadRequest(upload_id=begun.upload_id)
    half, stands = len(CONTENT) // 2, asyncio.Event()

    async def cut() -> AsyncIterator[pb.AppendToUploadRequest]:
        yield pb.AppendToUploadRequest(start=pb.AppendStart(upload_id=begun.upload_id))
        yield pb.AppendToUploadRequest(piece=CONTENT[:half])
        stands.set()
        await asyncio.Event().wait()

    call = rpc.stub.AppendToUpload(cut(), metadata=rpc.metadata(), timeout=20)
    await stands.wait()
    await asyncio.sleep(0.3)
    call.cancel()
    end = time.monotonic() + 10
    while (offset := (await rpc.call("GetUpload", get)).offset) < half:
        assert time.monotonic() < end, offset
        await asyncio.sleep(0.05)
    assert offset == half
    while True:
        try:
            whole = await append(rpc, begun.upload_id, half, CONTENT[half:])
        except grpc.aio.AioRpcError as error:  # the cut piece is being synced yet
            assert refusal(error).code == "upload_held"
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        else:
            break
    assert whole.offset == len(CONTENT)


async def test_a_discarded_upload_is_gone(rpc: Rpc) -> None:
    asked = pb.BeginUploadRequest(size=10, digest=DIGEST)
    begun = await rpc.call("BeginUpload", asked)
    await rpc.call("DiscardUpload", pb.DiscardUploadRequest(upload_id=begun.upload_id))
    refused = await rpc.refused("GetUpload", pb.GetUploadRequest(upload_id=begun.upload_id))
    assert (refused.grpc, refused.code) == ("NOT_FOUND", "unknown_upload")


async def test_uploads_that_cannot_be(rpc: Rpc) -> None:
    cases: list[tuple[str, Any, str | None]] = [
        ("BeginUpload", pb.BeginUploadRequest(size=10, digest="x"), "field_invalid"),
        ("BeginUpload", pb.BeginUploadRequest(size=-1, digest=DIGEST), "field_invalid"),
        ("BeginUpload", pb.BeginUploadRequest(digest=DIGEST), "file_empty"),
        ("BeginUpload", pb.BeginUploadRequest(size=2**62, digest=DIGEST), None),
        ("GetUpload", pb.GetUploadRequest(), "field_required"),
        ("GetUpload", pb.GetUploadRequest(upload_id=new_id()), "unknown_upload"),
        ("DiscardUpload", pb.DiscardUploadRequest(upload_id="x"), "unknown_upload"),
    ]
    for method, request, code in cases:
        refused = await rpc.refused(method, request)
        assert refused.grpc not in ("UNKNOWN", "INTERNAL")
        assert code in (None, refused.code), (method, request, refused)
