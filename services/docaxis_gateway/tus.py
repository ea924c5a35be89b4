"""Resumable uploads on REST: tus 1.0 (https://tus.io/protocols/resumable-upload) at `/uploads`.

Extensions: creation, creation-with-upload, expiration, termination, checksum. What an upload in
pieces obeys is in `resumable_uploads`; what tus leaves open is decided here (tests carry numbers):

- T1 The file's SHA-256 comes with the creation: `sha256` (hex) in `Upload-Metadata`, or
  `Repr-Digest` (RFC 9530).
- T2 A creation may carry an `Idempotency-Key`: the same key is the same upload, so that a client
  that was ended goes on where it stopped. The answer tells the offset.
- T3 A piece with `Upload-Checksum` is held in memory until it was checked, so it is small; only a
  few are held at a time, and more are told to come later.
- T4 Every answer of these routes carries `Tus-Resumable`, refusals too.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from email.utils import formatdate
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_eventsourcing.ports.partial_uploads import UploadPlan
from docaxis_gateway.answers import PREFIX
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_bounded, require_media_type
from docaxis_gateway.gateway import gateway_of
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import IDEMPOTENCY_KEY, problems
from docaxis_gateway.problems import language_of, problem_response
from docaxis_gateway.resumable_uploads import BEGINNING, LONGEST_NOTE, UploadState
from docaxis_gateway.text_rules import is_digest

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
ALGORITHMS = ("sha256", "sha1")
"""Of `Upload-Checksum`; tus requires sha1. The whole file's digest is SHA-256 in any case."""
LARGEST_CHECKED = 8 * 2**20
"""Bytes of a piece with `Upload-Checksum`, at most."""
_PIECE = "application/offset+octet-stream"
_LARGEST_NUMBER = re.compile(r"[0-9]{1,15}")
_PAIR = re.compile(r"([\x21-\x2b\x2d-\x7e]+)(?: ([A-Za-z0-9+/]*={0,2}))?")
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _TusRoute(APIRoute):
    """A route whose every answer says which version it speaks (T4)."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def speaking(request: Request) -> Response:
            try:
                response = await handler(request)
            except DocaxisError as error:
                response = problem_response(error, language_of(request))
                if "offset" in error.params:
                    response.headers["Upload-Offset"] = error.params["offset"]
            response.headers["Tus-Resumable"] = VERSION
            if response.status_code == 412:
                response.headers["Tus-Version"] = VERSION
            return response

        return speaking


router = APIRouter(tags=["documents"], route_class=_TusRoute)


def _header(name: str, description: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


_VERSION_HEADER = _header("Tus-Resumable", f"`{VERSION}`")
_PIECE_BODY = {"content": {_PIECE: {"schema": {"type": "string", "format": "binary"}}}}
_APPENDING = (
    "upload_header_invalid",
    "tus_version_unsupported",
    "upload_held",
    "upload_offset_conflict",
    "upload_fragmented",
    "upload_length_exceeded",
    "upload_checksum_mismatch",
    "body_too_large",
    "digest_mismatch",
    "request_timed_out",
    "storage_full",
)


@router.options("/uploads", include_in_schema=False)
@router.options("/uploads/{upload_id}", include_in_schema=False)
async def describe_uploads(request: Request) -> Response:
    """What this server's tus can do."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(gateway_of(request).settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "/uploads",
    status_code=201,
    openapi_extra={
        "requestBody": _PIECE_BODY,
        "parameters": [
            _VERSION_HEADER,
            _header("Upload-Length", "Bytes of the whole file."),
            _header("Upload-Metadata", "`sha256 <base64 of the hex digits>`, …", required=False),
            _header("Repr-Digest", "`sha-256=:<base64>:`, instead.", required=False),
            IDEMPOTENCY_KEY,
        ],
    },
    responses={
        200: {"description": "A repeat, by its Idempotency-Key: see Upload-Offset."},
        201: {"description": "Begun: see Location."},
        **problems(
            *_APPENDING,
            "file_empty",
            "file_too_large",
            "upload_conflict",
            "unknown_upload",
            "idempotency_key_invalid",
        ),
    },
)
async def begin_upload(caller: CallerDep) -> Response:
    """Begin an upload in pieces; may carry the first one."""
    request = caller.request
    _require_version(request)
    size = _number(request, "Upload-Length")
    note = request.headers.get("upload-metadata", "")
    plan = UploadPlan(size, _told_digest(request, note), note)
    upload_id = idempotency_key(caller, BEGINNING)
    names = (caller.system_id, upload_id)
    state, first = await caller.gateway.uploads.begin(names, plan)
    if first and request.headers.get("content-type", "") == _PIECE:
        state = await _append(caller, upload_id, 0)
    location = {"Location": f"{PREFIX}/uploads/{upload_id}"}
    return Response(status_code=201 if first else 200, headers={**_headers(state), **location})


@router.head(
    "/uploads/{upload_id}",
    openapi_extra={"parameters": [_VERSION_HEADER]},
    responses={
        200: {"description": "Upload-Offset and Upload-Length; no body."},
        **problems(
            "tus_version_unsupported",
            "unknown_upload",
            "upload_held",
            "upload_offset_conflict",
            "digest_mismatch",
        ),
    },
)
async def look_up_upload(upload_id: str, caller: CallerDep) -> Response:
    """How much of an upload is there."""
    _require_version(caller.request)
    state = await caller.gateway.uploads.state(_names(caller, upload_id))
    headers = {"Upload-Length": str(state.size), "Cache-Control": "no-store", **_headers(state)}
    if state.note:
        headers["Upload-Metadata"] = state.note
    return Response(status_code=200, headers=headers)


@router.patch(
    "/uploads/{upload_id}",
    status_code=204,
    openapi_extra={
        "requestBody": {"required": True, **_PIECE_BODY},
        "parameters": [
            _VERSION_HEADER,
            _header("Upload-Offset", "Where the piece begins: what HEAD told."),
            _header("Upload-Checksum", "`sha256 <base64>` of the piece.", required=False),
        ],
    },
    responses={
        204: {"description": "Kept: see Upload-Offset. With the last byte the file is checked."},
        **problems(*_APPENDING, "unknown_upload", "unsupported_media_type"),
    },
)
async def append_to_upload(upload_id: str, caller: CallerDep) -> Response:
    """Add a piece; what came of one that was cut counts."""
    _require_version(caller.request)
    require_media_type(caller.request, _PIECE)
    offset = _number(caller.request, "Upload-Offset")
    state = await _append(caller, _names(caller, upload_id)[1], offset)
    return Response(status_code=204, headers=_headers(state))


@router.delete(
    "/uploads/{upload_id}",
    status_code=204,
    openapi_extra={"parameters": [_VERSION_HEADER]},
    responses={
        204: {"description": "Gone."},
        **problems("tus_version_unsupported", "unknown_upload"),
    },
)
async def discard_upload(upload_id: str, caller: CallerDep) -> Response:
    """Remove an upload that no document shall take."""
    _require_version(caller.request)
    await caller.gateway.uploads.discard(_names(caller, upload_id))
    return Response(status_code=204)


async def _append(caller: Caller, upload_id: str, offset: int) -> UploadState:
    request, uploads = caller.request, caller.gateway.uploads
    names = (caller.system_id, upload_id)
    told = request.headers.get("upload-checksum")
    if told is None:
        length = request.headers.get("content-length", "")
        declared = int(length[:20]) if length.isdecimal() else None
        return await uploads.append(names, offset, request.stream(), declared)
    algorithm, expected = _told_checksum(told)
    with uploads.holding_a_piece():
        content = await read_bounded(request, LARGEST_CHECKED)
        found = hashlib.new(algorithm, content, usedforsecurity=False).digest()
        if not hmac.compare_digest(found, expected):
            raise DocaxisError("upload_checksum_mismatch")
        return await uploads.append(names, offset, _once(content), len(content))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _names(caller: Caller, upload_id: str) -> tuple[str, str]:
    if not is_identifier(upload_id):
        raise DocaxisError("unknown_upload")
    return caller.system_id, upload_id


def _headers(state: UploadState) -> dict[str, str]:
    headers = {"Upload-Offset": str(state.offset)}
    if state.expires_ms is not None:
        headers["Upload-Expires"] = formatdate(state.expires_ms / 1000, usegmt=True)
    return headers


def _require_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise DocaxisError("tus_version_unsupported", {"expected": VERSION})


def _number(request: Request, header: str) -> int:
    told = request.headers.get(header, "")
    if not _LARGEST_NUMBER.fullmatch(told):
        raise _invalid(header, "a number of bytes")
    return int(told)


def _told_digest(request: Request, note: str) -> str:
    """The file's digest, told in one of two ways (T1)."""
    if len(note) > LONGEST_NOTE:
        raise _invalid("Upload-Metadata", f"at most {LONGEST_NOTE} characters")
    told = _metadata(note).get("sha256", "").lower()
    if found := _SHA256.search(request.headers.get("repr-digest", "")):
        told = told or base64.b64decode(found[1]).hex()
    if not is_digest(told):
        raise _invalid("Upload-Metadata", "sha256 and the base64 of 64 hex digits")
    return told


def _metadata(note: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in note.split(",") if note else ():
        match = _PAIR.fullmatch(pair.strip(" "))
        if match is None or match[1] in found:
            raise _invalid("Upload-Metadata", "pairs of a name and base64, each name once")
        try:
            value = base64.b64decode(match[2] or "", validate=True)
        except binascii.Error:
            raise _invalid("Upload-Metadata", "values in base64") from None
        found[match[1]] = value.decode("utf-8", "replace")
    return found


def _told_checksum(told: str) -> tuple[str, bytes]:
    algorithm, _, value = told.partition(" ")
    if algorithm in ALGORITHMS:
        try:
            return algorithm, base64.b64decode(value, validate=True)
        except binascii.Error:
            pass
    raise _invalid("Upload-Checksum", f"one of {', '.join(ALGORITHMS)}, and base64")


def _invalid(header: str, expected: str) -> DocaxisError:
    return DocaxisError("upload_header_invalid", {"header": header, "expected": expected})
