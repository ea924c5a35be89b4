"""Routing at work on the embedded adapters, beside a real registry, for tests of its service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import document_partition
from docaxis_proto import registry_events_v1_pb2 as registry_pb
from docaxis_proto import registry_v1_pb2 as registry_rpc
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_proto.signature_events_v1_pb2 import DocumentVerified
from docaxis_registry import service as registry
from docaxis_registry.settings import RegistrySettings
from docaxis_routing import service as routing
from docaxis_routing.grpc_servicer import RoutingServicer
from docaxis_routing.settings import RoutingSettings
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.embedded_ports import embedded_ports
from docaxis_standalone.settings import StandaloneSettings
from tests.embedded import at_work

CONTEXT: Any = None
SIGNATURE_EVENTS = "docaxis.signature.events"


@dataclass(frozen=True, slots=True)
class Running:
    """Routing and the registry at work, with one system that serves two of three agencies."""

    ports: Ports
    rpc: RoutingServicer
    registry: Any
    system_id: str
    organisations: dict[str, str]
    service: RunningService

    async def upload(self, content: bytes) -> str:
        upload_id = new_id()
        staged = await self.ports.files.stage(self.system_id, upload_id)
        await staged.write(content)
        await staged.finish()
        return upload_id

    async def request(self, *codes: str, **changes: Any) -> pb.SubmitDocumentRequest:
        content = changes.pop("content_bytes", b"%PDF-1.7 sample")
        fields: dict[str, Any] = {
            "system_id": self.system_id,
            "sender_code": "G22",
            "recipient_codes": codes,
            "sender_document_id": "G22,2026/11/22,12/VPCP-KSTT",
            "business_type": "new",
            "number": "12",
            "notation": "VPCP-KSTT",
            "place": "Hà Nội",
            "promulgated_on": "2026-11-22",
            "type_group": 2,
            "type_name": "Công văn",
            "subject": "Về việc tiếp nhận văn bản điện tử",
            "signer": pb.Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
            "files": [
                pb.UploadedFile(
                    upload_id=await self.upload(content),
                    name="Công văn.pdf",
                    media_type="application/pdf",
                )
            ],
            "served_organisation_ids": list(self.organisations.values()),
        }
        return pb.SubmitDocumentRequest(**{**fields, **changes})

    async def submit(self, *codes: str, **changes: Any) -> pb.SubmitDocumentReply:
        return await self.rpc.SubmitDocument(await self.request(*codes, **changes), CONTEXT)

    async def inbox(self, *codes: str, cursor: str = "", wait_s: float = 5.0) -> pb.GetInboxReply:
        request = pb.GetInboxRequest(
            organisation_ids=[self.organisations[code] for code in codes],
            cursor=cursor,
            wait_s=wait_s,
        )
        return await self.rpc.GetInbox(request, CONTEXT)

    async def verified(self, document_id: str, status: str, code: str) -> None:
        """What the signature service would say."""
        event = DocumentVerified(document_id=document_id, status=status, code=code)
        envelope = Envelope(
            id=new_id(), type=event.DESCRIPTOR.full_name, source="docaxis/signature", sequence=1
        )
        partition = document_partition(document_id, self.ports.log.partitions)
        message = Message(envelope, event.SerializeToString())
        await self.ports.log.append([Outgoing(SIGNATURE_EVENTS, partition, message)])


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(tmp_path, RoutingSettings()) as axis:
        yield axis


@asynccontextmanager
async def running_in(
    folder: Path,
    settings: RoutingSettings,
    *,
    organisations: dict[str, str] | None = None,
    system_id: str = "",
) -> AsyncIterator[Running]:
    """Both at work in a folder; what is registered there already is told."""
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(
            embedded_ports(DataFolder(folder), StandaloneSettings(partitions=4))
        )
        of_registry = registry.compose(ports, RegistrySettings())
        of_routing = routing.compose(ports, settings)
        await stack.enter_async_context(
            at_work(ports, of_registry, of_routing, topics=[SIGNATURE_EVENTS])
        )
        if organisations is None:
            organisations, system_id = await _registered(of_registry.servicer)
        yield Running(
            ports, of_routing.servicer, of_registry.servicer, system_id, organisations, of_routing
        )


async def _registered(catalogue: Any) -> tuple[dict[str, str], str]:
    entries = [
        registry_pb.OrganisationEntry(code=code, name=code, level=1, kind="sample")
        for code in ("G22", "H26", "H27")
    ]
    told = await catalogue.RegisterOrganisations(
        registry_rpc.RegisterOrganisationsRequest(entries=entries, actor="test"), CONTEXT
    )
    organisations = {each.code: each.organisation_id for each in told.results}
    system = await catalogue.RegisterSystem(
        registry_rpc.RegisterSystemRequest(
            name="Mẫu",
            connection="direct",
            organisation_ids=list(organisations.values()),
            actor="test",
        ),
        CONTEXT,
    )
    return organisations, system.system_id
