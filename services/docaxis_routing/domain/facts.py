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
    successor_code: str = ""
    """Where the code is of a merged organisation: the code of the one that is meant."""


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """The facts of one command: submissions, slices and hand-overs need more than the time.

    `level` is that of the sender, or of the organisation that takes deliveries over, on the day of
    `now` in Viet Nam; 0: not known.
    """

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
    level: int = 0


FactsProvider = Callable[[Sequence[Request]], Awaitable[Sequence[RoutingFacts]]]
