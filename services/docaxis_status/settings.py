"""Settings of the status service."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How long a report waits for its decision. Times in seconds."""

    outcome_wait_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_STATUS_OUTCOME_WAIT_S",
            "min": 0.1,
            "max": 30.0,
            "help": "How long a report of statuses waits for its decision.",
        },
    )
