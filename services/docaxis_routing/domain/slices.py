"""Slices: more than 500 recipients of a document, resolved some at a time (L9).

18. A document for more than 500 recipients is accepted with their count; they are resolved slice by
    slice, on the document's partition, each slice by the registry as it stands when it is decided.
19. A slice looks at its document first: of one that was never accepted nothing is made, and a
    verdict that came meanwhile decides at once (rule 10).
20. A slice is resolved once: again changes nothing.
21. A slice keeps which of its copies wait for the verdict, and passes it on to them once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision
from docaxis_routing.domain.documents import Document, resolve
from docaxis_routing.domain.facts import RoutingFacts
from docaxis_routing.domain.messages import (
    RecipientsResolved,
    ResolveSlice,
    SettleSlice,
    SliceSettled,
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some recipients of a document, at most 500."""

    slice_id: str
    resolved: bool = False
    waiting: tuple[str, ...] = ()
    """Organisations whose copies wait for the verdict."""


def slice_name(document_id: str, recipients_digest: str, number: int) -> str:
    """The aggregate of a slice: one for each document, set of recipients and number."""
    return f"slice/{document_id}/{recipients_digest}/{number}"


def decide_resolve(
    states: Mapping[str, Any], facts: RoutingFacts, command: ResolveSlice
) -> Decision:
    """Rules 18-20."""
    document_id = command.brief.document_id
    document: Document = states[f"document/{document_id}"]
    mine: Slice = states[slice_name(document_id, command.recipients_digest, command.slice)]
    if not document.submission_key or mine.resolved:
        return AlreadyDecided()
    recipients, refused = resolve(facts.recipients, facts.recipients, document)
    return Decided(
        (
            RecipientsResolved(
                command.brief, command.recipients_digest, command.slice, recipients, refused
            ),
        )
    )


def decide_settle(states: Mapping[str, Any], command: SettleSlice) -> Decision:
    """Rule 21."""
    document: Document = states[f"document/{command.document_id}"]
    mine: Slice = states[slice_name(command.document_id, command.recipients_digest, command.slice)]
    if not mine.waiting or not document.verdict_status:
        return AlreadyDecided()
    settled = SliceSettled(
        command.document_id,
        command.recipients_digest,
        command.slice,
        document.verdict_status,
        document.verdict_code,
        mine.waiting,
        document.sender_organisation_id,
        document.priority,
    )
    return Decided((settled,))


def evolve_slice(state: Slice, event: RecipientsResolved | SliceSettled) -> Slice:
    """A slice is resolved, then, where copies wait, settled."""
    if isinstance(event, SliceSettled):
        return replace(state, waiting=())
    waiting = tuple(each.organisation_id for each in event.recipients if each.held)
    return replace(state, resolved=True, waiting=waiting)
