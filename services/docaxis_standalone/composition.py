"""Wires all services, the gateway and the embedded adapters into one process.

The one place that knows the form: services see ports, the gateway sees clients. Inside the process
the gateway reaches each service through a twin (a direct call of the servicer); the same servicers
also listen for gRPC on a unix socket of the data folder.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_gateway.composition import clients_of, compose_gateway
from docaxis_gateway.gateway import Services
from docaxis_gateway.public_grpc.door import PublicGrpcServer
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_notification import service as notification
from docaxis_notification.settings import NotificationSettings
from docaxis_proto import (
    notification_v1_pb2_grpc,
    registry_v1_pb2_grpc,
    routing_v1_pb2_grpc,
    signature_v1_pb2_grpc,
    status_v1_pb2_grpc,
)
from docaxis_registry import service as registry
from docaxis_registry.settings import RegistrySettings
from docaxis_routing import service as routing
from docaxis_routing.settings import RoutingSettings
from docaxis_runtime.grpc_client import twin
from docaxis_runtime.grpc_server import GrpcServer, Registration
from docaxis_runtime.health import Health
from docaxis_runtime.interpreter import keep_what_was_made
from docaxis_runtime.kernel_part import KernelPart
from docaxis_runtime.lifecycle import Group, Lifecycle
from docaxis_runtime.lifecycle import Part as LifecyclePart
from docaxis_runtime.settings import load_settings
from docaxis_runtime.telemetry_running import telemetry_running
from docaxis_signature import service as signature
from docaxis_signature.settings import SignatureSettings
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.embedded_ports import embedded_ports
from docaxis_standalone.settings import StandaloneSettings
from docaxis_status import service as status
from docaxis_status.settings import StatusSettings

_log = structlog.get_logger(__name__)

_LONGEST_SOCKET_PATH = 100
"""Linux takes 107 bytes; gRPC adds a suffix while it binds."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A composed standalone: what it serves and where."""

    folder: DataFolder
    ports: Ports
    services: Mapping[str, RunningService]
    clients: Services
    server: HttpServer
    public_grpc: PublicGrpcServer
    host: str
    lifecycle: Lifecycle

    @property
    def url(self) -> str:
        """Address of the REST interface, once started."""
        return f"http://{self._host}:{self.server.port}"

    @property
    def grpc_address(self) -> str:
        """`host:port` of the public gRPC, once started."""
        return f"{self._host}:{self.public_grpc.port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


AfterStart = Callable[[Axis], Awaitable[None]]


def compose_services(ports: Ports, folder: DataFolder) -> dict[str, RunningService]:
    """All services on the same ports, by name; nothing runs yet."""
    signatures = load_settings(SignatureSettings)
    signatures = replace(
        signatures,
        trust_anchors_folder=signatures.trust_anchors_folder or folder.anchors,
        crl_folder=signatures.crl_folder or folder.crls,
    )
    composed = (
        registry.compose(ports, load_settings(RegistrySettings)),
        routing.compose(ports, load_settings(RoutingSettings)),
        signature.compose(ports, signatures),
        status.compose(ports, load_settings(StatusSettings)),
        notification.compose(ports, load_settings(NotificationSettings)),
    )
    return {each.name: each for each in composed}


def twins(services: Mapping[str, RunningService]) -> Services:
    """Clients that call the servicers in this process."""
    return clients_of(lambda name, stub: twin(services[name].servicer, stub))


@asynccontextmanager
async def composed_axis(
    data: Path,
    *,
    http_port: int | None = None,
    host: str | None = None,
    after_start: AfterStart | None = None,
    keep_traces: bool = False,
) -> AsyncIterator[Axis]:
    """Everything wired on a data folder, not yet started; the adapters close at the end.

    With `keep_traces` the last of them are kept in the folder, for `docaxis trace`.

    Raises `FolderInUse` where another process has the folder, `SettingsInvalid`, `ValueError`.
    """
    folder = DataFolder(data)
    settings = load_settings(StandaloneSettings)
    gateway_settings = load_settings(GatewaySettings)
    gateway_settings = replace(
        gateway_settings,
        host=gateway_settings.host if host is None else host,
        port=gateway_settings.port if http_port is None else http_port,
    )
    keep_traces = keep_traces or settings.keep_traces
    async with _watched_ports(folder, settings, keep_traces) as ports:
        services = compose_services(ports, folder)
        for service in services.values():
            await service.declare_topics(ports.log)
        health = Health()
        clients = twins(services)
        composed = await compose_gateway(
            clients, ports.files, ports.log, ports.secrets, ports.store, gateway_settings, health
        )
        server = HttpServer(composed.app, gateway_settings, composed.stopping)
        public_grpc = PublicGrpcServer(composed.app, gateway_settings, health, composed.stopping)
        parts: list[LifecyclePart | Group] = [
            KernelPart(part, health) for service in services.values() for part in service.parts
        ]
        parts += [
            *_grpc(services, folder),
            composed.directory,
            composed.background,
            composed.request_log,
            (server, public_grpc),
        ]
        axis = Axis(
            folder,
            ports,
            services,
            clients,
            server,
            public_grpc,
            gateway_settings.host,
            Lifecycle(parts, health=health),
        )
        if after_start is not None:
            parts.append(_AfterStart(after_start, axis))
            axis = replace(axis, lifecycle=Lifecycle(parts, health=health))
        yield axis


@asynccontextmanager
async def _watched_ports(
    folder: DataFolder, settings: StandaloneSettings, keep_traces: bool
) -> AsyncIterator[Ports]:
    """The embedded ports, and telemetry around them where it is asked for."""
    folder.make()
    kept = folder.traces if keep_traces else None
    with telemetry_running("standalone", settings, {}, kept=kept):
        async with embedded_ports(folder, settings) as ports:
            yield ports


@asynccontextmanager
async def running_axis(
    data: Path, *, http_port: int = 0, host: str = "127.0.0.1", keep_traces: bool = False
) -> AsyncIterator[Axis]:
    """A composed axis, started; stopped at the end. For tests and the demonstration."""
    composed = composed_axis(data, http_port=http_port, host=host, keep_traces=keep_traces)
    async with composed as axis:
        await axis.lifecycle.start()
        try:
            yield axis
        finally:
            await axis.lifecycle.stop()


def _grpc(services: Mapping[str, RunningService], folder: DataFolder) -> list[LifecyclePart]:
    """The services' gRPC servers on one unix socket; none where the folder's path is too long."""
    if len(str(folder.socket)) > _LONGEST_SOCKET_PATH:
        _log.warning("no_grpc_socket", path=str(folder.socket), longest=_LONGEST_SOCKET_PATH)
        return []
    folder.socket.unlink(
        missing_ok=True
    )  # left by a process that was killed; the log's lock is ours
    registrations: list[Registration] = [
        (
            registry_v1_pb2_grpc.add_RegistryServicer_to_server,
            services["registry"].servicer,
        ),
        (routing_v1_pb2_grpc.add_RoutingServicer_to_server, services["routing"].servicer),
        (
            signature_v1_pb2_grpc.add_SignatureServicer_to_server,
            services["signature"].servicer,
        ),
        (
            status_v1_pb2_grpc.add_StatusServiceServicer_to_server,
            services["status"].servicer,
        ),
        (
            notification_v1_pb2_grpc.add_NotificationServicer_to_server,
            services["notification"].servicer,
        ),
    ]
    return [GrpcServer("grpc", f"unix:{folder.socket}", registrations)]


class _AfterStart:
    """Runs a caller's task once all else serves; its end stops nothing."""

    name = "after_start"

    def __init__(self, run: AfterStart, axis: Axis) -> None:
        self._run = run
        self._axis = axis
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._call())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _call(self) -> None:
        keep_what_was_made()
        await self._run(self._axis)
