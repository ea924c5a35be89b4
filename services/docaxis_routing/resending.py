"""The front door of sending again: who sent a delivery is looked up, then its recipient decides."""

import asyncio
from dataclasses import dataclass

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.messages import ResendAnswer, ResendDelivery
from docaxis_routing.queries import Queries
from docaxis_routing.views import DeliveryRow


@dataclass(frozen=True, slots=True)
class ResendDoor:
    """Takes wishes to send again in, one replica's."""

    door: FrontDoor
    queries: Queries
    partitions: int

    async def resend(self, request: pb.ResendDeliveryRequest) -> pb.ResendDeliveryReply:
        """Raises `DocaxisError`: `unknown_delivery`, or why it is not sent again."""
        row = await self._sent_by(request)
        sender = row.brief.sender_organisation_id
        outcome = await self.door.ask_decided(
            ResendDelivery(row.delivery_id, row.organisation_id, sender, request.system_id),
            command_id=derived_id("resend", request.idempotency_key, row.delivery_id),
            partition=organisation_partition(row.organisation_id, self.partitions),
            actor=request.system_id,
        )
        answer: ResendAnswer = answer_of(outcome, CODEC)
        return pb.ResendDeliveryReply(delivery_id=answer.delivery_id, state=answer.state)

    async def _sent_by(self, request: pb.ResendDeliveryRequest) -> DeliveryRow:
        """The delivery, where one of the asker's organisations sent it."""
        row = await self.queries.delivery(request.delivery_id)
        if row is None:  # L28; its recipient, and so its partition, is not known
            everywhere = range(self.partitions)
            await asyncio.gather(*(self.queries.documents.pass_end(each) for each in everywhere))
            row = await self.queries.delivery(request.delivery_id)
        if row is None or row.brief.sender_organisation_id not in request.organisation_ids:
            raise DocaxisError("unknown_delivery")
        return row
