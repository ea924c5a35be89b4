"""The front door of acknowledgements: one command for each organisation of the list."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.receipt_ids import handed_over_receipt_id
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.messages import AcknowledgeAnswer, AcknowledgeDeliveries
from docaxis_routing.queries import Queries
from docaxis_routing.views import DeliveryRow
from docaxis_runtime.telemetry import Duration, link_to, took

MOST_DELIVERIES = 500
_TAKEN = ("handed_over", "already_handed_over")


@dataclass(frozen=True, slots=True)
class AcknowledgementDoor:
    """Takes acknowledgements in, one replica's."""

    door: FrontDoor
    queries: Queries
    partitions: int
    clock: Callable[[], int]
    """Unix ms."""

    async def acknowledge(
        self, request: pb.AcknowledgeDeliveriesRequest
    ) -> pb.AcknowledgeDeliveriesReply:
        """Every delivery of the list is answered, in its order; none is held up by another."""
        wanted = list(dict.fromkeys(request.delivery_ids))
        if len(wanted) > MOST_DELIVERIES:
            params = {"field": "deliveries", "limit": str(MOST_DELIVERIES)}
            raise DocaxisError("too_many_items", params)
        found = await self._find(wanted, request.organisation_ids)
        by_organisation: dict[str, list[str]] = defaultdict(list)
        for each in wanted:
            if each in found:
                by_organisation[found[each].organisation_id].append(each)
                link_to(found[each].traceparent)
        answers = await asyncio.gather(
            *(
                self._ask(request, organisation_id, each)
                for organisation_id, each in sorted(by_organisation.items())
            )
        )
        results = {each.delivery_id: each.result for answer in answers for each in answer.results}
        self._measure(found, results)
        return pb.AcknowledgeDeliveriesReply(
            results=[
                pb.AcknowledgeDeliveriesReply.Result(
                    delivery_id=each,
                    result=(result := results.get(each, "unknown_delivery")),
                    receipt_id=handed_over_receipt_id(each) if result in _TAKEN else "",
                )
                for each in wanted
            ]
        )

    async def _find(
        self, delivery_ids: Sequence[str], askers: Sequence[str]
    ) -> Mapping[str, DeliveryRow]:
        found = await self.queries.deliveries_to(delivery_ids, askers)
        if len(found) < len(delivery_ids):  # L28: not there, or not projected yet?
            partitions = {organisation_partition(each, self.partitions) for each in askers}
            await asyncio.gather(
                *(self.queries.documents.pass_end(partition) for partition in partitions)
            )
            found = await self.queries.deliveries_to(delivery_ids, askers)
        return found

    def _measure(self, found: Mapping[str, DeliveryRow], results: Mapping[str, str]) -> None:
        """From ready to now, of each that was handed over by this."""
        now = self.clock()
        for delivery_id, result in results.items():
            if result == "handed_over" and (row := found.get(delivery_id)) and row.ready_at:
                took(Duration.HAND_OVER, max(now - row.ready_at, 0) / 1000)

    async def _ask(
        self, request: pb.AcknowledgeDeliveriesRequest, organisation_id: str, ids: list[str]
    ) -> AcknowledgeAnswer:
        outcome = await self.door.ask_decided(
            AcknowledgeDeliveries(organisation_id, request.system_id, tuple(ids)),
            command_id=derived_id(
                "acknowledge", request.idempotency_key, organisation_id, *sorted(ids)
            ),
            partition=organisation_partition(organisation_id, self.partitions),
            actor=request.system_id,
        )
        answer: AcknowledgeAnswer = answer_of(outcome, CODEC)
        return answer
