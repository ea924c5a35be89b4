"""Routing's RPCs: protobuf <-> commands and queries, nothing else. Raises `DocaxisError`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from docaxis_proto import routing_v1_pb2 as pb
from docaxis_proto.routing_v1_pb2_grpc import RoutingServicer as Generated
from docaxis_routing.acknowledgement import AcknowledgementDoor
from docaxis_routing.inbox import Inbox
from docaxis_routing.queries import Queries
from docaxis_routing.resending import ResendDoor
from docaxis_routing.submission import SubmissionDoor


class RoutingServicer(Generated):
    """The service's face, over gRPC or in process."""

    def __init__(
        self,
        submissions: SubmissionDoor,
        acknowledgements: AcknowledgementDoor,
        resends: ResendDoor,
        queries: Queries,
        inbox: Inbox,
    ) -> None:
        self._submissions = submissions
        self._acknowledgements = acknowledgements
        self._resends = resends
        self._queries = queries
        self._inbox = inbox

    async def SubmitDocument(
        self, request: pb.SubmitDocumentRequest, context: Any
    ) -> pb.SubmitDocumentReply:
        """Durable, then decided, then answered."""
        return await self._submissions.submit(request)

    async def CheckDocument(
        self, request: pb.SubmitDocumentRequest, context: Any
    ) -> pb.CheckDocumentReply:
        """What a submit would be answered."""
        return await self._submissions.check(request)

    async def GetDocument(self, request: pb.GetDocumentRequest, context: Any) -> pb.Document:
        """One document, for those who may see it."""
        return await self._queries.document(request.document_id, request.for_organisation_ids)

    async def FindDocuments(
        self, request: pb.FindDocumentsRequest, context: Any
    ) -> pb.FindDocumentsReply:
        """By the sender's own id."""
        found = await self._queries.find(request.sender_organisation_id, request.sender_document_id)
        return pb.FindDocumentsReply(document_ids=found)

    async def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: Any
    ) -> pb.ListDeliveriesReply:
        """A document's deliveries, in pages."""
        return await self._queries.deliveries(
            request.document_id, request.for_organisation_ids, request.limit, request.cursor
        )

    async def ListRefused(
        self, request: pb.ListRefusedRequest, context: Any
    ) -> pb.ListRefusedReply:
        """A document's refused recipients, in pages."""
        return await self._queries.refused(
            request.document_id, request.for_organisation_ids, request.limit, request.cursor
        )

    async def FindDeliveries(
        self, request: pb.FindDeliveriesRequest, context: Any
    ) -> pb.FindDeliveriesReply:
        """What stands in a state now."""
        return await self._queries.in_state(request)

    async def ResendDelivery(
        self, request: pb.ResendDeliveryRequest, context: Any
    ) -> pb.ResendDeliveryReply:
        """Send an expired delivery again."""
        return await self._resends.resend(request)

    async def GetInbox(self, request: pb.GetInboxRequest, context: Any) -> pb.GetInboxReply:
        """What is open, or what is new behind a cursor."""
        return await self._inbox.page(request)

    async def WatchInbox(
        self, request: pb.GetInboxRequest, context: Any
    ) -> AsyncIterator[pb.GetInboxReply]:
        """What is open, then what comes."""
        async with aclosing(self._inbox.watch(request)) as pages:
            async for page in pages:
                yield page

    async def AcknowledgeDeliveries(
        self, request: pb.AcknowledgeDeliveriesRequest, context: Any
    ) -> pb.AcknowledgeDeliveriesReply:
        """The hand-over."""
        return await self._acknowledgements.acknowledge(request)

    async def LocateFile(self, request: pb.LocateFileRequest, context: Any) -> pb.LocateFileReply:
        """What a file is, for those who may read it."""
        return await self._queries.file(
            request.document_id, request.digest, request.for_organisation_ids
        )
