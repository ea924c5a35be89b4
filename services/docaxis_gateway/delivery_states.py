"""Deliveries by state (a sender's dead letters), and sending an expired one again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.document_models import FoundDeliveryPage, Resent
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import IDEMPOTENCY_KEY, PAGE, problems
from docaxis_gateway.organisation_scope import served_organisations
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_proto import routing_v1_pb2

router = APIRouter(tags=["deliveries"])

State = Literal["held", "ready", "handed_over", "refused", "withdrawn", "expired"]


@router.get(
    "/deliveries",
    responses={
        200: {"model": FoundDeliveryPage},
        **problems("unknown_organisation", "organisation_not_served", "read_stale", *PAGE),
    },
)
async def find_deliveries(
    caller: CallerDep,
    state: Annotated[State, Query(description="The state in which they stand now.")],
    side: Annotated[
        Literal["sent", "received"], Query(description="Of documents sent, or one's own.")
    ] = "sent",
    organisation: Annotated[str | None, Query(max_length=35)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Deliveries that stand in a state: `expired` and `refused` are a sender's dead letters."""
    request = routing_v1_pb2.FindDeliveriesRequest(
        state=state,
        organisation_ids=await served_organisations(caller, organisation),
        received=side == "received",
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.routing.FindDeliveries(request)
    items = [
        {**rendering.delivery(each), "document_id": each.document_id} for each in reply.deliveries
    ]
    return json_answer(page(items, reply.next))


@router.post(
    "/deliveries/{delivery_id}:resend",
    openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {"model": Resent},
        **problems(
            "idempotency_key_invalid",
            "unknown_delivery",
            "delivery_closed",
            "delivery_not_ready",
            "resend_refused_by_policy",
            "deadline_exceeded",
            "read_stale",
        ),
    },
)
async def resend_delivery(delivery_id: str, caller: CallerDep) -> Response:
    """Send an expired delivery again; sending again what lies ready changes nothing."""
    if not is_identifier(delivery_id):
        raise DocaxisError("unknown_delivery")
    request = routing_v1_pb2.ResendDeliveryRequest(
        system_id=caller.system_id,
        delivery_id=delivery_id,
        organisation_ids=caller.organisation_ids,
        idempotency_key=idempotency_key(caller, f"deliveries/{delivery_id}:resend"),
    )
    reply = await caller.services.routing.ResendDelivery(request)
    return json_answer({"delivery_id": reply.delivery_id, "state": reply.state})
