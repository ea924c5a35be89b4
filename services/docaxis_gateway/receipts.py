"""Receipts: what the axis has signed for the caller, by cursor or one at a time."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.long_polls import long_poll
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.paging import DEFAULT_LIMIT, POLL_GRACE_S, Cursor, Limit, Wait, page
from docaxis_gateway.response_models import Receipt, ReceiptPage
from docaxis_proto import signature_v1_pb2

router = APIRouter(tags=["receipts"])

_JOSE = "application/jose"


@router.get("/receipts", responses={200: {"model": ReceiptPage}, **problems("read_stale", *PAGE)})
async def list_receipts(
    caller: CallerDep, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT, wait: Wait = 0
) -> Response:
    """The caller's receipts, oldest first; with a cursor what came since, waited for."""

    async def ask(wait_s: float) -> signature_v1_pb2.ListReceiptsReply:
        request = signature_v1_pb2.ListReceiptsRequest(
            organisation_ids=caller.organisation_ids, cursor=cursor, limit=limit, wait_s=wait_s
        )
        timeout_s = wait_s + POLL_GRACE_S
        return await caller.services.signature.ListReceipts(request, timeout=timeout_s)

    reply = await long_poll(caller, wait, ask)
    items = [rendering.receipt(each) for each in reply.receipts]
    return json_answer(page(items, reply.next))


@router.get(
    "/receipts/{receipt_id}",
    responses={
        200: {
            "model": Receipt,
            "content": {_JOSE: {"schema": {"type": "string"}}},
        },
        **problems("unknown_receipt", "read_stale"),
    },
)
async def get_receipt(receipt_id: str, caller: CallerDep) -> Response:
    """One receipt; with `Accept: application/jose` the bare JWS."""
    if not is_identifier(receipt_id):
        raise DocaxisError("unknown_receipt")
    request = signature_v1_pb2.GetReceiptRequest(
        receipt_id=receipt_id, for_organisation_ids=caller.organisation_ids
    )
    receipt = await caller.services.signature.GetReceipt(request)
    if _wants_jose(caller.request):
        return Response(receipt.jws, media_type=_JOSE, headers={"Vary": "Accept"})
    return json_answer(rendering.receipt(receipt), headers={"Vary": "Accept"})


def _wants_jose(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower().split(",")
    types = [each.partition(";")[0].strip() for each in accepted]
    return _JOSE in types and "application/json" not in types
