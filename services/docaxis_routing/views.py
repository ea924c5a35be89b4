"""Routing's views: documents and deliveries, refusals after a 202, and the registry's part.

Each is pure: `keys` names the rows that an event changes, `project` changes them. Rows are fed by
one partition (rule L27): a document's by the document's, a delivery's by its recipient's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, Table
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from docaxis_eventsourcing.view import Rows, View
from docaxis_proto.kernel_v1_pb2 import Outcome
from docaxis_routing.codec import CODEC, OUTCOMES
from docaxis_routing.domain.chunks import index_of
from docaxis_routing.domain.deliveries import EXPIRED, HANDED_OVER, READY, REFUSED
from docaxis_routing.domain.messages import (
    DeliveriesExpired,
    DeliveriesHandedOver,
    DeliveriesMade,
    DeliveriesRefused,
    DeliveriesReleased,
    DeliveriesReopened,
    DocumentBrief,
    DocumentSubmitted,
    Recipient,
    RecipientsAdded,
    RecipientsResolved,
    RefusedRecipient,
    VerdictNoted,
)

TOPICS = ServiceTopics("routing", (Lane.URGENT, Lane.NORMAL, Lane.BULK))
DOCUMENTS, DELIVERIES, REFUSALS = "documents", "deliveries", "refusals"
REFUSED_RECIPIENTS = "refused_recipients"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as its sender sees it; its words are in its card."""

    brief: DocumentBrief
    recipients: tuple[Recipient, ...]
    refused: tuple[RefusedRecipient, ...]
    recipients_digests: tuple[str, ...]
    verdict_status: str = ""
    verdict_code: str = ""
    recipient_count: int = 0
    """Codes as sent, over all submits; `recipients` and `refused` are of those up to 500."""
    traceparent: str = ""
    """Of the trace in which it was submitted; empty where there was none."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery with the brief of its document. Times are Unix ms, 0 while not reached."""

    delivery_id: str
    organisation_id: str
    code: str
    state: str
    reason: str
    mailbox_number: int
    ready_at: int
    handed_over_at: int
    brief: DocumentBrief
    expires_at: int = 0
    expired_at: int = 0
    traceparent: str = ""
    """Of the trace in which its document was submitted."""


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Why a document was refused, for whoever was answered before the decision."""

    code: str
    params: dict[str, str]
    pointer: str


_decode_document = msgspec.msgpack.Decoder(DocumentRow).decode
_decode_delivery = msgspec.msgpack.Decoder(DeliveryRow).decode
_decode_refused = msgspec.msgpack.Decoder(RefusedRecipient).decode
_decode_refusal = msgspec.msgpack.Decoder(RefusalRow).decode


def read_document(row: Row) -> DocumentRow:
    """The document of a row."""
    return _decode_document(row.blob)


def read_delivery(row: Row) -> DeliveryRow:
    """The delivery of a row."""
    return _decode_delivery(row.blob)


def read_refused(row: Row) -> RefusedRecipient:
    """The refused recipient of a row."""
    return _decode_refused(row.blob)


def read_refusal(row: Row) -> RefusalRow:
    """The refusal of a row."""
    return _decode_refusal(row.blob)


def _keys(event: Any, _: Envelope) -> Iterable[tuple[str, str]]:
    match event:
        case DocumentSubmitted() | RecipientsAdded():
            return ((DOCUMENTS, event.brief.document_id),)
        case VerdictNoted():
            return ((DOCUMENTS, event.document_id),)
        case (
            DeliveriesReleased()
            | DeliveriesRefused()
            | DeliveriesHandedOver()
            | DeliveriesExpired()
            | DeliveriesReopened()
        ):
            return [(DELIVERIES, each.delivery_id) for each in event.deliveries]
    return ()


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    match event:
        case DocumentSubmitted():
            document = DocumentRow(
                event.brief,
                event.recipients,
                event.refused,
                (event.recipients_digest,),
                recipient_count=_count(event),
                traceparent=envelope.traceparent,
            )
            _put_document(rows, document)
            _put_refused(rows, event)
        case RecipientsAdded():
            _project_further(rows, event)
            _put_refused(rows, event)
        case RecipientsResolved():
            _put_refused(rows, event)
        case VerdictNoted():
            if row := rows.get(DOCUMENTS, event.document_id):
                noted = replace(
                    read_document(row), verdict_status=event.status, verdict_code=event.code
                )
                _put_document(rows, noted)
        case DeliveriesMade():
            _project_made(rows, event, envelope)
        case (
            DeliveriesReleased()
            | DeliveriesRefused()
            | DeliveriesHandedOver()
            | DeliveriesExpired()
            | DeliveriesReopened()
        ):
            _project_moved(rows, event, envelope.time)


def _project_further(rows: Rows, event: RecipientsAdded) -> None:
    row = rows.get(DOCUMENTS, event.brief.document_id)
    if row is None:
        return
    before = read_document(row)
    known = {each.organisation_id for each in before.recipients}
    told = {each.code for each in before.refused}
    _put_document(
        rows,
        replace(
            before,
            recipients=(
                *before.recipients,
                *(each for each in event.recipients if each.organisation_id not in known),
            ),
            refused=(*before.refused, *(each for each in event.refused if each.code not in told)),
            recipients_digests=(*before.recipients_digests, event.recipients_digest),
            recipient_count=before.recipient_count + _count(event),
        ),
    )


def _count(event: DocumentSubmitted | RecipientsAdded) -> int:
    return event.recipient_count or len(event.recipients) + len(event.refused)


def _put_refused(
    rows: Rows, event: DocumentSubmitted | RecipientsAdded | RecipientsResolved
) -> None:
    document_id = event.brief.document_id
    for each in event.refused:
        blob = msgspec.msgpack.encode(each)
        key = f"{document_id}/{each.code}"
        rows.put(REFUSED_RECIPIENTS, Row(key, blob, {"document": document_id}))


def _project_made(rows: Rows, event: DeliveriesMade, envelope: Envelope) -> None:
    for made in event.deliveries:
        _put_delivery(
            rows,
            DeliveryRow(
                made.delivery_id,
                made.organisation_id,
                made.code,
                made.state,
                made.reason,
                made.mailbox_number,
                envelope.time if made.state == READY else 0,
                0,
                event.brief,
                made.expires_at,
                traceparent=envelope.traceparent,
            ),
        )


def _project_moved(
    rows: Rows,
    event: DeliveriesReleased
    | DeliveriesRefused
    | DeliveriesHandedOver
    | DeliveriesExpired
    | DeliveriesReopened,
    at: int,
) -> None:
    for each in event.deliveries:
        row = rows.get(DELIVERIES, each.delivery_id)
        if row is None:
            continue  # came before its delivery: `DeliveriesMade` will say how it is
        before = read_delivery(row)
        match event:
            case DeliveriesReleased() | DeliveriesReopened():
                opened = index_of(event).parts[each.delivery_id]
                after = replace(
                    before,
                    state=READY,
                    mailbox_number=opened.mailbox_number,
                    ready_at=at,
                    expires_at=opened.expires_at,
                    expired_at=0,
                )
            case DeliveriesExpired():
                after = replace(before, state=EXPIRED, expired_at=at)
            case DeliveriesRefused():
                after = replace(before, state=REFUSED, reason=event.reason)
            case _:
                after = replace(before, state=HANDED_OVER, handed_over_at=at)
        _put_delivery(rows, after)


def _put_document(rows: Rows, document: DocumentRow) -> None:
    brief = document.brief
    rows.put(
        DOCUMENTS,
        Row(
            brief.document_id,
            msgspec.msgpack.encode(document),
            {
                "sender": brief.sender_organisation_id,
                "sender_document_id": brief.sender_document_id,
            },
        ),
    )


def _put_delivery(rows: Rows, delivery: DeliveryRow) -> None:
    rows.put(
        DELIVERIES,
        Row(
            delivery.delivery_id,
            msgspec.msgpack.encode(delivery),
            {
                "organisation": delivery.organisation_id,
                "open": int(delivery.state == READY),
                "number": delivery.mailbox_number,
                "document": delivery.brief.document_id,
                "sender": delivery.brief.sender_organisation_id,
                "state": delivery.state,
            },
        ),
    )


DOCUMENTS_VIEW = View(
    service="routing",
    name="documents",
    version=3,
    topic=TOPICS.events,
    codec=CODEC,
    tables=(
        Table(
            DOCUMENTS,
            {"sender": IndexType.TEXT, "sender_document_id": IndexType.TEXT},
            (Index("by_sender_document", ("sender", "sender_document_id")),),
        ),
        Table(
            DELIVERIES,
            {
                "organisation": IndexType.TEXT,
                "open": IndexType.INT,
                "number": IndexType.INT,
                "document": IndexType.TEXT,
                "sender": IndexType.TEXT,
                "state": IndexType.TEXT,
            },
            (
                Index("sent", ("sender", "state")),
                Index("received", ("organisation", "state")),
                Index("inbox", ("organisation", "open", "number")),
                Index("by_document", ("document",)),
            ),
        ),
        Table(
            REFUSED_RECIPIENTS,
            {"document": IndexType.TEXT},
            (Index("by_document", ("document",)),),
        ),
    ),
    keys=_keys,
    project=_project,
)


def _refusal_keys(event: Outcome, _: Envelope) -> Iterable[tuple[str, str]]:
    return ()


def _project_refusal(rows: Rows, outcome: Outcome, _: Envelope) -> None:
    """Keep refusals of documents; the same document accepted later is found before this row."""
    if outcome.kind == Outcome.REFUSED and outcome.subject.startswith("document/"):
        refusal = RefusalRow(outcome.code, dict(sorted(outcome.params.items())), outcome.pointer)
        key = outcome.subject.removeprefix("document/")
        rows.put(REFUSALS, Row(key, msgspec.msgpack.encode(refusal)))


REFUSALS_VIEW = View(
    service="routing",
    name="refusals",
    version=1,
    topic=TOPICS.outcomes,
    codec=OUTCOMES,
    tables=(Table(REFUSALS),),
    keys=_refusal_keys,
    project=_project_refusal,
)
