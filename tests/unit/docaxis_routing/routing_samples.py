"""Commands and facts for the tests of routing's rules."""

from collections.abc import Mapping
from typing import Any

from docaxis_eventsourcing.decider import Decided, Decision
from docaxis_routing.content import Identity, identify, recipients_digest
from docaxis_routing.domain import aggregates, decide, evolve, initial
from docaxis_routing.domain.aggregates import touched
from docaxis_routing.domain.facts import Resolved, RoutingFacts
from docaxis_routing.domain.messages import (
    ContentDigest,
    DocumentBrief,
    FileRef,
    SubmitDocument,
)

SENDER, HANOI, HATINH = "org-office", "org-hanoi", "org-hatinh"
KNOWN: Mapping[str, Resolved] = {
    "H26": Resolved(HANOI),
    "000.00.00.H26": Resolved(HANOI),
    "H27": Resolved(HATINH),
    "H99": Resolved("org-locked", locked=True),
    "H50": Resolved("org-strict", signature_required=True),
    "H51": Resolved("org-strict-2", signature_required=True),
}


class House:
    """States by name, moved by deciding: what a processor does, without a log."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {}
        self.events: list[Any] = []

    def give(self, command: Any, facts: RoutingFacts | None = None) -> Decision:
        """Decide a command upon the states so far and fold its events in."""
        states = {name: self.state(name) for name in aggregates(command)}
        decision = decide(states, facts or facts_of(command), command)
        for event in decision.events if isinstance(decision, Decided) else ():
            self.fold(event)
        return decision

    def fold(self, event: Any) -> None:
        """Fold one event into the states that it names."""
        self.events.append(event)
        for name in touched(event):
            self.states[name] = evolve(self.state(name), event)

    def state(self, name: str) -> Any:
        """The state of an aggregate."""
        return self.states.get(name) or initial(name)


def identity(sender_document_id: str = "12/VPCP-KSTT", subject: str = "Về việc mẫu") -> Identity:
    """The computed identity of a sample document."""
    metadata = {
        "id": sender_document_id,
        "promulgated_on": "2026-11-22",
        "business_type": "new",
        "subject": subject,
    }
    return identify(SENDER, metadata, [{"name": "a.pdf", "digest": "0" * 64}])


def submit(
    *codes: str, sender_document_id: str = "12/VPCP-KSTT", subject: str = "Về việc mẫu"
) -> SubmitDocument:
    """A submission of the sample document for recipients."""
    who = identity(sender_document_id, subject)
    return SubmitDocument(
        DocumentBrief(
            who.document_id,
            SENDER,
            "G22",
            "system-office",
            sender_document_id,
            "new",
            "12",
            "VPCP-KSTT",
            "2026-11-22",
            2,
            "Công văn",
            0,
            "c" * 64,
            (FileRef("0" * 64, 10, "application/pdf"),),
        ),
        who.submission_key,
        (ContentDigest(1, who.content_digest),),
        codes,
        recipients_digest(codes),
    )


def facts_of(command: Any, now: int = 1_000, **changes: Any) -> RoutingFacts:
    """What the registry says, for the codes of a submission."""
    codes = command.recipient_codes if isinstance(command, SubmitDocument) else ()
    resolved = {code: KNOWN.get(code, Resolved(suggestions=("H26",))) for code in codes}
    return RoutingFacts(now, "command", **{"recipients": resolved, **changes})
