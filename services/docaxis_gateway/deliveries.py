"""`POST /deliveries:acknowledge`: the hand-over."""

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_gateway.answers import json_answer, receipt_href
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.document_models import AcknowledgeResults
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, json_body, problems
from docaxis_gateway.organisation_scope import served_organisations
from docaxis_gateway.request_models import AcknowledgeDeliveries
from docaxis_proto import routing_v1_pb2

router = APIRouter(tags=["deliveries"])

_ROUTE = "deliveries:acknowledge"


@router.post(
    "/deliveries:acknowledge",
    openapi_extra={**json_body(AcknowledgeDeliveries), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {"model": AcknowledgeResults},
        **problems(
            *BODY, "idempotency_key_invalid", "unknown_organisation", "organisation_not_served"
        ),
    },
)
async def acknowledge_deliveries(caller: CallerDep) -> Response:
    """Take deliveries over; each has its own result, repeats are harmless."""
    limit = caller.gateway.settings.max_json_bytes
    key = idempotency_key(caller, _ROUTE)
    asked = await read_json(caller.request, AcknowledgeDeliveries, limit)
    request = routing_v1_pb2.AcknowledgeDeliveriesRequest(
        system_id=caller.system_id,
        organisation_ids=await served_organisations(caller, asked.organisation),
        delivery_ids=asked.deliveries,
        idempotency_key=key,
    )
    reply = await caller.services.routing.AcknowledgeDeliveries(request)
    results = [
        {
            "delivery_id": each.delivery_id,
            "result": each.result,
            "receipt": receipt_href(each.receipt_id),
        }
        for each in reply.results
    ]
    return json_answer({"results": results})
