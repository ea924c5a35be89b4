"""Settings of the routing service (`DOCAXIS_ROUTING_*`)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """How long doors wait, and what is too large."""

    outcome_wait_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_ROUTING_OUTCOME_WAIT_S",
            "help": "Longest wait for a decision before 202 is answered.",
        },
    )
    max_recipients: int = field(
        default=100_000,
        metadata={
            "env": "DOCAXIS_ROUTING_MAX_RECIPIENTS",
            "min": 1,
            "max": 100_000,
            "help": "Recipients of one submission, at most; above 500 they are resolved in slices.",
        },
    )
    batch_limit: int = field(
        default=500,
        metadata={
            "env": "DOCAXIS_ROUTING_BATCH_LIMIT",
            "help": "Commands that one transaction decides, at most.",
        },
    )
    expire_after_hours: float = field(
        default=0.0,
        metadata={
            "env": "DOCAXIS_ROUTING_EXPIRE_AFTER_HOURS",
            "min": 0.0,
            "help": "A ready delivery that nobody takes over expires after this; 0: never. Its"
            " sender may send it again.",
        },
    )
    staging_hours: float = field(
        default=24.0,
        metadata={
            "env": "DOCAXIS_ROUTING_STAGING_HOURS",
            "help": "Uploads that no document took, and folders that none claimed, are removed"
            " after this.",
        },
    )
    sweep_every_s: float = field(
        default=3600.0,
        metadata={
            "env": "DOCAXIS_ROUTING_SWEEP_EVERY_S",
            "min": 1.0,
            "help": "Seconds between two looks for files that nobody claims.",
        },
    )
