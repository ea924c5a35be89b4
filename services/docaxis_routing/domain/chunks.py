"""The parts of a chunk event of deliveries, by name."""

from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.last_argument import kept_for_the_last


@dataclass(slots=True)
class ChunkIndex:
    """The parts of one event."""

    parts: dict[str, Any] = field(default_factory=dict)
    """By delivery."""
    numbers: dict[str, int] = field(default_factory=dict)
    """The highest mailbox number by organisation."""


@kept_for_the_last
def index_of(event: Any) -> ChunkIndex:
    """The index of an event whose `deliveries` have mailbox numbers."""
    found = ChunkIndex()
    for each in event.deliveries:
        found.parts[each.delivery_id] = each
        before = found.numbers.get(each.organisation_id, 0)
        found.numbers[each.organisation_id] = max(before, each.mailbox_number)
    return found
