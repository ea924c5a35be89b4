"""Files as answers: ranges, entity tags, and names that survive (RFC 9110, 6266, 8187, 9530)."""

import base64
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_proto.routing_v1_pb2 import FileInfo

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ACTIVE = re.compile(r"(text/html|application/xhtml\+xml|image/svg\+xml|.*javascript.*)")


async def file_response(
    request: Request, files: FileStore, document_id: str, info: FileInfo
) -> Response:
    """One file of a document, or the part of it that was asked for.

    Raises `unknown_file` (its bytes are gone), `range_not_satisfiable`.
    """
    headers = _headers(info)
    if _matches(request.headers.get("if-none-match", ""), info.digest):
        return Response(status_code=304, headers=headers)
    start, end, partial = _asked_range(request, info)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    else:
        headers["Content-Digest"] = headers["Repr-Digest"]
    chunks = files.read(document_id, info.digest, start, end if partial else None)
    try:
        # The first chunk is asked for here: after the headers no problem can be told any more.
        first = await anext(chunks, b"")
    except (FileNotFoundError, ValueError):
        raise DocaxisError("unknown_file") from None
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(
        _chain(first, chunks), 206 if partial else 200, headers, _safe_media_type(info.media_type)
    )


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def content_disposition(name: str) -> str:
    """`attachment` with the name as it is (RFC 8187), and in ASCII for old clients."""
    plain = "".join(each if each.isascii() and each.isprintable() else "_" for each in name)
    plain = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _headers(info: FileInfo) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(info.digest)).decode()
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(info.name or info.digest),
        "ETag": f'"{info.digest}"',
        # Of the whole file, also with a part of it; Content-Digest is of what this answer carries.
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "private, no-cache",
    }


def _safe_media_type(media_type: str) -> str:
    # `attachment` and `nosniff` already keep browsers from running it; some viewers know neither.
    if not media_type or _ACTIVE.fullmatch(media_type.lower()):
        return "application/octet-stream"
    return media_type


def _matches(entity_tags: str, digest: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in entity_tags.split(",")]
    return "*" in tags or f'"{digest}"' in tags


def _asked_range(request: Request, info: FileInfo) -> tuple[int, int, bool]:
    """Start, end (exclusive), and whether it is a part; several ranges are answered whole."""
    whole = (0, info.size, False)
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if_range = request.headers.get("if-range")
    if found is None or (if_range is not None and if_range != f'"{info.digest}"'):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        start, end = max(0, info.size - int(last)), info.size
        satisfiable = int(last) > 0
    else:
        start, end = int(first), min(int(last) + 1 if last else info.size, info.size)
        if last and int(last) < int(first):
            return whole
        satisfiable = start < info.size
    if not satisfiable:
        raise DocaxisError("range_not_satisfiable", {"size": str(info.size)})
    return start, end, True
