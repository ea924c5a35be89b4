"""Settings of the status service."""

from dataclasses import dataclass, field

from docaxis_status.domain.holders import DEFAULT_MOST_HELD


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How long a report waits for its decision (in seconds), and what is kept for later."""

    outcome_wait_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_STATUS_OUTCOME_WAIT_S",
            "min": 0.1,
            "max": 30.0,
            "help": "How long a report of statuses waits for its decision.",
        },
    )
    most_held: int = field(
        default=DEFAULT_MOST_HELD,
        metadata={
            "env": "DOCAXIS_STATUS_MOST_HELD",
            "min": 1,
            "help": "Statuses of deliveries that are not known, held for one organisation;"
            " further ones are refused (too_many_unmatched).",
        },
    )
