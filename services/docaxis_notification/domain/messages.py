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
    document_types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSubscription:
    """The whole subscription as it shall be."""

    subscription_id: str
    system_id: str
    url: str
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    document_types: tuple[int, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """Sign with the secret behind this id; for `overlap` ms with the one before, too."""

    subscription_id: str
    system_id: str
    secret_id: str
    overlap: int


@dataclass(frozen=True, slots=True)
class ExpireSecret:
    """A timer's: the overlap of this secret with the next is over."""

    subscription_id: str
    secret_id: str


@dataclass(frozen=True, slots=True)
class AskReplay:
    """Tell again what is in a state; without a system it is the service that goes on."""

    subscription_id: str
    system_id: str
    state: str
    after: int = 0
    upto: int = 0


@dataclass(frozen=True, slots=True)
class ReplayNotification:
    """Tell one again; without a system it is the service that asks."""

    subscription_id: str
    notification_id: str
    system_id: str = ""


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
    document_type: int = 0


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """How an attempt went; an empty failure is success. `retry_after`: ms, asked by who failed."""

    subscription_id: str
    notification_id: str
    attempt: int
    failure: str
    retry_after: int = 0


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
    document_types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """The subscription as it is from now on."""

    subscription_id: str
    url: str
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    document_types: tuple[int, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """It is told nothing more."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class SecretRotated:
    """Another secret signs, the one before too until `previous_until` (Unix ms)."""

    subscription_id: str
    secret_id: str
    previous_secret_id: str
    previous_until: int
    dropped_secret_id: str = ""
    """One older still, whose overlap ends with this; means something where `dropped`."""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class SecretExpired:
    """The secret before signs no more."""

    subscription_id: str
    secret_id: str


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """Notifications in a state, numbered above `after` and up to `upto`, are told again."""

    subscription_id: str
    state: str
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class NotificationReplayed:
    """Its attempts begin anew."""

    subscription_id: str
    notification_id: str


@dataclass(frozen=True, slots=True)
class NotificationHeld:
    """The attempt with this number waits for the end of a pause."""

    subscription_id: str
    notification_id: str
    attempt: int


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


SubscriptionCommand = (
    MakeSubscription
    | ChangeSubscription
    | EndSubscription
    | RotateSecret
    | ExpireSecret
    | AskReplay
)
NotificationCommand = QueueNotification | RecordAttempt | RetryNotification | ReplayNotification
Command = SubscriptionCommand | NotificationCommand
SubscriptionEvent = (
    SubscriptionMade
    | SubscriptionChanged
    | SubscriptionEnded
    | SecretRotated
    | SecretExpired
    | ReplayAsked
)
NotificationEvent = (
    NotificationQueued
    | AttemptFailed
    | AttemptDue
    | NotificationDelivered
    | NotificationGivenUp
    | NotificationReplayed
    | NotificationHeld
)
Event = SubscriptionEvent | NotificationEvent
