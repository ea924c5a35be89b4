"""Routing in memory, as `fake_services`."""

from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_proto import routing_events_v1_pb2 as events
from docaxis_proto import routing_v1_pb2 as routing
from docaxis_proto.routing_v1_pb2_grpc import RoutingServicer
from tests.unit.docaxis_gateway.fake_registry import NOW_MS, FakeRegistry


class FakeRouting(RoutingServicer):
    """Decides at once, unless `undecided`; ids are computed, so repeats meet."""

    def __init__(self, registry_: FakeRegistry, files: FileStore) -> None:
        self.registry = registry_
        self.unverified: set[str] = set()
        self.files = files
        self.undecided = False
        self.failure: Exception | None = None
        self.documents: dict[str, routing.Document] = {}
        self.deliveries: dict[str, routing.Delivery] = {}
        self.requests: list[Any] = []

    async def SubmitDocument(
        self, request: routing.SubmitDocumentRequest, context: Any
    ) -> routing.SubmitDocumentReply:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        sender = self.registry.find(request.sender_code)
        if sender is None or sender.organisation_id not in request.served_organisation_ids:
            params = {"code": request.sender_code}
            raise DocaxisError(
                "sender_not_served",
                params,
                fields=(FieldProblem("/sender", "sender_not_served", params),),
            )
        recipients, refused = self._recipients(request)
        uploads = [each.upload_id for each in request.files]
        uploads += [each.signature_upload_id for each in request.files if each.signature_upload_id]
        stored = [await self.files.staged(request.system_id, each) for each in uploads]
        digests = [each.digest for each in stored]
        content = sha256(f"{request.subject}{request.content}{digests}".encode()).hexdigest()
        document_id = derived_id(request.sender_code, request.sender_document_id)
        known = self.documents.get(document_id)
        if known is not None and known.content_digest != content:
            raise DocaxisError("content_conflict", {"document_id": document_id})
        await self.files.take(request.system_id, uploads, document_id)
        reply = routing.SubmitDocumentReply(
            document_id=document_id,
            decided=not self.undecided,
            first=known is None,
            receipt_id=derived_id("receipt", document_id),
        )
        if self.undecided:
            return reply
        reply.accepted_at = NOW_MS
        reply.recipients.extend(recipients)
        reply.refused.extend(refused)
        if known is None:
            self._keep(request, document_id, content, sender.organisation_id, recipients, refused)
        return reply

    async def CheckDocument(
        self, request: routing.SubmitDocumentRequest, context: Any
    ) -> routing.CheckDocumentReply:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        recipients, refused = self._recipients(request)
        document_id = derived_id(request.sender_code, request.sender_document_id)
        return routing.CheckDocumentReply(
            document_id=document_id,
            first=document_id not in self.documents,
            recipients=recipients,
            refused=refused,
            recipient_count=len(request.recipient_codes),
        )

    def _recipients(self, request: Any) -> tuple[list[Any], list[Any]]:
        recipients, refused, fields = [], [], []
        for index, code in enumerate(request.recipient_codes):
            found = self.registry.find(code)
            if found is not None:
                recipients.append(
                    events.Recipient(code=code, organisation_id=found.organisation_id)
                )
                continue
            refused.append(
                events.RefusedRecipient(
                    code=code, reason="unknown_organisation", suggestions=["G22"]
                )
            )
            params = {"organisation": code, "suggestions": "G22,H01"}
            fields.append(FieldProblem(f"/recipients/{index}", "unknown_organisation", params))
        if not recipients:
            raise DocaxisError("no_valid_recipient", fields=tuple(fields))
        return recipients, refused

    def _keep(
        self,
        request: Any,
        document_id: str,
        content: str,
        sender: str,
        recipients: list[Any],
        refused: list[Any],
    ) -> None:
        files = [
            routing.FileInfo(
                digest=each.digest, size=each.size, media_type=each.media_type, name=each.name
            )
            for each in request.files
        ]
        document = routing.Document(
            document_id=document_id,
            sender_organisation_id=sender,
            sender_code=request.sender_code,
            sender_document_id=request.sender_document_id,
            business_type=request.business_type,
            number=request.number,
            notation=request.notation,
            place=request.place,
            promulgated_on=request.promulgated_on,
            type_group=request.type_group,
            type_code=request.type_code,
            type_name=request.type_name,
            subject=request.subject,
            content=request.content,
            signer=request.signer,
            priority=request.priority,
            due_on=request.due_on,
            files=files,
            accepted_at=NOW_MS,
            recipients=recipients,
            refused=refused,
            receipt_ids=[derived_id("receipt", document_id)],
            content_digest=content,
        )
        self.documents[document_id] = document
        for number, each in enumerate(recipients, 1):
            delivery_id = derived_id(document_id, each.organisation_id)
            self.deliveries[delivery_id] = routing.Delivery(
                delivery_id=delivery_id,
                document_id=document_id,
                organisation_id=each.organisation_id,
                code=each.code,
                state="ready",
                mailbox_number=number,
                ready_at=NOW_MS,
            )

    async def GetDocument(self, request: Any, context: Any) -> routing.Document:
        return self._visible(request.document_id, request.for_organisation_ids)

    def _visible(self, document_id: str, organisations: Iterable[str]) -> routing.Document:
        document = self.documents.get(document_id)
        if document is not None:
            seen_by = {each.organisation_id for each in document.recipients}
            if (seen_by | {document.sender_organisation_id}) & set(organisations):
                return document
        raise DocaxisError("unknown_document")

    async def FindDocuments(self, request: Any, context: Any) -> routing.FindDocumentsReply:
        found = [
            each.document_id
            for each in self.documents.values()
            if each.sender_organisation_id == request.sender_organisation_id
            and each.sender_document_id == request.sender_document_id
        ]
        return routing.FindDocumentsReply(document_ids=found)

    async def ListDeliveries(self, request: Any, context: Any) -> routing.ListDeliveriesReply:
        self._visible(request.document_id, request.for_organisation_ids)
        found = [e for e in self.deliveries.values() if e.document_id == request.document_id]
        start = int(request.cursor or 0)
        end = start + request.limit
        return routing.ListDeliveriesReply(
            deliveries=found[start:end], next=str(end) if len(found) > end else ""
        )

    async def ListRefused(self, request: Any, context: Any) -> routing.ListRefusedReply:
        self._visible(request.document_id, request.for_organisation_ids)
        start = int(request.cursor or 0)
        codes = ["H98", "H99"][start : start + request.limit]
        refused = [
            events.RefusedRecipient(code=each, reason="unknown_organisation") for each in codes
        ]
        end = start + len(codes)
        return routing.ListRefusedReply(refused=refused, next=str(end) if end < 2 else "")

    async def FindDeliveries(self, request: Any, context: Any) -> routing.FindDeliveriesReply:
        self.requests.append(request)
        found = [e for e in self.deliveries.values() if e.state == request.state]
        return routing.FindDeliveriesReply(deliveries=found[: request.limit])

    async def ResendDelivery(self, request: Any, context: Any) -> routing.ResendDeliveryReply:
        self.requests.append(request)
        delivery = self.deliveries.get(request.delivery_id)
        if delivery is None:
            raise DocaxisError("unknown_delivery")
        if delivery.state == "refused":
            raise DocaxisError("resend_refused_by_policy", {"reason": delivery.reason})
        delivery.state = "ready"
        return routing.ResendDeliveryReply(delivery_id=delivery.delivery_id, state="ready")

    async def GetInbox(self, request: Any, context: Any) -> routing.GetInboxReply:
        self.requests.append(request)
        reply = routing.GetInboxReply(next="cursor")
        for each in self.deliveries.values():
            if each.state == "ready" and each.organisation_id in request.organisation_ids:
                item = reply.deliveries.add()
                item.CopyFrom(each)
                item.document.CopyFrom(self.documents[each.document_id])
        return reply

    async def WatchInbox(self, request: Any, context: Any) -> AsyncIterator[routing.GetInboxReply]:
        yield await self.GetInbox(request, context)

    async def AcknowledgeDeliveries(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        reply = routing.AcknowledgeDeliveriesReply()
        for delivery_id in request.delivery_ids:
            delivery = self.deliveries.get(delivery_id)
            result = reply.results.add(delivery_id=delivery_id, result="unknown_delivery")
            if delivery is None or delivery.organisation_id not in request.organisation_ids:
                continue
            open_ = delivery.state == "ready"
            result.result = "handed_over" if open_ else "already_handed_over"
            result.receipt_id = derived_id("receipt", delivery_id)
            delivery.state, delivery.handed_over_at = "handed_over", NOW_MS
        return reply

    async def LocateFile(self, request: Any, context: Any) -> routing.LocateFileReply:
        document = self._visible(request.document_id, request.for_organisation_ids)
        for each in document.files:
            if each.digest == request.digest:
                return routing.LocateFileReply(file=each)
        raise DocaxisError("unknown_file")
