"""`decide` and `evolve` of routing: which rule module answers for which command and state."""

from collections.abc import Mapping
from typing import Any

from docaxis_eventsourcing.decider import Decision
from docaxis_routing.domain import deliveries, documents, expiry, slices
from docaxis_routing.domain.facts import RoutingFacts
from docaxis_routing.domain.messages import (
    AcknowledgeDeliveries,
    CheckDocument,
    ExpireDelivery,
    MakeDeliveries,
    NoteVerdict,
    RefuseDeliveries,
    ReleaseDeliveries,
    ResendDelivery,
    ResolveSlice,
    SettleSlice,
    SubmitDocument,
)


def decide(states: Mapping[str, Any], facts: RoutingFacts, command: Any) -> Decision:
    """Decide one command upon the states that it names; pure (rule L6)."""
    match command:
        case SubmitDocument():
            return documents.decide_submit(states, facts, command)
        case CheckDocument():
            return documents.decide_check(states, facts, command)
        case NoteVerdict():
            return documents.decide_verdict(states[f"document/{command.document_id}"], command)
        case ResolveSlice():
            return slices.decide_resolve(states, facts, command)
        case SettleSlice():
            return slices.decide_settle(states, command)
        case MakeDeliveries():
            return deliveries.decide_make(states, facts, command)
        case ReleaseDeliveries():
            return deliveries.decide_release(states, facts, command)
        case RefuseDeliveries():
            return deliveries.decide_refuse(states, command)
        case ExpireDelivery():
            return expiry.decide_expire(states, facts, command)
        case ResendDelivery():
            return expiry.decide_resend(states, facts, command)
        case AcknowledgeDeliveries():
            return deliveries.decide_acknowledge(states, facts, command)
    raise TypeError(type(command).__name__)


def evolve(state: Any, event: Any) -> Any:
    """Fold one event into one of the states that it names; pure."""
    match state:
        case documents.Submission():
            return documents.evolve_submission(state, event)
        case documents.Document():
            return documents.evolve_document(state, event)
        case slices.Slice():
            return slices.evolve_slice(state, event)
        case deliveries.Delivery():
            return deliveries.evolve_delivery(state, event)
        case deliveries.Mailbox():
            return deliveries.evolve_mailbox(state, event)
    raise TypeError(type(state).__name__)
