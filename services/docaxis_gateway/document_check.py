"""`POST /documents:check`: what a submit would be answered now; nothing is kept of it."""

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import media_type_of, read_json
from docaxis_gateway.document_models import DocumentCheck
from docaxis_gateway.documents import SUBMIT_CODES
from docaxis_gateway.multipart import MultipartReader, StagedPart
from docaxis_gateway.openapi import BODY, SUBMIT_BODY, problems
from docaxis_gateway.request_models import SubmitDocument
from docaxis_gateway.submission import (
    SUBMIT_TIMEOUT_S,
    locate,
    refuse_unsigned,
    submission_request,
    verify,
)

router = APIRouter(tags=["documents"])


@router.post(
    "/documents:check",
    openapi_extra=SUBMIT_BODY,
    responses={
        200: {"model": DocumentCheck},
        **problems(*BODY, *SUBMIT_CODES, "deadline_exceeded"),
    },
)
async def check_document(caller: CallerDep) -> Response:
    """Tell what a submit of the same body would be answered, and what is found in its files.

    A refusal is that of the submit. Nothing is sent, kept or reserved.
    """
    request, settings = caller.request, caller.gateway.settings
    if media_type_of(request) == "multipart/form-data":
        reader = MultipartReader(caller.gateway.files, caller.system_id, settings)
        sent = await reader.read(request)
        try:
            return await _check(caller, sent.document, sent.parts)
        finally:
            caller.gateway.background.spawn("discard_parts", reader.discard())
    document = await read_json(request, SubmitDocument, settings.max_json_bytes)
    return await _check(caller, document, {})


async def _check(
    caller: Caller, document: SubmitDocument, parts: dict[str, StagedPart]
) -> Response:
    files = await locate(caller, document, parts)
    verdicts = await verify(caller, files)
    if document.require_signature:
        refuse_unsigned(verdicts)
    request = await submission_request(caller, document, files)
    reply = await caller.services.routing.CheckDocument(request, timeout=SUBMIT_TIMEOUT_S)
    found = [
        {
            "name": file.name,
            "digest": file.digest,
            "size": file.size,
            "status": verdict.status,
            "code": verdict.code,
        }
        for file, verdict in zip(files, verdicts.verdicts, strict=True)
    ]
    return json_answer(
        {
            "id": reply.document_id,
            "status": "would_be_accepted" if reply.first else "already_accepted",
            "recipients": [rendering.recipient(each) for each in reply.recipients],
            "refused": [rendering.refused(each) for each in reply.refused],
            "recipient_count": reply.recipient_count,
            "files": found,
        }
    )
