"""Notifications and their attempts: the aggregate `notification/<id>` and rules 5-10 and 13-14."""

import re
from dataclasses import dataclass, replace
from hashlib import blake2b

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, NotYet, Refused, Timer
from docaxis_notification.domain.messages import (
    AttemptDue,
    AttemptFailed,
    NotificationDelivered,
    NotificationEvent,
    NotificationGivenUp,
    NotificationHeld,
    NotificationQueued,
    NotificationReplayed,
    QueueNotification,
    RecordAttempt,
    ReplayNotification,
    RetryNotification,
    SubscriptionEnded,
)
from docaxis_notification.domain.subscriptions import GIVEN_UP, HELD, SubscriptionState

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WAITS = (
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    12 * HOUR,
    DAY,
    DAY,
)
"""Milliseconds from each failed attempt to the next, at least: ten attempts in some three days."""
GONE = "gone"
ENDED = "subscription_ended"
PAUSED = "subscription_paused"
LONGEST_ASKED_WAIT = DAY
"""Milliseconds: a receiver that asks for a longer wait (`Retry-After`) is asked again after it."""
_SPREAD = 0.2
"""A wait is up to so much longer, that what failed together does not come again together."""
_FAILURE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class NotificationState:
    """One: `queued`, `retrying` (until `retry_at`), `held`, `delivered` or `given_up`."""

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
    if state.state or not subscription.wants(
        command.event_type, command.organisation_id, command.document_type
    ):
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
    """Rules 6-9 and 14."""
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
    if failure == PAUSED:  # where the pause is over meanwhile it was no attempt: go on
        waits_for_it = subscription.paused
        return Decided(((NotificationHeld if waits_for_it else AttemptDue)(*ids, command.attempt),))
    if command.attempt > len(waits):
        return Decided((NotificationGivenUp(*ids, command.attempt, failure),))
    retry_at = now + _wait(command, waits[command.attempt - 1])
    return Decided((AttemptFailed(*ids, command.attempt, failure, retry_at),))


def _wait(command: RecordAttempt, least: int) -> int:
    """Rule 7; the spread is drawn from the id, because a decision draws no chance."""
    drawn = blake2b(f"{command.notification_id} {command.attempt}".encode(), digest_size=4)
    spread = int.from_bytes(drawn.digest()) / 2**32 * _SPREAD
    asked = min(max(command.retry_after, 0), LONGEST_ASKED_WAIT)
    return round(max(least, asked) * (1 + spread))


def replay(
    state: NotificationState, subscription: SubscriptionState, command: ReplayNotification
) -> Decision:
    """Rule 13."""
    if not subscription.active or command.system_id not in ("", subscription.system_id):
        return Refused("unknown_subscription")
    if not state.state or state.subscription_id != subscription.subscription_id:
        return Refused("unknown_notification")
    if state.state in (GIVEN_UP, HELD) or (state.state == "delivered" and command.system_id):
        return Decided((NotificationReplayed(command.subscription_id, command.notification_id),))
    return AlreadyDecided()


def retry(
    state: NotificationState,
    subscription: SubscriptionState,
    command: RetryNotification,
    now: int,
) -> Decision:
    """Rules 8, 10 and 14."""
    ids = (command.subscription_id, command.notification_id)
    if state.state != "retrying" or command.attempt != state.attempt:
        return AlreadyDecided()
    if not subscription.active:
        return Decided((NotificationGivenUp(*ids, command.attempt - 1, ENDED),))
    if now < state.retry_at:
        return NotYet()
    if subscription.paused:
        return Decided((NotificationHeld(*ids, command.attempt),))
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
            return replace(state, state=GIVEN_UP, retry_at=0)
        case NotificationReplayed():
            return replace(state, state="queued", attempt=1, retry_at=0)
        case NotificationHeld():
            return replace(state, state=HELD, attempt=event.attempt, retry_at=0)


def timer(state: NotificationState) -> Timer | None:
    """Rule 10."""
    if state.state != "retrying":
        return None
    command = RetryNotification(state.subscription_id, state.notification_id, state.attempt)
    return Timer(state.retry_at, command)
