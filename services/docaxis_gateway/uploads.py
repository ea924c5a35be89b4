"""`PUT /uploads/{id}`: one file, streamed to the staging area, checked against its digest.

Rules (tests carry their numbers):

- U1 The digest is told beforehand (`Content-Digest`, RFC 9530); other bytes leave nothing behind.
- U2 A repeat of the same bytes is harmless (200); other bytes under the same id are refused.
- U3 A body that is cut off, too large or too slow leaves nothing behind.
"""

import base64
import binascii
import hashlib
import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import require_declared_size
from docaxis_gateway.document_models import Upload
from docaxis_gateway.openapi import BINARY_BODY, problems
from docaxis_gateway.problems import field_error

router = APIRouter(tags=["documents"])

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")
_CONTENT_DIGEST = {
    "name": "Content-Digest",
    "in": "header",
    "required": True,
    "description": "`sha-256=:<base64>:` of the body (RFC 9530).",
    "schema": {"type": "string"},
}


@router.put(
    "/uploads/{upload_id}",
    status_code=201,
    openapi_extra={**BINARY_BODY, "parameters": [_CONTENT_DIGEST]},
    responses={
        200: {"model": Upload, "description": "A repeat: it was there already."},
        201: {"model": Upload},
        **problems(
            "content_digest_invalid",
            "field_invalid",
            "file_too_large",
            "file_empty",
            "digest_mismatch",
            "upload_conflict",
            "request_timed_out",
            "storage_full",
        ),
    },
)
async def put_upload(upload_id: str, caller: CallerDep) -> Response:
    """Store a file until a document takes it; after a day without one it is removed."""
    if not is_identifier(upload_id):
        raise field_error("/upload_id", "field_invalid", expected="a UUID in lower case")
    digest = _told_digest(caller.request)
    require_declared_size(caller.request, caller.gateway.settings.max_file_bytes, "file_too_large")
    known = await _known(caller, upload_id)
    if known is not None:
        return await _repeat(caller, upload_id, known, digest)
    stored = await _store(caller, upload_id, digest)
    return json_answer({"id": upload_id, "digest": stored.digest, "size": stored.size}, 201)


async def _store(caller: Caller, upload_id: str, digest: str) -> StoredFile:
    files, limit = caller.gateway.files, caller.gateway.settings.max_file_bytes
    upload = await files.stage(caller.system_id, upload_id)
    size = 0
    try:
        async for chunk in caller.request.stream():
            size += len(chunk)
            if size > limit:
                raise DocaxisError("file_too_large", {"limit": str(limit)})
            if chunk:
                await upload.write(chunk)
        if size == 0:
            raise DocaxisError("file_empty")
        stored = await upload.finish()
    except BaseException:
        await upload.abort()
        raise
    if stored.digest != digest:
        await files.discard(caller.system_id, upload_id)
        raise DocaxisError("digest_mismatch")
    return stored


async def _known(caller: Caller, upload_id: str) -> StoredFile | None:
    try:
        return await caller.gateway.files.staged(caller.system_id, upload_id)
    except FileNotFoundError:
        return None


async def _repeat(caller: Caller, upload_id: str, known: StoredFile, digest: str) -> Response:
    """Read the body again and store nothing: what was stored may be a document's by now."""
    state, size = hashlib.sha256(), 0
    async for chunk in caller.request.stream():
        size += len(chunk)
        if size > caller.gateway.settings.max_file_bytes:
            limit = str(caller.gateway.settings.max_file_bytes)
            raise DocaxisError("file_too_large", {"limit": limit})
        state.update(chunk)
    if size == 0:
        raise DocaxisError("file_empty")
    if state.hexdigest() != digest:
        raise DocaxisError("digest_mismatch")
    if digest != known.digest:
        raise DocaxisError("upload_conflict")
    return json_answer({"id": upload_id, "digest": known.digest, "size": known.size})


def _told_digest(request: Request) -> str:
    found = _SHA256.search(request.headers.get("content-digest", ""))
    if found is None:
        raise DocaxisError("content_digest_invalid")
    try:
        return base64.b64decode(found[1], validate=True).hex()
    except binascii.Error:
        raise DocaxisError("content_digest_invalid") from None
