"""Settings of the notification service (`DOCAXIS_NOTIFICATION_*`)."""

from dataclasses import dataclass, field

from docaxis_notification.domain import WAITS


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """How long things wait, and which addresses may be told."""

    outcome_wait_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_OUTCOME_WAIT_S",
            "help": "Seconds that a call waits for the decision of its command.",
            "min": 0.1,
            "max": 30.0,
        },
    )
    view_deadline_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_VIEW_DEADLINE_S",
            "help": "Seconds that a query waits for its view before it answers 503.",
            "min": 0.1,
            "max": 30.0,
        },
    )
    allow_http: bool = field(
        default=False,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_ALLOW_HTTP",
            "help": "Whether webhooks may go without TLS to other machines too.",
        },
    )
    allow_loopback: bool = field(
        default=False,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_ALLOW_LOOPBACK",
            "help": "Whether webhooks may go to this machine, with or without TLS.",
        },
    )
    allow_private: bool = field(
        default=False,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_ALLOW_PRIVATE",
            "help": "Whether webhooks may go to private networks (10.0.0.0/8 and the like).",
        },
    )
    attempt_timeout_s: float = field(
        default=10.0,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_ATTEMPT_TIMEOUT_S",
            "help": "Seconds that one attempt may take, connecting included.",
            "min": 0.1,
            "max": 30.0,
        },
    )
    attempts_per_subscription: int = field(
        default=8,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_ATTEMPTS_PER_SUBSCRIPTION",
            "help": "Attempts under way at once for one subscription.",
            "min": 1,
            "max": 64,
        },
    )
    concurrency: int = field(
        default=512,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_CONCURRENCY",
            "help": "Attempts under way or waiting for their turn at once.",
            "min": 1,
            "max": 4096,
        },
    )
    streams: int = field(
        default=2000,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_STREAMS",
            "help": "Live streams at once of one replica.",
            "min": 1,
            "max": 100_000,
        },
    )
    streams_per_system: int = field(
        default=16,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_STREAMS_PER_SYSTEM",
            "help": "Live streams at once of one system, in one replica.",
            "min": 1,
            "max": 1000,
        },
    )
    recent_events: int = field(
        default=20_000,
        metadata={
            "env": "DOCAXIS_NOTIFICATION_RECENT_EVENTS",
            "help": "Events that live streams resume from memory; further back they read the log.",
            "min": 1,
            "max": 1_000_000,
        },
    )
    retry_waits_s: tuple[float, ...] = field(
        default=tuple(wait / 1000 for wait in WAITS),
        metadata={
            "env": "DOCAXIS_NOTIFICATION_RETRY_WAITS_S",
            "help": "Seconds from each failed attempt to the next; after the last it is given up.",
        },
    )

    def __post_init__(self) -> None:
        """Raises `ValueError` for waits that are none."""
        if not all(0 < wait <= 30 * 86_400 for wait in self.retry_waits_s):
            raise ValueError("each wait between attempts is above 0 s and at most 30 days")
