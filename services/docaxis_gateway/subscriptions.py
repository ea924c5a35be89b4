"""Webhook subscriptions of the calling system: made, changed, tested, ended, their secrets."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway import rendering
from docaxis_gateway.answers import PREFIX, json_answer, moment
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import served_organisation
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.problems import field_error
from docaxis_gateway.request_models import ChangeSubscription, RotateSecret, Subscribe
from docaxis_gateway.response_models import (
    NewSecret,
    NewSubscription,
    Subscription,
    SubscriptionPage,
    SubscriptionTest,
)
from docaxis_proto import notification_v1_pb2

router = APIRouter(tags=["subscriptions"])

TEST_S = 60.0
"""A turn among the subscription's attempts, and then the attempt, which has its own deadline."""


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
    organisation_ids = await _organisation_ids(caller, asked)
    request = notification_v1_pb2.SubscribeRequest(
        system_id=caller.system_id,
        url=asked.url,
        organisation_ids=organisation_ids,
        event_types=asked.event_types,
        document_types=asked.document_types,
        idempotency_key=key,
    )
    reply = await caller.services.notification.Subscribe(request)
    made = notification_v1_pb2.Subscription(
        subscription_id=reply.subscription_id,
        url=asked.url,
        organisation_ids=organisation_ids,
        event_types=asked.event_types,
        document_types=asked.document_types,
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


@router.get(
    "/subscriptions/{subscription_id}",
    responses={
        200: {"model": Subscription},
        **problems("unknown_subscription", "read_stale"),
    },
)
async def get_subscription(subscription_id: str, caller: CallerDep) -> Response:
    """One subscription, an ended one too."""
    request = notification_v1_pb2.GetSubscriptionRequest(
        system_id=caller.system_id, subscription_id=require_id(subscription_id)
    )
    found = (await caller.services.notification.GetSubscription(request)).subscription
    return json_answer(rendering.subscription(found, _codes(caller, found)))


@router.put(
    "/subscriptions/{subscription_id}",
    openapi_extra={**json_body(ChangeSubscription), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {"model": Subscription},
        **problems(
            *BODY,
            "url_invalid",
            "url_forbidden",
            "idempotency_key_invalid",
            "unknown_organisation",
            "organisation_not_served",
            "unknown_subscription",
            "read_stale",
        ),
    },
)
async def change_subscription(subscription_id: str, caller: CallerDep) -> Response:
    """Change a subscription as a whole, pause it or let it go on; the same again is harmless."""
    key = idempotency_key(caller, f"subscriptions/{require_id(subscription_id)}/change")
    limit = caller.gateway.settings.max_json_bytes
    asked = await read_json(caller.request, ChangeSubscription, limit)
    _require_url(asked.url)
    request = notification_v1_pb2.ChangeSubscriptionRequest(
        system_id=caller.system_id,
        subscription_id=subscription_id,
        url=asked.url,
        organisation_ids=await _organisation_ids(caller, asked),
        event_types=asked.event_types,
        document_types=asked.document_types,
        paused=asked.paused,
        idempotency_key=key,
    )
    changed = (await caller.services.notification.ChangeSubscription(request)).subscription
    return json_answer(rendering.subscription(changed, _codes(caller, changed)))


@router.post(
    "/subscriptions/{subscription_id}:rotate-secret",
    openapi_extra={**json_body(RotateSecret), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {"model": NewSecret},
        **problems(
            *BODY,
            "idempotency_key_invalid",
            "unknown_subscription",
            "secret_superseded",
            "read_stale",
        ),
    },
)
async def rotate_secret(subscription_id: str, caller: CallerDep) -> Response:
    """Sign with a new secret from now on, and with the one before for the overlap too."""
    key = idempotency_key(caller, f"subscriptions/{require_id(subscription_id)}/secret")
    limit = caller.gateway.settings.max_json_bytes
    asked = await read_json(caller.request, RotateSecret, limit)
    request = notification_v1_pb2.RotateSecretRequest(
        system_id=caller.system_id,
        subscription_id=subscription_id,
        overlap_s=asked.overlap_s,
        idempotency_key=key,
    )
    reply = await caller.services.notification.RotateSecret(request)
    until = moment(reply.previous_secret_until)
    return json_answer({"secret": reply.secret, "previous_secret_until": until})


@router.post(
    "/subscriptions/{subscription_id}:test",
    responses={
        200: {"model": SubscriptionTest},
        **problems("unknown_subscription", "read_stale"),
    },
)
async def test_subscription(subscription_id: str, caller: CallerDep) -> Response:
    """Send a signed test to the address now; told of what came back: its status and its time."""
    request = notification_v1_pb2.TestSubscriptionRequest(
        system_id=caller.system_id, subscription_id=require_id(subscription_id)
    )
    reply = await caller.services.notification.TestSubscription(request, timeout=TEST_S)
    return json_answer(
        {
            "notification_id": reply.notification_id,
            "delivered": not reply.failure,
            "failure": reply.failure or None,
            "http_status": reply.http_status or None,
            "milliseconds": reply.milliseconds,
        }
    )


@router.delete(
    "/subscriptions/{subscription_id}",
    status_code=204,
    responses=problems("unknown_subscription", "idempotency_key_invalid"),
)
async def end_subscription(subscription_id: str, caller: CallerDep) -> Response:
    """End a subscription; ending it again is harmless."""
    request = notification_v1_pb2.EndSubscriptionRequest(
        system_id=caller.system_id,
        subscription_id=require_id(subscription_id),
        idempotency_key=idempotency_key(caller, f"subscriptions/{subscription_id}"),
    )
    await caller.services.notification.EndSubscription(request)
    return Response(status_code=204)


def require_id(subscription_id: str) -> str:
    """The id in a path. Raises `unknown_subscription` for what can be none."""
    if not is_identifier(subscription_id):
        raise DocaxisError("unknown_subscription")
    return subscription_id


async def _organisation_ids(caller: Caller, asked: Subscribe) -> list[str]:
    return [
        await served_organisation(caller, code, f"/organisations/{index}")
        for index, code in enumerate(asked.organisations)
    ]


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
