"""Documents: submit, look up, their deliveries, verdict, receipts and files."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import document_href, json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import media_type_of, read_json
from docaxis_gateway.document_models import (
    DeliveryPage,
    Document,
    DocumentList,
    RefusedPage,
    Submission,
    Verdict,
)
from docaxis_gateway.file_responses import file_response
from docaxis_gateway.multipart import MultipartReader
from docaxis_gateway.openapi import BODY, PAGE, SUBMIT_BODY, problems
from docaxis_gateway.organisation_scope import resolve
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.request_models import SubmitDocument
from docaxis_gateway.response_models import ReceiptList
from docaxis_gateway.submission import submit
from docaxis_gateway.text_rules import is_digest
from docaxis_proto import routing_v1_pb2, signature_v1_pb2

router = APIRouter(tags=["documents"])

SUBMIT_CODES = (
    "malformed_multipart",
    "document_part_first",
    "part_unknown",
    "file_missing",
    "file_empty",
    "file_too_large",
    "digest_mismatch",
    "upload_unknown",
    "upload_incomplete",
    "too_many_files",
    "too_many_recipients",
    "recipient_duplicate",
    "no_valid_recipient",
    "unknown_organisation",
    "sender_not_served",
    "organisation_locked",
    "content_conflict",
    "id_hash_collision",
    "business_type_not_supported",
    "secret_document",
    "file_unsigned",
    "file_tampered",
    "certificate_untrusted",
    "certificate_expired",
    "certificate_revoked",
    "signature_unreadable",
    "signature_indeterminate",
    "verification_timed_out",
    "storage_full",
    "command_dead",
)


@router.post(
    "/documents",
    status_code=201,
    openapi_extra=SUBMIT_BODY,
    responses={
        200: {"model": Submission, "description": "A repeat: the same answer again."},
        201: {"model": Submission},
        202: {"model": Submission, "description": "Durable, not decided yet; see Location."},
        **problems(*BODY, *SUBMIT_CODES),
    },
)
async def submit_document(caller: CallerDep) -> Response:
    """Submit a document, with or after its files. 201 says durable and addressable."""
    request, settings = caller.request, caller.gateway.settings
    if media_type_of(request) == "multipart/form-data":
        reader = MultipartReader(caller.gateway.files, caller.system_id, settings)
        sent = await reader.read(request)
        try:
            reply = await submit(caller, sent.document, sent.parts)
        finally:
            caller.gateway.background.spawn("discard_parts", reader.discard())
    else:
        document = await read_json(request, SubmitDocument, settings.max_json_bytes)
        reply = await submit(caller, document, {})
    status = 202 if not reply.decided else 201 if reply.first else 200
    location = {"Location": document_href(reply.document_id)}
    return json_answer(rendering.submission(reply), status, location)


@router.get(
    "/documents",
    responses={200: {"model": DocumentList}, **problems("field_required", "unknown_organisation")},
)
async def find_documents(
    caller: CallerDep,
    sender: Annotated[str, Query(max_length=35, description="The sender's code.")],
    id: Annotated[str, Query(max_length=200, description="The sender's own id.")],
) -> Response:
    """Documents by the sender's own id, as far as the caller may see them."""
    organisation = await resolve(caller, sender, "/sender")
    request = routing_v1_pb2.FindDocumentsRequest(
        sender_organisation_id=organisation.organisation_id, sender_document_id=id
    )
    found = await caller.services.routing.FindDocuments(request)
    documents = await asyncio.gather(*(_visible(caller, each) for each in found.document_ids))
    return json_answer({"items": [rendering.document(each) for each in documents if each]})


@router.get(
    "/documents/{document_id}",
    responses={
        200: {"model": Document},
        **problems("unknown_document", "read_stale", *SUBMIT_CODES),
    },
)
async def get_document(document_id: str, caller: CallerDep) -> Response:
    """One document; after a 202 that was refused, the refusal."""
    return json_answer(rendering.document(await document_for(caller, document_id)))


@router.get(
    "/documents/{document_id}/deliveries",
    responses={200: {"model": DeliveryPage}, **problems("unknown_document", "read_stale", *PAGE)},
)
async def list_deliveries(
    document_id: str, caller: CallerDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """The copies of a document, one for each recipient."""
    request = routing_v1_pb2.ListDeliveriesRequest(
        document_id=require_document_id(document_id),
        for_organisation_ids=caller.organisation_ids,
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.routing.ListDeliveries(request)
    items = [rendering.delivery(each) for each in reply.deliveries]
    return json_answer(page(items, reply.next))


@router.get(
    "/documents/{document_id}/refused",
    responses={200: {"model": RefusedPage}, **problems("unknown_document", "read_stale", *PAGE)},
)
async def list_refused(
    document_id: str, caller: CallerDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """Recipients that were refused and have no delivery, for the document's sender."""
    request = routing_v1_pb2.ListRefusedRequest(
        document_id=require_document_id(document_id),
        for_organisation_ids=caller.organisation_ids,
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.routing.ListRefused(request)
    return json_answer(page([rendering.refused(each) for each in reply.refused], reply.next))


@router.get(
    "/documents/{document_id}/verdict",
    responses={200: {"model": Verdict}, **problems("unknown_document", "read_stale")},
)
async def get_verdict(document_id: str, caller: CallerDep) -> Response:
    """What was found for each signed file; `pending` until it was verified."""
    # The signature service knows no recipients: routing says who may see the document.
    await document_for(caller, document_id)
    request = signature_v1_pb2.GetVerdictRequest(document_id=document_id)
    try:
        found = await caller.services.signature.GetVerdict(request)
    except DocaxisError as error:
        if error.code != "unknown_document":
            raise
        # There is the document, so what there is not yet is its verdict.
        found = signature_v1_pb2.GetVerdictReply(document_id=document_id)
    return json_answer(rendering.verdict(found))


@router.get(
    "/documents/{document_id}/receipts",
    responses={200: {"model": ReceiptList}, **problems("unknown_document", "read_stale")},
)
async def list_document_receipts(document_id: str, caller: CallerDep) -> Response:
    """The caller's receipts for a document."""
    await document_for(caller, document_id)
    items: list[signature_v1_pb2.Receipt] = []
    cursor = ""
    while True:
        request = signature_v1_pb2.ListReceiptsRequest(
            organisation_ids=caller.organisation_ids,
            document_id=document_id,
            limit=500,
            cursor=cursor,
        )
        reply = await caller.services.signature.ListReceipts(request)
        items.extend(reply.receipts)
        if not reply.next or len(reply.receipts) < 500:
            break
        cursor = reply.next
    return json_answer({"items": [rendering.receipt(each) for each in items]})


@router.get(
    "/documents/{document_id}/files/{digest}",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        206: {"description": "A part of it.", "content": {"application/octet-stream": {}}},
        304: {"description": "The caller has it."},
        **problems("unknown_document", "unknown_file", "range_not_satisfiable", "read_stale"),
    },
)
async def get_file(document_id: str, digest: str, caller: CallerDep) -> Response:
    """A file of a document, or its detached signature; takes Range and If-None-Match."""
    if not is_digest(digest):
        raise DocaxisError("unknown_file")
    request = routing_v1_pb2.LocateFileRequest(
        document_id=require_document_id(document_id),
        digest=digest,
        for_organisation_ids=caller.organisation_ids,
    )
    located = await caller.services.routing.LocateFile(request)
    files = caller.gateway.files
    return await file_response(caller.request, files, document_id, located.file)


def require_document_id(document_id: str) -> str:
    """The id; raises `unknown_document` for what cannot be one."""
    if not is_identifier(document_id):
        raise DocaxisError("unknown_document")
    return document_id


async def document_for(caller: Caller, document_id: str) -> routing_v1_pb2.Document:
    """A document that the caller may see. Raises `unknown_document`, or its refusal."""
    request = routing_v1_pb2.GetDocumentRequest(
        document_id=require_document_id(document_id), for_organisation_ids=caller.organisation_ids
    )
    return await caller.services.routing.GetDocument(request)


async def _visible(caller: Caller, document_id: str) -> routing_v1_pb2.Document | None:
    try:
        return await document_for(caller, document_id)
    except DocaxisError as error:
        if error.code == "unknown_document":
            return None
        raise
