"""The gateway, composed from what is handed in; the same in the standalone and as a process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_gateway.app import make_app
from docaxis_gateway.credential_secrets import CredentialSecrets
from docaxis_gateway.gateway import Gateway, Services
from docaxis_gateway.request_log import RequestLog
from docaxis_gateway.settings import GatewaySettings
from docaxis_proto.notification_v1_pb2_grpc import NotificationStub
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_proto.routing_v1_pb2_grpc import RoutingStub
from docaxis_proto.signature_v1_pb2_grpc import SignatureStub
from docaxis_proto.status_v1_pb2_grpc import StatusServiceStub
from docaxis_runtime.background import Background
from docaxis_runtime.health import Health
from docaxis_runtime.registry_directory import SystemDirectory
from docaxis_trust.access_tokens import AccessTokens

TOKEN_SECRET = "gateway.access-tokens"  # noqa: S105 - the secret's name, not the secret


@dataclass(frozen=True, slots=True)
class ComposedGateway:
    """The app to serve, and the parts that have to run before it is served."""

    app: ASGIApp
    directory: SystemDirectory
    background: Background
    request_log: RequestLog
    stopping: asyncio.Event
    """To be set first of all at a stop (see `HttpServer`)."""


def clients_of(client: Callable[[str, Any], Any]) -> Services:
    """The services' clients: `client` makes one from a service's name and its generated stub."""
    return Services(
        registry=client("registry", RegistryStub),
        routing=client("routing", RoutingStub),
        signature=client("signature", SignatureStub),
        status=client("status", StatusServiceStub),
        notification=client("notification", NotificationStub),
    )


async def compose_gateway(
    clients: Services,
    files: FileStore,
    log: EventLog,
    secrets: Secrets,
    store: ReadStore,
    settings: GatewaySettings,
    health: Health,
    stopping: asyncio.Event | None = None,
    writer: int = 0,
) -> ComposedGateway:
    """Wire the gateway; nothing runs yet.

    All replicas take the same secret for access tokens, so that a token of one is one of all.
    `writer` tells replicas apart that write to the same store. Raises `OSError` where the secret
    cannot be read.
    """
    directory = SystemDirectory(clients.registry, log)
    tokens = AccessTokens(await secrets.read_or_create(TOKEN_SECRET), settings.token_lifetime_s)
    gateway = Gateway(
        clients,
        files,
        directory,
        tokens,
        CredentialSecrets(secrets),
        store,
        settings,
        health,
        stopping=stopping or asyncio.Event(),
        writer=writer,
    )
    return ComposedGateway(
        make_app(gateway), directory, gateway.background, gateway.request_log, gateway.stopping
    )
