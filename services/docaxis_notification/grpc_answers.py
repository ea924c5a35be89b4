"""States and rows as the RPCs' messages tell them."""

import base64

from docaxis_eventsourcing.decider import Refused
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_notification.domain.subscriptions import SubscriptionState
from docaxis_notification.feed_recent import Telling
from docaxis_notification.views import NotificationRow
from docaxis_proto import notification_v1_pb2 as rpc


def told_secret(secret: bytes) -> str:
    """A secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secret).decode()


def subscription_answer(state: SubscriptionState) -> rpc.Subscription:
    """A subscription as it is shown: no secret."""
    return rpc.Subscription(
        subscription_id=state.subscription_id,
        url=state.url,
        organisation_ids=state.organisation_ids,
        event_types=state.event_types,
        active=state.active,
        document_types=state.document_types,
        paused=state.paused,
        previous_secret_until=state.previous_until,
    )


def notification_answer(row: NotificationRow) -> rpc.NotificationState:
    """A notification and how its attempts went."""
    return rpc.NotificationState(
        notification_id=row.queued.notification_id,
        event_type=row.queued.event_type,
        document_id=row.queued.document_id,
        delivery_id=row.queued.delivery_id,
        state=row.state,
        attempts=row.attempts,
        failure=row.failure,
        retry_at=row.retry_at,
    )


def public_event(told: Telling, cursor: str) -> rpc.PublicEvent:
    """An event of the live stream, with the cursor right behind it."""
    return rpc.PublicEvent(
        event_id=told.event_id,
        event_type=told.event_type,
        organisation_id=told.organisation_id,
        document_id=told.document_id,
        delivery_id=told.delivery_id,
        occurred_at=told.occurred_at,
        cursor=cursor,
    )


def refusal(fault: Refused) -> DocaxisError:
    """A domain's refusal that the door gives by itself, with the field at fault."""
    problem = FieldProblem(fault.pointer, fault.code, dict(fault.params))
    return DocaxisError(fault.code, dict(fault.params), fields=(problem,))
