"""Webhook subscriptions of the calling system, and how their notifications went."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import served_organisation
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.problems import field_error
from docaxis_gateway.request_models import Subscribe
from docaxis_gateway.response_models import (
    NewSubscription,
    NotificationPage,
    SubscriptionPage,
)
from docaxis_proto import notification_v1_pb2

router = APIRouter(tags=["subscriptions"])


@router.post(
    "/subscriptions",
    status_code=201,
    openapi_extra={**json_body(Subscribe), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        201: {"model": NewSubscription},
        **problems(
            *BODY,
            "url_invalid",
            "url_forbidden",
            "idempotency_key_invalid",
            "unknown_organisation",
            "organisation_not_served",
        ),
    },
)
async def subscribe(caller: CallerDep) -> Response:
    """Have events told to an address; the secret that signs them is told this once."""
    key = idempotency_key(caller, "subscriptions")
    asked = await read_json(caller.request, Subscribe, caller.gateway.settings.max_json_bytes)
    _require_url(asked.url)
    organisation_ids = [
        await served_organisation(caller, code, f"/organisations/{index}")
        for index, code in enumerate(asked.organisations)
    ]
    request = notification_v1_pb2.SubscribeRequest(
        system_id=caller.system_id,
        url=asked.url,
        organisation_ids=organisation_ids,
        event_types=asked.event_types,
        idempotency_key=key,
    )
    reply = await caller.services.notification.Subscribe(request)
    made = notification_v1_pb2.Subscription(
        subscription_id=reply.subscription_id,
        url=asked.url,
        organisation_ids=organisation_ids,
        event_types=asked.event_types,
        active=True,
    )
    body = {**rendering.subscription(made, list(asked.organisations)), "secret": reply.secret}
    location = {"Location": f"{PREFIX}/subscriptions/{reply.subscription_id}"}
    return json_answer(body, 201, location)


@router.get("/subscriptions", responses={200: {"model": SubscriptionPage}, **problems(*PAGE)})
async def list_subscriptions(
    caller: CallerDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """The system's subscriptions; their secrets are not told again."""
    request = notification_v1_pb2.ListSubscriptionsRequest(
        system_id=caller.system_id, limit=limit, cursor=cursor
    )
    reply = await caller.services.notification.ListSubscriptions(request)
    items = [rendering.subscription(each, _codes(caller, each)) for each in reply.subscriptions]
    return json_answer(page(items, reply.next))


@router.delete(
    "/subscriptions/{subscription_id}",
    status_code=204,
    responses=problems("unknown_subscription", "idempotency_key_invalid"),
)
async def end_subscription(subscription_id: str, caller: CallerDep) -> Response:
    """End a subscription; ending it again is harmless."""
    request = notification_v1_pb2.EndSubscriptionRequest(
        system_id=caller.system_id,
        subscription_id=_require_id(subscription_id),
        idempotency_key=idempotency_key(caller, f"subscriptions/{subscription_id}"),
    )
    await caller.services.notification.EndSubscription(request)
    return Response(status_code=204)


@router.get(
    "/subscriptions/{subscription_id}/notifications",
    responses={200: {"model": NotificationPage}, **problems("unknown_subscription", *PAGE)},
)
async def list_notifications(
    subscription_id: str, caller: CallerDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """The notifications of a subscription, newest last, with their attempts."""
    request = notification_v1_pb2.ListNotificationsRequest(
        system_id=caller.system_id,
        subscription_id=_require_id(subscription_id),
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.notification.ListNotifications(request)
    items = [rendering.notification(each) for each in reply.notifications]
    return json_answer(page(items, reply.next))


def _require_id(subscription_id: str) -> str:
    if not is_identifier(subscription_id):
        raise DocaxisError("unknown_subscription")
    return subscription_id


def _codes(caller: Caller, each: notification_v1_pb2.Subscription) -> list[str]:
    codes = (caller.gateway.directory.code_of(one) for one in each.organisation_ids)
    return [code for code in codes if code is not None]


def _require_url(url: str) -> None:
    """Only the form; which addresses may be called is the notification service's to say."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise field_error("/url", "url_invalid") from None
    # Credentials in an address would end up in every log on the way.
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or parts.username
        or parts.fragment
    ):
        raise field_error("/url", "url_invalid")
    if port == 0 or not url.isascii():
        raise field_error("/url", "url_invalid")
