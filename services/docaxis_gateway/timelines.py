"""`GET /documents/{id}/timeline`: what became of each recipient's copy.

Put together from three services when it is asked for: the deliveries (routing), the statuses
(status) and the receipts (signature); none of them keeps the others' facts (L27).
"""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_gateway.answers import json_answer, moment, receipt_href
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.document_models import Timeline
from docaxis_gateway.documents import require_document_id
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.organisation_scope import names_of
from docaxis_gateway.paging import Cursor, Limit
from docaxis_gateway.status_labels import status_label
from docaxis_proto import routing_v1_pb2, signature_v1_pb2, status_v1_pb2

router = APIRouter(tags=["documents"])


@router.get(
    "/documents/{document_id}/timeline",
    responses={200: {"model": Timeline}, **problems("unknown_document", "read_stale", *PAGE)},
)
async def get_timeline(
    document_id: str, caller: CallerDep, limit: Limit = 500, cursor: Cursor = ""
) -> Response:
    """One timeline per recipient, in pages where there are more than 500."""
    page_of_deliveries = routing_v1_pb2.ListDeliveriesRequest(
        document_id=require_document_id(document_id),
        for_organisation_ids=caller.organisation_ids,
        limit=limit,
        cursor=cursor,
    )
    # First: it also decides whether the caller may see the document at all.
    deliveries = await caller.services.routing.ListDeliveries(page_of_deliveries)
    ids = [each.organisation_id for each in deliveries.deliveries]
    timelines, receipts, names = await asyncio.gather(
        _timelines(caller, document_id, [each.delivery_id for each in deliveries.deliveries]),
        _hand_over_receipts(caller, document_id, {e.delivery_id for e in deliveries.deliveries}),
        names_of(caller, ids),
    )
    items = []
    for delivery in deliveries.deliveries:
        name = names[delivery.organisation_id].name if delivery.organisation_id in names else ""
        receipt = receipts.get(delivery.delivery_id, "")
        items.append(_item(caller, delivery, timelines.get(delivery.delivery_id), name, receipt))
    items.sort(key=lambda item: str(item["code"]))  # within a page; pages go by delivery
    return json_answer(
        {
            "document_id": document_id,
            "trace_id": deliveries.trace_id or None,
            "items": items,
            "next": deliveries.next or None,
        }
    )


async def _timelines(
    caller: Caller, document_id: str, deliveries: list[str]
) -> dict[str, status_v1_pb2.Timeline]:
    """The timelines of a page's deliveries; more is not asked for."""
    if not deliveries:
        return {}
    request = status_v1_pb2.GetTimelineRequest(
        document_id=document_id,
        for_organisation_ids=caller.organisation_ids,
        delivery_ids=deliveries,
    )
    reply = await caller.services.status.GetTimeline(request)
    return {each.delivery_id: each for each in reply.timelines}


async def _hand_over_receipts(
    caller: Caller, document_id: str, deliveries: set[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor = ""
    while deliveries - found.keys():
        request = signature_v1_pb2.ListReceiptsRequest(
            organisation_ids=caller.organisation_ids,
            document_id=document_id,
            cursor=cursor,
            limit=500,
        )
        reply = await caller.services.signature.ListReceipts(request)
        for each in reply.receipts:
            if each.delivery_id:
                found[each.delivery_id] = each.receipt_id
        if not reply.next or len(reply.receipts) < 500:
            break
        cursor = reply.next
    return found


def _item(
    caller: Caller,
    delivery: routing_v1_pb2.Delivery,
    timeline: status_v1_pb2.Timeline | None,
    name: str,
    receipt_id: str,
) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "organisation_id": delivery.organisation_id,
        "code": delivery.code,
        "name": name,
        "state": delivery.state,
        "reason": delivery.reason or None,
        "furthest": (timeline.furthest or None) if timeline else None,
        "handed_over_at": moment(delivery.handed_over_at),
        "receipt": receipt_href(receipt_id),
        "entries": [
            {
                "code": each.code,
                "label": status_label(each.code, caller.language),
                "source": each.source,
                "recorded_at": moment(each.recorded_at),
                "claimed_at": each.claimed_at or None,
                "reason": each.reason or None,
            }
            for each in (timeline.entries if timeline else ())
        ],
    }
