"""A gateway on real adapters and a real HTTP server, with little services behind it."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from google.protobuf.message import Message as Protobuf

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_gateway.app import make_app
from docaxis_gateway.credential_secrets import CredentialSecrets
from docaxis_gateway.gateway import Gateway, Services
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_proto import registry_events_v1_pb2, registry_v1_pb2
from docaxis_proto.notification_v1_pb2_grpc import NotificationStub
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_proto.routing_v1_pb2_grpc import RoutingStub
from docaxis_proto.signature_v1_pb2_grpc import SignatureStub
from docaxis_proto.status_v1_pb2_grpc import StatusServiceStub
from docaxis_runtime.grpc_client import twin
from docaxis_runtime.registry_directory import EVENTS_TOPIC, SystemDirectory
from docaxis_trust.access_tokens import AccessTokens
from docaxis_trust.assertions import make_assertion
from docaxis_trust.jwk_set import public_jwk
from tests.unit.docaxis_gateway.fake_notification import FakeNotification
from tests.unit.docaxis_gateway.fake_registry import FakeRegistry, organisation_id
from tests.unit.docaxis_gateway.fake_routing import FakeRouting
from tests.unit.docaxis_gateway.fake_services import FakeSignature, FakeStatus

SECRET = b"s" * 32


@dataclass
class FakeSystem:
    """A connected system with its key."""

    codes: tuple[str, ...]
    system_id: str = field(default_factory=new_id)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def jwk(self) -> dict[str, str]:
        return public_jwk(self.key.public_key())

    @property
    def pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def assertion(self, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "private_key_pem": self.pem,
            "key_id": self.jwk["kid"],
            "system_id": self.system_id,
            "audience": "docaxis",
            "now": int(time.time()),
            "lifetime": 60,
        }
        return make_assertion(**{**arguments, **changes})

    def message(self) -> registry_v1_pb2.System:
        import json

        return registry_v1_pb2.System(
            system_id=self.system_id,
            name="Hệ thống thử",
            connection="direct",
            organisation_ids=[organisation_id(code) for code in self.codes],
            organisation_codes=self.codes,
            credentials=[
                registry_v1_pb2.Credential(
                    credential_id=self.jwk["kid"], public_jwk=json.dumps(self.jwk)
                )
            ],
        )


@dataclass
class World:
    """Everything of one test."""

    base: str
    port: int
    http: aiohttp.ClientSession
    gateway: Gateway
    server: HttpServer
    log: SqliteEventLog
    files: LocalFileStore
    folder: Path
    registry: FakeRegistry
    routing: FakeRouting
    status: FakeStatus
    sender: FakeSystem
    receiver: FakeSystem
    sequence: int = 0

    async def tell(self, event: Protobuf) -> None:
        """Append a registry event."""
        self.sequence += 1
        envelope = Envelope(
            id=new_id(),
            type=event.DESCRIPTOR.full_name,
            source="docaxis/registry",
            sequence=self.sequence,
        )
        data = event.SerializeToString()
        await self.log.append([Outgoing(EVENTS_TOPIC, 0, Message(envelope, data))])

    async def lock(self, system: FakeSystem) -> None:
        await self.tell(
            registry_events_v1_pb2.SystemLocked(system_id=system.system_id, locked=True)
        )
        await self.gateway.directory.wait_for_version(self.sequence)

    def bearer(self, system: FakeSystem) -> dict[str, str]:
        token, _ = self.gateway.tokens.issue(system.system_id, system.jwk["kid"], int(time.time()))
        return {"Authorization": f"Bearer {token}"}

    async def call(
        self,
        method: str,
        path: str,
        system: FakeSystem | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> tuple[int, Any, Any]:
        """Status, body (JSON where it is JSON) and headers."""
        sent = {**(self.bearer(system or self.sender)), **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        async with self.http.request(method, self.base + path, headers=sent, **options) as answer:
            body: Any = await answer.read()
            if "json" in answer.content_type:
                body = await answer.json(content_type=None)
            return answer.status, body, answer.headers

    def staged(self) -> list[str]:
        """Names in the staging area."""
        staging = self.folder / "staging"
        return sorted(each.name for each in staging.rglob("*") if each.is_file())


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(port=0, stop_grace_s=1)


@pytest.fixture
async def world(tmp_path: Path, settings: GatewaySettings) -> AsyncIterator[World]:
    log = await SqliteEventLog.open(tmp_path / "log", 1)
    await log.declare([EVENTS_TOPIC])
    files = await LocalFileStore.open(tmp_path / "files")
    registry = FakeRegistry()
    registry.add("G22", "Văn phòng Chính phủ", ["000.00.00.G22"])
    registry.add("H01", "Tỉnh An Giang")
    registry.add("H29", "Thành phố Hồ Chí Minh")
    sender, receiver = FakeSystem(("G22",)), FakeSystem(("H01", "H29"))
    registry.systems = [sender.message(), receiver.message()]
    routing = FakeRouting(registry, files)
    status = FakeStatus(routing)
    services = Services(
        twin(registry, RegistryStub),
        twin(routing, RoutingStub),
        twin(FakeSignature(routing, files), SignatureStub),
        twin(status, StatusServiceStub),
        twin(FakeNotification(), NotificationStub),
    )
    directory = SystemDirectory(services.registry, log)
    await directory.start()
    store = await SqliteReadStore.open(tmp_path / "store.db")
    secrets = FileSecrets(tmp_path / "secrets")
    gateway = Gateway(
        services, files, directory, AccessTokens(SECRET, 600),
        CredentialSecrets(secrets), store, replace(settings),
    )  # fmt: skip
    gateway.health.part("test").ready()
    server = HttpServer(make_app(gateway), settings)
    await server.start()
    await gateway.request_log.start()
    base = f"http://127.0.0.1:{server.port}/api/v1"
    async with aiohttp.ClientSession() as http:
        yield World(
            base, server.port, http, gateway, server, log, files, tmp_path / "files",
            registry, routing, status, sender, receiver,
        )  # fmt: skip
    await server.stop()
    await gateway.request_log.stop()
    await store.close()
    await gateway.background.stop()
    await directory.stop()
    await files.close()
    await log.close()


@pytest.fixture
def document() -> dict[str, Any]:
    """A valid document with one file that comes as a part."""
    return {
        "sender": "G22",
        "recipients": ["H29", "H01"],
        "id": "G22,2026/11/22,123/VPCP-KSTT",
        "business_type": "new",
        "number": "123",
        "notation": "VPCP-KSTT",
        "place": "Hà Nội",
        "promulgated_on": "2026-11-22",
        "type": {"group": 2, "code": 0, "name": "Công văn"},
        "subject": "Về việc triển khai gửi, nhận văn bản điện tử",
        "signer": {"competence": "TM.", "position": "Chủ nhiệm", "full_name": "Mai Tiến Dũng"},
        "files": [{"name": "123.pdf", "media_type": "application/pdf", "part": "file0"}],
    }


def form(document: Any, *parts: tuple[str, bytes]) -> aiohttp.MultipartWriter:
    """A multipart body: the document first, then the parts."""
    import json

    return raw_form(("document", json.dumps(document).encode()), *parts)


def raw_form(*parts: tuple[str, bytes]) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    for name, content in parts:
        part = writer.append(content, {"Content-Type": "application/octet-stream"})
        part.set_content_disposition("form-data", name=name, filename=name)
    return writer
