"""`GET /inbox`: what lies open for the caller's organisations, whole deliveries at a time."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.document_models import InboxPage
from docaxis_gateway.long_polls import long_poll
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.organisation_scope import served_organisations
from docaxis_gateway.paging import DEFAULT_LIMIT, POLL_GRACE_S, Cursor, Limit, Wait, page
from docaxis_proto import routing_v1_pb2

router = APIRouter(tags=["deliveries"])


@router.get(
    "/inbox",
    responses={
        200: {"model": InboxPage},
        **problems("unknown_organisation", "organisation_not_served", "read_stale", *PAGE),
    },
)
async def get_inbox(
    caller: CallerDep,
    organisation: Annotated[str | None, Query(max_length=35)] = None,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
    wait: Wait = 0,
) -> Response:
    """All that is open; with a cursor what came since, waited for. Fetching changes no state."""
    organisation_ids = await served_organisations(caller, organisation)

    async def ask(wait_s: float) -> routing_v1_pb2.GetInboxReply:
        request = routing_v1_pb2.GetInboxRequest(
            organisation_ids=organisation_ids, cursor=cursor, limit=limit, wait_s=wait_s
        )
        return await caller.services.routing.GetInbox(request, timeout=wait_s + POLL_GRACE_S)

    reply = await long_poll(caller, wait, ask)
    items = [rendering.inbox_item(each) for each in reply.deliveries]
    return json_answer(page(items, reply.next))
