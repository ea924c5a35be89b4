"""Little services in memory that keep to the protos' promises; no log, no views.

Signature and status; `fake_registry`, `fake_routing` and `fake_notification` are of the same kind.
"""

from hashlib import sha256
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_proto import signature_events_v1_pb2 as verdicts
from docaxis_proto import signature_v1_pb2 as signature
from docaxis_proto import status_v1_pb2 as status
from docaxis_proto.signature_v1_pb2_grpc import SignatureServicer
from docaxis_proto.status_v1_pb2_grpc import StatusServiceServicer
from tests.unit.docaxis_gateway.fake_registry import NOW_MS
from tests.unit.docaxis_gateway.fake_routing import FakeRouting


class FakeSignature(SignatureServicer):
    """A file is valid when its bytes begin with `SIGNED`, tampered with `TAMPERED`."""

    def __init__(self, routing_: FakeRouting, files: FileStore) -> None:
        self.routing = routing_
        self.files = files

    async def VerifyUploads(self, request: Any, context: Any) -> signature.VerifyUploadsReply:
        found = []
        for each in request.uploads:
            path = await self.files.staged_path(request.system_id, each.upload_id)
            found.append(self._verdict(path.read_bytes()))
        worst = next((each for each in found if each.status != "valid"), found[0])
        return signature.VerifyUploadsReply(verdicts=found, status=worst.status, code=worst.code)

    def _verdict(self, content: bytes) -> verdicts.FileVerdict:
        digest = sha256(content).hexdigest()
        if content.startswith(b"SIGNED"):
            return verdicts.FileVerdict(digest=digest, status="valid", code="signature_valid")
        if content.startswith(b"TAMPERED"):
            return verdicts.FileVerdict(digest=digest, status="tampered", code="file_tampered")
        return verdicts.FileVerdict(digest=digest, status="unsigned", code="file_unsigned")

    async def GetVerdict(self, request: Any, context: Any) -> signature.GetVerdictReply:
        if request.document_id in self.routing.unverified:
            raise DocaxisError("unknown_document")
        document = self.routing.documents[request.document_id]
        found = verdicts.SignatureFound(
            kind="pades", status="valid", code="signature_valid", signer_name="Nguyễn Văn A"
        )
        files = [
            verdicts.FileVerdict(
                digest=each.digest, status="valid", code="signature_valid", signatures=[found]
            )
            for each in document.files
        ]
        return signature.GetVerdictReply(
            document_id=request.document_id,
            status="valid",
            code="signature_valid",
            files=files,
            verified_at=NOW_MS,
        )

    def _receipts(self) -> list[signature.Receipt]:
        found = []
        for document in self.routing.documents.values():
            found.append(
                signature.Receipt(
                    receipt_id=derived_id("receipt", document.document_id),
                    kind="accepted",
                    document_id=document.document_id,
                    organisation_id=document.sender_organisation_id,
                    jws="e30.e30.AA",
                    sealed_at=NOW_MS,
                )
            )
        for delivery in self.routing.deliveries.values():
            if delivery.state == "handed_over":
                document = self.routing.documents[delivery.document_id]
                found.append(
                    signature.Receipt(
                        receipt_id=derived_id("receipt", delivery.delivery_id),
                        kind="handed_over",
                        document_id=delivery.document_id,
                        delivery_id=delivery.delivery_id,
                        organisation_id=document.sender_organisation_id,
                        jws="e30.e30.AQ",
                        sealed_at=NOW_MS,
                    )
                )
        return found

    async def GetReceipt(self, request: Any, context: Any) -> signature.Receipt:
        for each in self._receipts():
            mine = each.organisation_id in request.for_organisation_ids
            if each.receipt_id == request.receipt_id and mine:
                return each
        raise DocaxisError("unknown_receipt")

    async def ListReceipts(self, request: Any, context: Any) -> signature.ListReceiptsReply:
        found = [
            each
            for each in self._receipts()
            if each.organisation_id in request.organisation_ids
            and request.document_id in ("", each.document_id)
        ]
        return signature.ListReceiptsReply(receipts=found[: request.limit], next="cursor")

    async def GetKeySet(self, request: Any, context: Any) -> signature.GetKeySetReply:
        return signature.GetKeySetReply(jwk_set='{"keys":[]}')


class FakeStatus(StatusServiceServicer):
    """Keeps what is reported for deliveries that routing has."""

    def __init__(self, routing_: FakeRouting) -> None:
        self.routing = routing_
        self.requests: list[status.ReportStatusesRequest] = []
        self.asked: list[Any] = []

    async def ListUnmatched(self, request: Any, context: Any) -> status.ListUnmatchedReply:
        reply = status.ListUnmatchedReply()
        for each in self.requests:
            if each.organisation_id in request.for_organisation_ids:
                for one in each.reports:
                    reply.statuses.add(
                        organisation_id=each.organisation_id,
                        delivery_id=one.delivery_id,
                        code=one.code,
                        claimed_at=one.claimed_at,
                        held_since=NOW_MS,
                    )
        return reply

    async def GetStatistics(self, request: Any, context: Any) -> status.GetStatisticsReply:
        self.asked.append(request)
        reply = status.GetStatisticsReply()
        if request.by == "organisation":
            for each in request.for_organisation_ids:
                reply.figures.add(level=1, organisation_id=each, sent=1)
        else:
            reply.figures.add(level=1, sent=2, received=4)
            reply.figures.add(level=2, received=1)
            reply.figures[0].apart.add(business_type="recall", sent=1)
        return reply

    async def GetFeedback(self, request: Any, context: Any) -> status.GetFeedbackReply:
        self.asked.append(request)
        reply = status.GetFeedbackReply()
        each = reply.feedback.add(level=1)
        each.units.full, each.deliveries.full = 1, 3
        return reply

    async def ReportStatuses(self, request: Any, context: Any) -> status.ReportStatusesReply:
        self.requests.append(request)
        reply = status.ReportStatusesReply()
        for each in request.reports:
            known = each.delivery_id in self.routing.deliveries
            result = "recorded" if known else "held"
            reply.results.add(delivery_id=each.delivery_id, code=each.code, result=result)
        return reply

    async def GetTimeline(self, request: Any, context: Any) -> status.GetTimelineReply:
        reply = status.GetTimelineReply()
        for each in self.routing.deliveries.values():
            if each.document_id == request.document_id:
                timeline = reply.timelines.add(
                    delivery_id=each.delivery_id, organisation_id=each.organisation_id
                )
                for report in (one for r in self.requests for one in r.reports):
                    if report.delivery_id == each.delivery_id:
                        timeline.furthest = report.code
                        timeline.entries.add(
                            code=report.code,
                            source="recipient",
                            recorded_at=NOW_MS,
                            reason=report.reason,
                        )
        return reply
