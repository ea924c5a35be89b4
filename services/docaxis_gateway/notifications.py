"""What a subscription was told: its notifications, those given up, and telling them again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import IDEMPOTENCY_KEY, PAGE, problems
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.response_models import NotificationPage
from docaxis_gateway.subscriptions import require_id
from docaxis_proto import notification_v1_pb2

router = APIRouter(tags=["subscriptions"])

State = Literal["queued", "retrying", "held", "delivered", "given_up"]
_REPLAY_PROBLEMS = problems(
    "unknown_subscription", "unknown_notification", "idempotency_key_invalid", "read_stale"
)


@router.get(
    "/subscriptions/{subscription_id}/notifications",
    responses={
        200: {"model": NotificationPage},
        **problems("unknown_subscription", "read_stale", *PAGE),
    },
)
async def list_notifications(
    subscription_id: str,
    caller: CallerDep,
    state: Annotated[
        State | None, Query(description="Only those in this state; `given_up`: dead letters.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """The notifications of a subscription, newest last, with their attempts."""
    request = notification_v1_pb2.ListNotificationsRequest(
        system_id=caller.system_id,
        subscription_id=require_id(subscription_id),
        state=state or "",
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.notification.ListNotifications(request)
    items = [rendering.notification(each) for each in reply.notifications]
    return json_answer(page(items, reply.next))


@router.post(
    "/subscriptions/{subscription_id}/notifications:replay",
    status_code=202,
    openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
    responses=_REPLAY_PROBLEMS,
)
async def replay_all(subscription_id: str, caller: CallerDep) -> Response:
    """Tell again all that was given up so far; it is told one after the other from now on."""
    return await _replay(caller, subscription_id, "")


@router.post(
    "/subscriptions/{subscription_id}/notifications/{notification_id}:replay",
    status_code=202,
    openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
    responses=_REPLAY_PROBLEMS,
)
async def replay_one(subscription_id: str, notification_id: str, caller: CallerDep) -> Response:
    """Tell one again that was given up or delivered, under the same id."""
    if not is_identifier(notification_id):
        raise DocaxisError("unknown_notification")
    return await _replay(caller, subscription_id, notification_id)


async def _replay(caller: Caller, subscription_id: str, notification_id: str) -> Response:
    key = idempotency_key(caller, f"{require_id(subscription_id)}/replay/{notification_id}")
    request = notification_v1_pb2.ReplayNotificationsRequest(
        system_id=caller.system_id,
        subscription_id=subscription_id,
        notification_id=notification_id,
        idempotency_key=key,
    )
    await caller.services.notification.ReplayNotifications(request)
    return Response(status_code=202)
