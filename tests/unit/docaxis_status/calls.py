"""What tests of the composed status service tell it and ask of it."""

import asyncio

from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_eventsourcing.running_service import RunningService
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_v1_pb2 as rpc
from tests.unit.docaxis_signature.embedded import (
    PARTITIONS,
)
from tests.unit.docaxis_status.samples import DOCUMENT, RECIPIENT, SENDER, SYSTEM


def made(document_id: str, *organisation_ids: str, state: str = "ready") -> routing.DeliveriesMade:
    return routing.DeliveriesMade(
        brief=routing.DocumentBrief(document_id=document_id, sender_organisation_id=SENDER),
        deliveries=[
            routing.DeliveryMade(
                delivery_id=delivery_id(document_id, each),
                organisation_id=each,
                state=state,
                code="H29",
            )
            for each in organisation_ids
        ],
    )


def handed_over(document_id: str, organisation_id: str) -> routing.DeliveriesHandedOver:
    return routing.DeliveriesHandedOver(
        organisation_id=organisation_id,
        system_id=SYSTEM,
        deliveries=[
            routing.HandOver(
                delivery_id=delivery_id(document_id, organisation_id),
                document_id=document_id,
                sender_organisation_id=SENDER,
            )
        ],
    )


def place(organisation_id: str) -> int:
    return organisation_partition(organisation_id, PARTITIONS)


def request(
    *reports: tuple[str, str, str],
    organisation_id: str = RECIPIENT,
    key: str = "",
    document: str = "",
) -> rpc.ReportStatusesRequest:
    return rpc.ReportStatusesRequest(
        system_id=SYSTEM,
        organisation_id=organisation_id,
        idempotency_key=key or new_id(),
        reports=[
            rpc.StatusReport(delivery_id=each, code=code, reason=reason, document_id=document)
            for each, code, reason in reports
        ],
    )


async def results(service: RunningService, asked: rpc.ReportStatusesRequest) -> list[str]:
    reply = await service.servicer.ReportStatuses(asked, None)
    assert [(each.delivery_id, each.code) for each in reply.results] == [
        (each.delivery_id, each.code) for each in asked.reports
    ]
    return [each.result for each in reply.results]


async def timelines(
    service: RunningService, document_id: str = DOCUMENT, *organisation_ids: str
) -> list[rpc.Timeline]:
    asking = organisation_ids or (SENDER,)
    asked = rpc.GetTimelineRequest(document_id=document_id, for_organisation_ids=asking, limit=250)
    found: list[rpc.Timeline] = []
    while True:
        page = await service.servicer.GetTimeline(asked, None)
        found += page.timelines
        if not page.next:
            return found
        assert len(page.timelines) == asked.limit
        asked.cursor = page.next


async def opened(service: RunningService, count: int, document_id: str = DOCUMENT) -> None:
    async with asyncio.timeout(10):
        while True:
            if len(await timelines(service, document_id)) >= count:
                return
            await asyncio.sleep(0.01)


async def with_entries(
    service: RunningService, count: int, document_id: str = DOCUMENT
) -> rpc.Timeline:
    async with asyncio.timeout(10):
        while True:
            for found in await timelines(service, document_id):
                if len(found.entries) >= count:
                    return found
            await asyncio.sleep(0.01)
