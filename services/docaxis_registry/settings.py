"""The registry's settings."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How long calls and queries wait."""

    outcome_wait_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_REGISTRY_OUTCOME_WAIT_S",
            "help": "Seconds that a call waits for the decision of its command.",
            "min": 0.1,
            "max": 30.0,
        },
    )
    view_deadline_s: float = field(
        default=2.0,
        metadata={
            "env": "DOCAXIS_REGISTRY_VIEW_DEADLINE_S",
            "help": "Seconds that a query waits for its view before it answers 503.",
            "min": 0.1,
            "max": 30.0,
        },
    )
