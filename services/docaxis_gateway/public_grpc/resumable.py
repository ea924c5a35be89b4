"""Uploads in pieces: the methods are tus 1.0 on REST, whose requests and answers are headers alone.

What an upload in pieces obeys is decided behind the routes; what came of a stream that was cut
counts, so a client asks `GetUpload` and goes on from its offset.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import Message

from docaxis_gateway.problems import field_error
from docaxis_gateway.public_grpc.call import Call, pieces_of, whole
from docaxis_gateway.public_grpc.exchange import Answer, Header, Request
from docaxis_gateway.public_grpc.messages import filled_path, parsed
from docaxis_gateway.public_grpc.routes import ROUTES, Route
from docaxis_gateway.text_rules import is_digest
from docaxis_proto import gateway_v1_pb2 as pb

_VERSION: Header = (b"tus-resumable", b"1.0.0")
_PIECE = b"application/offset+octet-stream"


async def begin(call: Call, message: Any) -> Message:
    """Begin one, or find it again by the call's idempotency key."""
    if not is_digest(message.digest):
        expected = "64 hexadecimal digits in lower case"
        raise field_error("/digest", "field_invalid", expected=expected)
    if message.size < 0:
        raise field_error("/size", "field_invalid", expected="a number of bytes")
    digest = base64.b64encode(bytes.fromhex(message.digest))
    headers = (
        (b"upload-length", str(message.size).encode()),
        (b"repr-digest", b"sha-256=:" + digest + b":"),
    )
    answer = await _asked(call, ROUTES["BeginUpload"], message, headers)
    upload_id = answer.headers[b"location"].rpartition(b"/")[2].decode()
    return _progress(upload_id, answer)


async def get(call: Call, message: Any) -> Message:
    """How much of it is there."""
    answer = await _asked(call, ROUTES["GetUpload"], message, ())
    return _progress(message.upload_id, answer)


async def discard(call: Call, message: Any) -> Message:
    """Remove it."""
    await _asked(call, ROUTES["DiscardUpload"], message, ())
    return pb.DiscardUploadReply()


async def append(call: Call, route: Route, sent: AsyncIterator[bytes], limit: int) -> Any:
    """Add what comes; `limit` bounds one message of the stream."""
    messages = (parsed(route.request, raw, limit) async for raw in sent)
    first = await anext(messages, None)
    if first is None or not first.HasField("start"):
        raise field_error("/start", "field_required")
    start = first.start
    if start.offset < 0:
        raise field_error("/start/offset", "field_invalid", expected="a number of bytes")
    headers = (
        _VERSION,
        (b"upload-offset", str(start.offset).encode()),
        (b"content-type", _PIECE),
        (b"transfer-encoding", b"chunked"),  # it has a body, of which the length is not known
    )
    request = Request(route.method, filled_path(route, start), headers=headers)
    answer = await call.stream(request, pieces_of(_pieces(messages)), _no_body)
    return _progress(start.upload_id, answer)


async def _pieces(messages: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    async for message in messages:
        if message.HasField("start"):
            raise field_error("/start", "field_invalid", expected="once, at the beginning")
        yield message.piece


async def _asked(call: Call, route: Route, message: Message, headers: tuple[Header, ...]) -> Answer:
    request = Request(route.method, filled_path(route, message), headers=(_VERSION, *headers))
    return await call.stream(request, whole(b""), _no_body)


async def _no_body(answer: Answer, piece: bytes) -> None:
    return


def _progress(upload_id: str, answer: Answer) -> pb.UploadProgress:
    size = answer.headers.get(b"upload-length")
    return pb.UploadProgress(
        upload_id=upload_id,
        offset=int(answer.headers[b"upload-offset"]),
        size=None if size is None else int(size),
    )
