"""Commands and events of the notification service, as they are stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MakeSubscription:
    """Tell a system's address what happens to organisations; empty lists mean all."""

    subscription_id: str
    system_id: str
    url: str
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndSubscription:
    """Tell it nothing more; only the system that made it may."""

    subscription_id: str
    system_id: str


@dataclass(frozen=True, slots=True)
class QueueNotification:
    """Something happened that a subscription wants to be told."""

    subscription_id: str
    notification_id: str
    event_type: str
    organisation_id: str
    document_id: str
    delivery_id: str
    occurred_at: int


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """How an attempt went; an empty failure is success."""

    subscription_id: str
    notification_id: str
    attempt: int
    failure: str


@dataclass(frozen=True, slots=True)
class RetryNotification:
    """A timer's: the attempt with this number is due."""

    subscription_id: str
    notification_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SubscriptionMade:
    """A subscription is active from now on."""

    subscription_id: str
    system_id: str
    url: str
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """It is told nothing more."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class NotificationQueued:
    """The first attempt may begin."""

    subscription_id: str
    notification_id: str
    event_type: str
    organisation_id: str
    document_id: str
    delivery_id: str
    occurred_at: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The next attempt is due at `retry_at` (Unix ms)."""

    subscription_id: str
    notification_id: str
    attempt: int
    failure: str
    retry_at: int


@dataclass(frozen=True, slots=True)
class AttemptDue:
    """The attempt with this number may begin."""

    subscription_id: str
    notification_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class NotificationDelivered:
    """The address took it."""

    subscription_id: str
    notification_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class NotificationGivenUp:
    """A dead letter after so many attempts."""

    subscription_id: str
    notification_id: str
    attempts: int
    failure: str


SubscriptionCommand = MakeSubscription | EndSubscription
NotificationCommand = QueueNotification | RecordAttempt | RetryNotification
Command = SubscriptionCommand | NotificationCommand
SubscriptionEvent = SubscriptionMade | SubscriptionEnded
NotificationEvent = (
    NotificationQueued | AttemptFailed | AttemptDue | NotificationDelivered | NotificationGivenUp
)
Event = SubscriptionEvent | NotificationEvent
