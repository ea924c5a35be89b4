"""Notifications and their attempts: the aggregate `notification/<id>` and rules 5-10."""

import re
from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, NotYet, Timer
from docaxis_notification.domain.messages import (
    AttemptDue,
    AttemptFailed,
    NotificationDelivered,
    NotificationEvent,
    NotificationGivenUp,
    NotificationQueued,
    QueueNotification,
    RecordAttempt,
    RetryNotification,
    SubscriptionEnded,
)
from docaxis_notification.domain.subscriptions import SubscriptionState

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
WAITS = (
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR,
)
"""Milliseconds from each failed attempt to the next: ten attempts in about two and a half days."""
GONE = "gone"
ENDED = "subscription_ended"
_FAILURE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class NotificationState:
    """One notification: `queued`, `retrying` (until `retry_at`), `delivered` or `given_up`."""

    notification_id: str
    subscription_id: str = ""
    state: str = ""
    attempt: int = 0
    """The attempt that is under way, or waits."""
    retry_at: int = 0


def queue(
    state: NotificationState, subscription: SubscriptionState, command: QueueNotification
) -> Decision:
    """Rule 5."""
    if state.state or not subscription.wants(command.event_type, command.organisation_id):
        return AlreadyDecided()
    return Decided(
        (
            NotificationQueued(
                command.subscription_id,
                command.notification_id,
                command.event_type,
                command.organisation_id,
                command.document_id,
                command.delivery_id,
                command.occurred_at,
            ),
        )
    )


def record(
    state: NotificationState,
    subscription: SubscriptionState,
    command: RecordAttempt,
    now: int,
    waits: tuple[int, ...],
) -> Decision:
    """Rules 6-9."""
    ids = (command.subscription_id, command.notification_id)
    if state.state != "queued" or command.attempt != state.attempt:
        return AlreadyDecided()
    if not command.failure:
        return Decided((NotificationDelivered(*ids, command.attempt),))
    failure = command.failure if _FAILURE.fullmatch(command.failure) else "failed"
    if failure == GONE and subscription.active:
        given_up = NotificationGivenUp(*ids, command.attempt, failure)
        return Decided((given_up, SubscriptionEnded(command.subscription_id)))
    if not subscription.active:
        return Decided((NotificationGivenUp(*ids, command.attempt, ENDED),))
    if command.attempt > len(waits):
        return Decided((NotificationGivenUp(*ids, command.attempt, failure),))
    retry_at = now + waits[command.attempt - 1]
    return Decided((AttemptFailed(*ids, command.attempt, failure, retry_at),))


def retry(
    state: NotificationState,
    subscription: SubscriptionState,
    command: RetryNotification,
    now: int,
) -> Decision:
    """Rules 8 and 10."""
    ids = (command.subscription_id, command.notification_id)
    if state.state != "retrying" or command.attempt != state.attempt:
        return AlreadyDecided()
    if not subscription.active:
        return Decided((NotificationGivenUp(*ids, command.attempt - 1, ENDED),))
    if now < state.retry_at:
        return NotYet()
    return Decided((AttemptDue(*ids, command.attempt),))


def evolve(state: NotificationState, event: NotificationEvent) -> NotificationState:
    """One notification after an event."""
    match event:
        case NotificationQueued():
            return replace(state, subscription_id=event.subscription_id, state="queued", attempt=1)
        case AttemptFailed():
            return replace(
                state, state="retrying", attempt=event.attempt + 1, retry_at=event.retry_at
            )
        case AttemptDue():
            return replace(state, state="queued", attempt=event.attempt, retry_at=0)
        case NotificationDelivered():
            return replace(state, state="delivered", retry_at=0)
        case NotificationGivenUp():
            return replace(state, state="given_up", retry_at=0)


def timer(state: NotificationState) -> Timer | None:
    """Rule 10."""
    if state.state != "retrying":
        return None
    command = RetryNotification(state.subscription_id, state.notification_id, state.attempt)
    return Timer(state.retry_at, command)
