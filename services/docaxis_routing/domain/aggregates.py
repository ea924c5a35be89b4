"""Which aggregates a command and an event of routing name, and their first states."""

from typing import Any

from docaxis_eventsourcing.decider import id_of, kind_of
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_routing.domain.deliveries import Delivery, Mailbox
from docaxis_routing.domain.documents import Document, Submission
from docaxis_routing.domain.messages import (
    AcknowledgeDeliveries,
    CheckDocument,
    DeliveriesExpired,
    DeliveriesHandedOver,
    DeliveriesMade,
    DeliveriesRefused,
    DeliveriesReleased,
    DeliveriesReopened,
    DocumentSubmitted,
    ExpireDelivery,
    MakeDeliveries,
    NoteVerdict,
    RecipientsAdded,
    RecipientsResolved,
    RefuseDeliveries,
    ReleaseDeliveries,
    ResendDelivery,
    ResolveSlice,
    SettleSlice,
    SliceSettled,
    SubmitDocument,
    VerdictNoted,
)
from docaxis_routing.domain.slices import Slice, slice_name


def aggregates(command: Any) -> tuple[str, ...]:
    """The aggregates that a command names, the first of which keeps its repeats (L2)."""
    match command:
        case SubmitDocument():
            return (
                f"document/{command.brief.document_id}",
                f"submission/{command.submission_key}",
            )
        case CheckDocument():
            # The document second: what is refused here is no refusal of the document (L7).
            return tuple(reversed(aggregates(command.submission)))
        case NoteVerdict():
            return (f"document/{command.document_id}",)
        case ResolveSlice():
            document_id = command.brief.document_id
            return (
                slice_name(document_id, command.recipients_digest, command.slice),
                f"document/{document_id}",
            )
        case SettleSlice():
            return (
                slice_name(command.document_id, command.recipients_digest, command.slice),
                f"document/{command.document_id}",
            )
        case MakeDeliveries():
            organisations = [recipient.organisation_id for recipient in command.recipients]
            return _copies(command.brief.document_id, organisations)
        case ReleaseDeliveries() | RefuseDeliveries():
            return _copies(command.document_id, list(command.organisation_ids))
        case ExpireDelivery():
            return (f"delivery/{command.delivery_id}",)
        case ResendDelivery():
            return (f"delivery/{command.delivery_id}", f"mailbox/{command.organisation_id}")
        case AcknowledgeDeliveries():
            return (
                f"mailbox/{command.organisation_id}",
                *(f"delivery/{each}" for each in command.delivery_ids),
            )
    raise TypeError(type(command).__name__)


def touched(event: Any) -> tuple[str, ...]:
    """The aggregates that an event names; `evolve` runs once for each (L6)."""
    match event:
        case DocumentSubmitted():
            return (f"document/{event.brief.document_id}", f"submission/{event.submission_key}")
        case RecipientsAdded():
            return (f"document/{event.brief.document_id}",)
        case VerdictNoted():
            return (f"document/{event.document_id}",)
        case RecipientsResolved():
            document_id = event.brief.document_id
            return (slice_name(document_id, event.recipients_digest, event.slice),)
        case SliceSettled():
            return (slice_name(event.document_id, event.recipients_digest, event.slice),)
        case DeliveriesMade() | DeliveriesReleased() | DeliveriesReopened():
            numbered = [f"mailbox/{each.organisation_id}" for each in event.deliveries]
            return (*(f"delivery/{each.delivery_id}" for each in event.deliveries), *numbered)
        case DeliveriesRefused() | DeliveriesHandedOver() | DeliveriesExpired():
            return tuple(f"delivery/{each.delivery_id}" for each in event.deliveries)
    raise TypeError(type(event).__name__)


def initial(name: str) -> Submission | Document | Slice | Delivery | Mailbox:
    """The state of an aggregate to which nothing has happened."""
    match kind_of(name):
        case "submission":
            return Submission(id_of(name))
        case "document":
            return Document(id_of(name))
        case "slice":
            return Slice(id_of(name))
        case "delivery":
            return Delivery(id_of(name))
        case "mailbox":
            return Mailbox(id_of(name))
    raise ValueError(name)


def _copies(document_id: str, organisations: list[str]) -> tuple[str, ...]:
    return (
        *(f"delivery/{delivery_id(document_id, each)}" for each in organisations),
        *(f"mailbox/{each}" for each in organisations),
    )
