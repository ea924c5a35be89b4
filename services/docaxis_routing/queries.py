"""What can be asked of routing's views, as protobuf answers; who may see what is decided here.

A document is seen by its sender and by the recipients whose delivery is ready or handed over; a
held copy shows nothing to its recipient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.read_store import RowRange
from docaxis_eventsourcing.receipt_ids import accepted_receipt_id, delivery_id
from docaxis_eventsourcing.topics import document_partition
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.card import Card, Cards
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.deliveries import HANDED_OVER, READY
from docaxis_routing.domain.messages import DocumentBrief
from docaxis_routing.views import (
    DELIVERIES,
    DOCUMENTS,
    REFUSALS,
    REFUSED_RECIPIENTS,
    DeliveryRow,
    DocumentRow,
    read_delivery,
    read_document,
    read_refusal,
    read_refused,
)
from docaxis_runtime.telemetry import link_to, trace_id_of

_VISIBLE = (READY, HANDED_OVER)
"""States of a delivery that its recipient may see."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries of one replica."""

    documents: ViewReader
    refusals: ViewReader
    cards: Cards
    partitions: int
    epoch: int

    async def document(self, document_id: str, askers: Sequence[str]) -> pb.Document:
        """A document. Raises `DocaxisError`: `unknown_document`, or why it was refused (L7)."""
        row = await self._visible(document_id, askers)
        link_to(row.traceparent)
        card = await self.cards.read(document_id, row.brief.card_digest)
        message = document_message(row.brief, card)
        if row.brief.sender_organisation_id in askers:
            message.recipients.extend(CODEC.to_message(each) for each in row.recipients)
            message.refused.extend(CODEC.to_message(each) for each in row.refused)
            message.receipt_ids.extend(
                accepted_receipt_id(document_id, each) for each in row.recipients_digests
            )
        message.recipient_count = row.recipient_count
        message.verdict_status, message.verdict_code = row.verdict_status, row.verdict_code
        return message

    async def find(self, sender_organisation_id: str, sender_document_id: str) -> Sequence[str]:
        """Ids of the documents that a sender sent under its own id."""
        rows = await self.documents.range(
            DOCUMENTS,
            RowRange("by_sender_document", (sender_organisation_id, sender_document_id)),
        )
        return [row.key for row in rows]

    async def deliveries(
        self, document_id: str, askers: Sequence[str], limit: int, cursor: str
    ) -> pb.ListDeliveriesReply:
        """A document's deliveries: all of them for its sender, recipients' own that are ready."""
        row = await self._visible(document_id, askers)
        after = decode_cursor(cursor, self.epoch, str, "")
        limit = page_limit(limit)
        rows = await self.documents.range(
            DELIVERIES,
            RowRange("by_document", (document_id,), after=(after,) if after else None, limit=limit),
        )
        reply = pb.ListDeliveriesReply(trace_id=trace_id_of(row.traceparent))
        is_sender = row.brief.sender_organisation_id in askers
        for each in rows:
            delivery = read_delivery(each)
            if is_sender or (delivery.organisation_id in askers and delivery.state in _VISIBLE):
                reply.deliveries.append(delivery_message(delivery))
        if len(rows) == limit:
            reply.next = encode_cursor(self.epoch, rows[-1].key)
        return reply

    async def refused(
        self, document_id: str, askers: Sequence[str], limit: int, cursor: str
    ) -> pb.ListRefusedReply:
        """A document's refused recipients by code, for its sender; nobody else sees any."""
        row = await self._visible(document_id, askers)
        after = decode_cursor(cursor, self.epoch, str, "")
        limit = page_limit(limit)
        reply = pb.ListRefusedReply()
        if row.brief.sender_organisation_id not in askers:
            return reply
        rows = await self.documents.range(
            REFUSED_RECIPIENTS,
            RowRange("by_document", (document_id,), after=(after,) if after else None, limit=limit),
        )
        reply.refused.extend(CODEC.to_message(read_refused(each)) for each in rows)
        if len(rows) == limit:
            reply.next = encode_cursor(self.epoch, rows[-1].key)
        return reply

    async def in_state(self, request: pb.FindDeliveriesRequest) -> pb.FindDeliveriesReply:
        """Deliveries that stand in a state now, sent or received by the asker's organisations.

        Organisation by organisation, by id; one that comes into the state later may lie before the
        cursor: who wants all begins anew. Raises `DocaxisError` `limit_invalid`, `cursor_invalid`.
        """
        limit = page_limit(request.limit)
        start = decode_cursor(request.cursor, self.epoch, tuple[str, str], ("", ""))
        reply = pb.FindDeliveriesReply()
        index = "received" if request.received else "sent"
        for organisation_id in sorted(set(request.organisation_ids)):
            if organisation_id < start[0]:
                continue
            after = (start[1],) if organisation_id == start[0] else None
            left = limit - len(reply.deliveries)
            rows = await self.documents.range(
                DELIVERIES,
                RowRange(index, (organisation_id, request.state), after=after, limit=left),
            )
            reply.deliveries.extend(delivery_message(read_delivery(each)) for each in rows)
            if len(reply.deliveries) == limit:
                reply.next = encode_cursor(self.epoch, (organisation_id, rows[-1].key))
                break
        return reply

    async def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """One delivery, whoever asks; None where the view has none."""
        row = await self.documents.get(DELIVERIES, delivery_id)
        return read_delivery(row) if row else None

    async def deliveries_to(
        self, delivery_ids: Sequence[str], askers: Sequence[str]
    ) -> Mapping[str, DeliveryRow]:
        """Those of the deliveries that the asking organisations have."""
        rows = await self.documents.get_many(DELIVERIES, delivery_ids)
        found = {key: read_delivery(row) for key, row in rows.items()}
        return {key: each for key, each in found.items() if each.organisation_id in askers}

    async def file(
        self, document_id: str, digest: str, askers: Sequence[str]
    ) -> pb.LocateFileReply:
        """What a file of a document is. Raises `DocaxisError` `unknown_file`."""
        row = await self._visible(document_id, askers)
        link_to(row.traceparent)
        card = await self.cards.read(document_id, row.brief.card_digest)
        for info in document_message(row.brief, card).files:
            if info.digest == digest:
                return pb.LocateFileReply(file=info)
            if info.signature_digest == digest:
                signature = pb.FileInfo(
                    digest=digest,
                    name=f"{info.name}.p7s",
                    media_type="application/pkcs7-signature",
                )
                return pb.LocateFileReply(file=signature)
        raise DocaxisError("unknown_file", {"digest": digest})

    async def _visible(self, document_id: str, askers: Sequence[str]) -> DocumentRow:
        """The document, if one of the askers may see it."""
        try:
            partition = document_partition(document_id, self.partitions)
        except ValueError:
            raise DocaxisError("unknown_document", {"document_id": document_id}) from None
        found = await self.documents.get_passing_end(DOCUMENTS, document_id, partition)
        if found is None:
            await self._raise_refusal(document_id)
            raise DocaxisError("unknown_document", {"document_id": document_id})
        row = read_document(found)
        if row.brief.sender_organisation_id in askers:
            return row
        copies = await self.documents.get_many(
            DELIVERIES, [delivery_id(document_id, each) for each in askers]
        )
        if any(read_delivery(copy).state in _VISIBLE for copy in copies.values()):
            return row
        raise DocaxisError("unknown_document", {"document_id": document_id})

    async def _raise_refusal(self, document_id: str) -> None:
        refused = await self.refusals.get(REFUSALS, document_id)
        if refused is not None:
            refusal = read_refusal(refused)
            raise DocaxisError(refusal.code, refusal.params)


def document_message(brief: DocumentBrief, card: Card) -> pb.Document:
    """A document from its brief and its card."""
    names = (*card.file_names, *[""] * len(brief.files))
    return pb.Document(
        document_id=brief.document_id,
        sender_organisation_id=brief.sender_organisation_id,
        sender_code=brief.sender_code,
        sender_document_id=brief.sender_document_id,
        business_type=brief.business_type,
        number=brief.number,
        notation=brief.notation,
        place=card.place,
        promulgated_on=brief.promulgated_on,
        type_group=brief.type_group,
        type_code=card.type_code,
        type_name=brief.type_name,
        subject=card.subject,
        content=card.content,
        signer=pb.Signer(
            competence=card.competence, position=card.position, full_name=card.full_name
        ),
        priority=brief.priority,
        due_on=card.due_on,
        files=[
            pb.FileInfo(
                digest=each.digest,
                size=each.size,
                media_type=each.media_type,
                name=name,
                signature_digest=each.signature_digest,
            )
            for each, name in zip(brief.files, names, strict=False)
        ],
        accepted_at=brief.accepted_at,
        content_digest=brief.content_digest,
    )


def delivery_message(delivery: DeliveryRow) -> pb.Delivery:
    """A delivery without its document."""
    return pb.Delivery(
        delivery_id=delivery.delivery_id,
        document_id=delivery.brief.document_id,
        organisation_id=delivery.organisation_id,
        code=delivery.code,
        state=delivery.state,
        reason=delivery.reason,
        mailbox_number=delivery.mailbox_number,
        ready_at=delivery.ready_at,
        handed_over_at=delivery.handed_over_at,
        expires_at=delivery.expires_at if delivery.state == READY else 0,
        expired_at=delivery.expired_at,
    )
