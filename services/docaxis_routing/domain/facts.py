"""What routing decides upon besides its own states: codes, locks and policies (rule L6)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from docaxis_eventsourcing.decider import Request


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the registry says of a code. An empty `organisation_id`: nobody has it."""

    organisation_id: str = ""
    locked: bool = False
    signature_required: bool = False
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """The facts of one command. Only submissions and slices need more than the time."""

    now: int
    command_id: str
    system_known: bool = True
    system_locked: bool = False
    serves_sender: bool = True
    sender_locked: bool = False
    expire_after_ms: int = 0
    """How long a ready delivery waits for its hand-over; 0: for ever."""
    recipients: Mapping[str, Resolved] = field(default_factory=dict)
    """By code as the sender wrote it; for a slice its codes, in their order."""


FactsProvider = Callable[[Sequence[Request]], Awaitable[Sequence[RoutingFacts]]]
