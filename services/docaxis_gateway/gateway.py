"""What the routes work with: the services' clients, the file store, the directory, the settings."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.processor import wall_clock
from docaxis_gateway.credential_secrets import CredentialSecrets
from docaxis_gateway.limits import InFlight, RateLimits
from docaxis_gateway.replays import SeenAssertions
from docaxis_gateway.request_log import RequestLog
from docaxis_gateway.resumable_uploads import ResumableUploads
from docaxis_gateway.seen_systems import SeenSystems
from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.background import Background
from docaxis_runtime.health import Health
from docaxis_runtime.registry_directory import SystemDirectory
from docaxis_trust.access_tokens import AccessTokens

if TYPE_CHECKING:
    from docaxis_proto.notification_v1_pb2_grpc import NotificationAsyncStub
    from docaxis_proto.registry_v1_pb2_grpc import RegistryAsyncStub
    from docaxis_proto.routing_v1_pb2_grpc import RoutingAsyncStub
    from docaxis_proto.signature_v1_pb2_grpc import SignatureAsyncStub
    from docaxis_proto.status_v1_pb2_grpc import StatusServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Services:
    """Clients of `docaxis_runtime.grpc_client`: twins or remote, the gateway cannot tell."""

    registry: "RegistryAsyncStub"
    routing: "RoutingAsyncStub"
    signature: "SignatureAsyncStub"
    status: "StatusServiceAsyncStub"
    notification: "NotificationAsyncStub"


@dataclass(slots=True)
class Gateway:
    """Everything that is handed in, and what one process of the gateway remembers."""

    services: Services
    files: FileStore
    directory: SystemDirectory
    tokens: AccessTokens
    credential_secrets: CredentialSecrets
    store: ReadStore
    """For what the gateway itself remembers across its processes: the request log."""
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    health: Health = field(default_factory=Health)
    background: Background = field(default_factory=Background)
    now_ms: Callable[[], int] = wall_clock
    """Unix milliseconds; the gateway's clock is only ever used for tokens and `server_time`."""
    seen_assertions: SeenAssertions = field(default_factory=SeenAssertions)
    seen_systems: SeenSystems = field(default_factory=SeenSystems)
    seen_nonces: SeenAssertions = field(default_factory=lambda: SeenAssertions(500_000))
    writer: int = 0
    """Which of its replicas this is, as far as they can be told apart."""
    in_flight: InFlight = field(init=False)
    rates: RateLimits = field(init=False)
    request_log: RequestLog = field(init=False)
    uploads: ResumableUploads = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process stops: who waits for news is answered now."""

    def __post_init__(self) -> None:
        self.request_log = RequestLog(
            self.store,
            self.now_ms,
            days=self.settings.request_log_days,
            most_per_system=self.settings.request_log_per_system,
            writer=self.writer,
        )
        self.rates = RateLimits(self.settings.requests_per_s, self.settings.requests_burst)
        self.in_flight = InFlight(self.settings.max_requests, self.settings.max_requests_per_system)
        self.uploads = ResumableUploads(
            self.files, self.settings, lambda: self.now_ms(), self.background
        )


def gateway_of(request: Request) -> Gateway:
    """The gateway that the app was made for."""
    gateway = request.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the app was not made by docaxis_gateway.app.make_app")
    return gateway
