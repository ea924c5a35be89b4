"""Files as streams: in towards `PUT /uploads/{id}`, out from `GET …/files/{digest}`.

Neither holds a file: a piece is taken when the one before it has gone on. Pieces of an upload come
as the client sends them; the route bounds the whole and does not wait for ever.
"""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from google.protobuf.message import Message

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.problems import field_error
from docaxis_gateway.public_grpc.call import Call, pieces_of
from docaxis_gateway.public_grpc.exchange import Answer, Request
from docaxis_gateway.public_grpc.messages import filled_path, parsed, reply_of
from docaxis_gateway.public_grpc.routes import Route
from docaxis_gateway.text_rules import is_digest
from docaxis_proto import gateway_v1_pb2 as pb

PIECE_BYTES = 256 * 1024
_LARGEST_OFFSET = 10**18

_FILE_NAME = re.compile(r"filename\*=UTF-8''(\S+)")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


async def upload(call: Call, route: Route, sent: AsyncIterator[bytes], limit: int) -> Any:
    """Store the file that comes; `limit` bounds one message of the stream."""
    messages = _messages(route, sent, limit)
    start = await _start(messages)
    digest = base64.b64encode(bytes.fromhex(start.digest))
    headers = (
        (b"content-digest", b"sha-256=:" + digest + b":"),
        (b"content-type", b"application/octet-stream"),
        (b"transfer-encoding", b"chunked"),  # it has a body, of which the length is not known
    )
    request = Request(route.method, filled_path(route, start), headers=headers)
    body = bytearray()

    async def take(_: Answer, piece: bytes) -> None:
        body.extend(piece)

    answer = await call.stream(request, pieces_of(_pieces(messages)), take)
    return reply_of(route, bytes(body), repeat=answer.status == 200)


async def download(
    call: Call, route: Route, message: Any, write: Callable[[Message], Awaitable[None]]
) -> None:
    """Write what the file is, then its bytes from the offset on."""
    if not 0 <= message.offset < _LARGEST_OFFSET:
        raise field_error("/offset", "field_invalid", expected="a number of bytes")
    headers = ((b"range", b"bytes=%d-" % message.offset),) if message.offset else ()
    request = Request(route.method, filled_path(route, message), headers=headers)
    started = False

    async def take(answer: Answer, piece: bytes) -> None:
        nonlocal started
        if not started:
            started = True
            await write(pb.FilePiece(start=_about(answer, message.digest)))
        for at in range(0, len(piece), PIECE_BYTES):
            await write(pb.FilePiece(piece=piece[at : at + PIECE_BYTES]))

    await call.stream(request, pieces_of(_nothing()), take)


async def _messages(route: Route, sent: AsyncIterator[bytes], limit: int) -> AsyncIterator[Any]:
    async for raw in sent:
        yield parsed(route.request, raw, limit)


async def _start(messages: AsyncIterator[Any]) -> pb.UploadStart:
    first = await anext(messages, None)
    if first is None or not first.HasField("start"):
        raise field_error("/start", "field_required")
    start: pb.UploadStart = first.start
    if not is_digest(start.digest):
        expected = "64 hexadecimal digits in lower case"
        raise field_error("/start/digest", "field_invalid", expected=expected)
    return start


async def _pieces(messages: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    async for message in messages:
        if message.HasField("start"):
            raise field_error("/start", "field_invalid", expected="once, at the beginning")
        yield message.piece


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _about(answer: Answer, digest: str) -> pb.FileStart:
    headers = {name: value.decode("latin-1") for name, value in answer.headers.items()}
    named = _FILE_NAME.search(headers.get(b"content-disposition", ""))
    ranged = _CONTENT_RANGE.match(headers.get(b"content-range", ""))
    if ranged is None and b"content-length" not in headers:
        raise DocaxisError("internal")
    return pb.FileStart(
        name=unquote(named[1]) if named else digest,
        media_type=headers.get(b"content-type", "application/octet-stream"),
        digest=digest,
        size=int(ranged[2]) if ranged else int(headers[b"content-length"]),
        offset=int(ranged[1]) if ranged else 0,
    )
