"""Little services in memory that keep to the protos' promises; no log, no views."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_proto import (
    notification_v1_pb2 as notification,
)
from docaxis_proto import (
    registry_events_v1_pb2 as registry_events,
)
from docaxis_proto import (
    registry_v1_pb2 as registry,
)
from docaxis_proto import (
    routing_events_v1_pb2 as events,
)
from docaxis_proto import (
    routing_v1_pb2 as routing,
)
from docaxis_proto import (
    signature_events_v1_pb2 as verdicts,
)
from docaxis_proto import (
    signature_v1_pb2 as signature,
)
from docaxis_proto import (
    status_v1_pb2 as status,
)
from docaxis_proto.notification_v1_pb2_grpc import NotificationServicer
from docaxis_proto.routing_v1_pb2_grpc import RoutingServicer
from docaxis_proto.signature_v1_pb2_grpc import SignatureServicer
from docaxis_proto.status_v1_pb2_grpc import StatusServiceServicer

NOW_MS = 1_795_000_000_123


def organisation_id(code: str) -> str:
    return derived_id("organisation", code)


class FakeRegistry:
    """Organisations by code; systems as the test set them up. Only what a gateway asks."""

    def __init__(self) -> None:
        self.organisations: dict[str, registry.Organisation] = {}
        self.seen: list[str] = []
        self.systems: list[registry.System] = []
        self.version = 0
        self.place = 0

    def add(self, code: str, name: str, aliases: Iterable[str] = ()) -> None:
        self.organisations[code] = registry.Organisation(
            organisation_id=organisation_id(code),
            code=code,
            name=name,
            level=1,
            aliases=[registry_events.Alias(code=each, valid_from="2019-01-01") for each in aliases],
        )

    async def SnapshotSystems(self, request: Any, context: Any) -> registry.SnapshotSystemsReply:
        return registry.SnapshotSystemsReply(
            systems=self.systems, version=self.version, place=self.place
        )

    async def ResolveCodes(self, request: Any, context: Any) -> registry.ResolveCodesReply:
        found = []
        for asked in (*request.codes, *request.organisation_ids):
            organisation = self.find(asked)
            suggestions = [] if organisation else sorted(self.organisations)[:1]
            found.append(
                registry.Resolution(asked=asked, organisation=organisation, suggestions=suggestions)
            )
        return registry.ResolveCodesReply(resolutions=found)

    async def NoteSystemsSeen(self, request: Any, context: Any) -> registry.ChangeReply:
        self.seen.extend(request.system_ids)
        return registry.ChangeReply()

    async def ListRecipientGroups(self, request: Any, context: Any) -> Any:
        return registry.ListRecipientGroupsReply()

    async def ChangedOrganisations(self, request: Any, context: Any) -> Any:
        return registry.ChangedOrganisationsReply()

    async def SetRecipientGroup(self, request: Any, context: Any) -> Any:
        raise DocaxisError("recipient_group_unknown")

    RemoveRecipientGroup = SetRecipientGroup

    async def ListOrganisations(self, request: Any, context: Any) -> Any:
        if request.cursor not in ("", "2"):
            raise DocaxisError("cursor_invalid")
        matching = [
            each
            for each in self.organisations.values()
            if request.query.casefold() in each.name.casefold()
        ]
        start = int(request.cursor or 0)
        page = matching[start : start + request.limit]
        more = len(matching) > start + request.limit
        return registry.ListOrganisationsReply(organisations=page, next="2" if more else "")

    def find(self, asked: str) -> registry.Organisation | None:
        for each in self.organisations.values():
            if asked in (each.code, each.organisation_id, *(one.code for one in each.aliases)):
                return each
        return None


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


class FakeNotification(NotificationServicer):
    """Subscriptions of each system."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, notification.Subscription]] = {}
        self.replayed: list[notification.ReplayNotificationsRequest] = []
        self.watched: list[notification.WatchEventsRequest] = []
        self.pages: list[list[notification.EventsPage | Exception]] = []
        """What each call of the stream answers before it is silent."""

    async def Subscribe(self, request: Any, context: Any) -> notification.SubscribeReply:
        subscription_id = derived_id(request.system_id, request.idempotency_key)
        made = notification.Subscription(
            subscription_id=subscription_id,
            url=request.url,
            organisation_ids=request.organisation_ids,
            event_types=request.event_types,
            active=True,
        )
        self.kept[subscription_id] = (request.system_id, made)
        return notification.SubscribeReply(
            subscription_id=subscription_id, secret="whsec_" + "a" * 32
        )

    async def GetSubscription(self, request: Any, context: Any) -> Any:
        return notification.GetSubscriptionReply(subscription=self._mine(request))

    async def ChangeSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        changed = notification.Subscription(
            subscription_id=request.subscription_id,
            url=request.url,
            organisation_ids=request.organisation_ids,
            event_types=request.event_types,
            document_types=request.document_types,
            paused=request.paused,
            active=True,
        )
        self.kept[request.subscription_id] = (request.system_id, changed)
        return notification.ChangeSubscriptionReply(subscription=changed)

    async def RotateSecret(self, request: Any, context: Any) -> Any:
        self._mine(request)
        until = NOW_MS + request.overlap_s * 1000
        return notification.RotateSecretReply(
            secret="whsec_" + "b" * 32, previous_secret_until=until
        )

    async def TestSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        return notification.TestSubscriptionReply(
            notification_id=derived_id("t"), failure="http_500", http_status=500, milliseconds=7
        )

    async def ReplayNotifications(self, request: Any, context: Any) -> Any:
        self._mine(request)
        self.replayed.append(request)
        return notification.ReplayNotificationsReply()

    async def WatchEvents(
        self, request: Any, context: Any
    ) -> AsyncIterator[notification.EventsPage]:
        self.watched.append(request)
        for page in self.pages.pop(0) if self.pages else ():
            if isinstance(page, Exception):
                raise page
            yield page
        await asyncio.Event().wait()

    async def EndSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        del self.kept[request.subscription_id]
        return notification.EndSubscriptionReply()

    async def ListSubscriptions(self, request: Any, context: Any) -> Any:
        mine = [each for owner, each in self.kept.values() if owner == request.system_id]
        return notification.ListSubscriptionsReply(subscriptions=mine)

    async def ListNotifications(self, request: Any, context: Any) -> Any:
        self._mine(request)
        state = notification.NotificationState(
            notification_id=derived_id("n"), event_type="delivery.ready", state="queued"
        )
        return notification.ListNotificationsReply(notifications=[state])

    def _mine(self, request: Any) -> notification.Subscription:
        owner, found = self.kept.get(request.subscription_id, ("", notification.Subscription()))
        if owner != request.system_id:
            raise DocaxisError("unknown_subscription")
        return found
