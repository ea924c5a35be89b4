"""The rules of notification: `decide` and `evolve`, and what they work on.

Subscriptions (`subscriptions`):

1.  A subscription is made once; making it again changes nothing.
2.  Its event types are public ones, its document types groups that there are, its lists and its
    address have bounds. An empty list means all: of organisations, all that its system serves.
3.  A subscription that has ended, or is another system's, is made by nobody.
4.  It is ended by the system that made it; ending it again changes nothing.
11. The system that made it changes it, as a whole; the same again changes nothing. What is queued
    already goes to the new address.
12. A new secret signs at once, and for the overlap asked for the one before signs too (at most 7
    days); a further one ends that overlap. The end of an overlap is a timer.
13. What was given up is told again when its system asks, one notification or all; one that was
    delivered only by itself. Its attempts begin anew, under the same id.
14. While it is paused, what happens is queued and held, and nothing is told. The end of the pause
    tells all that was held, and no attempt is lost to the pause.

Notifications (`notifications`), on the partition of their subscription:

5.  One is queued once, for an active subscription that wants its type, organisation and document
    type (where that is not known it is wanted); else nothing happens.
6.  An attempt is recorded once, and only the one that is under way. Success delivers.
7.  After a failure the next attempt waits, longer each time, and as long as the receiver asks (at
    most a day); waits are spread. After the last it is given up and stays as a dead letter. A
    failure is a class (`timeout`, `http_500`), never foreign text.
8.  What fails or waits for a subscription that has ended is given up as `subscription_ended`.
9.  An address that answers 410 Gone ends its subscription (Standard Webhooks).
10. What waits is a timer of its state: it is due at its time on the log, not before.
"""

from collections.abc import Callable, Mapping

from docaxis_eventsourcing.decider import (
    Decider,
    Decision,
    Moment,
    State,
    Timer,
    id_of,
    kind_of,
)
from docaxis_notification.domain import notifications, subscriptions
from docaxis_notification.domain.messages import (
    AskReplay,
    ChangeSubscription,
    Command,
    EndSubscription,
    Event,
    ExpireSecret,
    MakeSubscription,
    QueueNotification,
    RecordAttempt,
    ReplayNotification,
    RetryNotification,
    RotateSecret,
    SubscriptionCommand,
    SubscriptionEvent,
)
from docaxis_notification.domain.notifications import WAITS, NotificationState
from docaxis_notification.domain.subscriptions import (
    DOCUMENT_TYPES,
    EVENT_TYPES,
    SubscriptionState,
)

AnyState = SubscriptionState | NotificationState
STATES: Mapping[str, type] = {
    "subscription": SubscriptionState,
    "notification": NotificationState,
}


def initial(name: str) -> AnyState:
    """The state of an aggregate to which nothing has happened."""
    state: AnyState = STATES[kind_of(name)](id_of(name))
    return state


def aggregates(command: Command) -> tuple[str, ...]:
    """The aggregates that a command names."""
    subscription = f"subscription/{command.subscription_id}"
    if isinstance(command, SubscriptionCommand):
        return (subscription,)
    return (f"notification/{command.notification_id}", subscription)


def touched(event: Event) -> tuple[str, ...]:
    """The aggregate that an event names."""
    if isinstance(event, SubscriptionEvent):
        return (f"subscription/{event.subscription_id}",)
    return (f"notification/{event.notification_id}",)


def evolve(state: AnyState, event: Event) -> AnyState:
    """One aggregate after an event that names it."""
    if isinstance(event, SubscriptionEvent):
        if isinstance(state, SubscriptionState):
            return subscriptions.evolve(state, event)
    elif isinstance(state, NotificationState):
        return notifications.evolve(state, event)
    return state


def timer(state: AnyState) -> Timer | None:
    """The next attempt of a notification that waits for it; the end of a secret's overlap."""
    if isinstance(state, NotificationState):
        return notifications.timer(state)
    return subscriptions.timer(state)


def deciding(waits: tuple[int, ...]) -> Callable[[Mapping[str, State], Moment, Command], Decision]:
    """`decide` with these waits (milliseconds) between attempts."""

    def decide(states: Mapping[str, State], facts: Moment, command: Command) -> Decision:
        subscription: SubscriptionState = states[f"subscription/{command.subscription_id}"]
        match command:
            case MakeSubscription():
                return subscriptions.make(subscription, command)
            case ChangeSubscription():
                return subscriptions.change(subscription, command)
            case RotateSecret():
                return subscriptions.rotate(subscription, command, facts.now)
            case ExpireSecret():
                return subscriptions.expire(subscription, command, facts.now)
            case AskReplay():
                return subscriptions.ask_replay(subscription, command)
            case EndSubscription():
                return subscriptions.end(subscription, command)
        state: NotificationState = states[f"notification/{command.notification_id}"]
        match command:
            case QueueNotification():
                return notifications.queue(state, subscription, command)
            case RecordAttempt():
                return notifications.record(state, subscription, command, facts.now, waits)
            case RetryNotification():
                return notifications.retry(state, subscription, command, facts.now)
            case ReplayNotification():
                return notifications.replay(state, subscription, command)

    return decide


decide = deciding(WAITS)


def decider(waits: tuple[int, ...] = WAITS) -> Decider:
    """The domain as the processor uses it."""
    return Decider(
        service="notification",
        fold_version=2,
        states=STATES,
        aggregates=aggregates,
        touched=touched,
        initial=initial,
        decide=deciding(waits),
        evolve=evolve,
        timer=timer,
    )


__all__ = [
    "DOCUMENT_TYPES",
    "EVENT_TYPES",
    "STATES",
    "WAITS",
    "AnyState",
    "NotificationState",
    "SubscriptionState",
    "aggregates",
    "decide",
    "decider",
    "deciding",
    "evolve",
    "initial",
    "timer",
    "touched",
]
