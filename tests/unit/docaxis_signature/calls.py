"""What tests of the composed signature service tell it and ask of it."""

import asyncio
from hashlib import sha256
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id, new_id, paired_id
from docaxis_eventsourcing.receipt_ids import (
    delivery_id,
)
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import document_partition
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import signature_v1_pb2 as rpc
from tests.unit.docaxis_signature.embedded import (
    PARTITIONS,
)

SENDER, RECIPIENT, STRANGER = (derived_id("organisation", name) for name in "srx")
SYSTEM = derived_id("system", 1)


def document(number: int) -> str:
    key = sha256(f"submission {number}".encode()).digest()
    return paired_id(key, sha256(f"content {number}".encode()).digest())


def brief(document_id: str, *contents: bytes, sender: str = SENDER) -> routing.DocumentBrief:
    return routing.DocumentBrief(
        document_id=document_id,
        sender_organisation_id=sender,
        sender_document_id="G22,2026/11/22,1/CV",
        content_digest="cd" * 32,
        files=[
            routing.FileRef(
                digest=sha256(each).hexdigest(), size=len(each), media_type="application/pdf"
            )
            for each in contents
        ],
    )


def submitted(
    document_id: str, *contents: bytes, sender: str = SENDER
) -> routing.DocumentSubmitted:
    return routing.DocumentSubmitted(
        brief=brief(document_id, *contents, sender=sender), recipients_digest="rd"
    )


def handed_over(organisation_id: str, *document_ids: str) -> routing.DeliveriesHandedOver:
    return routing.DeliveriesHandedOver(
        organisation_id=organisation_id,
        system_id=SYSTEM,
        deliveries=[
            routing.HandOver(
                delivery_id=delivery_id(each, organisation_id),
                document_id=each,
                sender_organisation_id=SENDER,
                content_digest="cd" * 32,
            )
            for each in document_ids
        ],
    )


def place(document_id: str) -> int:
    return document_partition(document_id, PARTITIONS)


async def put(ports: Ports, document_id: str, *contents: bytes) -> None:
    for each in contents:
        await ports.files.put(document_id, sha256(each).hexdigest(), each)


async def stage(ports: Ports, content: bytes) -> str:
    upload_id = new_id()
    upload = await ports.files.stage(SYSTEM, upload_id)
    await upload.write(content)
    await upload.finish()
    return upload_id


async def verdict(service: RunningService, document_id: str) -> rpc.GetVerdictReply:
    async with asyncio.timeout(60):
        while True:
            try:
                found: rpc.GetVerdictReply = await service.servicer.GetVerdict(
                    rpc.GetVerdictRequest(document_id=document_id), None
                )
                return found
            except DocaxisError as error:
                assert error.code == "unknown_document"


async def receipt(service: RunningService, receipt_id: str, *asking: str) -> rpc.Receipt:
    found: rpc.Receipt = await service.servicer.GetReceipt(
        rpc.GetReceiptRequest(receipt_id=receipt_id, for_organisation_ids=asking), None
    )
    return found


async def page(service: RunningService, **asked: Any) -> rpc.ListReceiptsReply:
    asked.setdefault("organisation_ids", [SENDER])
    found: rpc.ListReceiptsReply = await service.servicer.ListReceipts(
        rpc.ListReceiptsRequest(**asked), None
    )
    return found


async def collected(
    service: RunningService, count: int, cursor: str = "", **asked: Any
) -> tuple[list[rpc.Receipt], str]:
    found: list[rpc.Receipt] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            reply = await page(service, cursor=cursor, wait_s=5, **asked)
            found += reply.receipts
            cursor = reply.next
    return found, cursor


def signed_at(ports: Ports) -> int:
    """A moment at which the certificates of this test run are valid."""
    return ports.clock()
