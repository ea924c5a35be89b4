"""The public gRPC server as a part of a process, beside the HTTP server.

It listens where REST does, on a port of its own, with the same TLS. gRPC's TLS demands a client
certificate or asks for none, so that those who show one have a further port (ADR 0046). Connections
without a call end after a while, and peers that do not answer a ping.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from starlette.types import ASGIApp

from docaxis_gateway.limits import InFlight
from docaxis_gateway.public_grpc.methods import Methods
from docaxis_gateway.public_grpc.reflection import add_reflection
from docaxis_gateway.public_grpc.routes import SERVICE
from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.grpc_health import HealthServicer
from docaxis_runtime.health import Health

_METADATA_BYTES = 16 * 1024
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_metadata_size", _METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


_log = structlog.get_logger(__name__)


class PublicGrpcServer:
    """Serves the methods of `gateway_v1.proto`, each by a route of the app.

    Raises `ValueError` where it would speak in the clear across a network.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: GatewaySettings,
        health: Health,
        stopping: asyncio.Event | None = None,
    ) -> None:
        """`app` is what the HTTP server serves; `stopping` is set first of all at a stop."""
        settings.require_safe()
        self.name = "public_grpc"
        self.port = 0
        self.certificate_port = 0
        """Where a client certificate is demanded, once started; 0: nowhere."""
        self._settings = settings
        self._health = health
        self._stopping = stopping or asyncio.Event()
        streams = InFlight(settings.max_requests, settings.max_requests_per_system)
        self._methods = Methods(app, settings.grpc_message_bytes, streams, self._stopping.is_set)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Bind and serve; the ports are then the real ones. Raises `OSError` for a taken one."""
        settings = self._settings
        server = grpc.aio.server(
            options=(
                *_OPTIONS,
                # What is a little larger is still read, to be refused in our own words.
                ("grpc.max_receive_message_length", 2 * settings.grpc_message_bytes),
                # Above what a system may have at once: who asks for more is told so.
                ("grpc.max_concurrent_streams", 2 * settings.max_requests_per_system),
            )
        )
        server.add_generic_rpc_handlers((self._methods.handler(),))
        health = _PublicHealth(SERVICE.full_name, self._health)
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        add_reflection(server)
        self.port = self._bind(server, settings.grpc_ports, self._credentials())
        if settings.grpc_certificate_ports:
            credentials = self._credentials(settings.tls_client_authorities)
            ports = settings.grpc_certificate_ports
            self.certificate_port = self._bind(server, ports, credentials)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Take no more calls; those under way have the grace, then they are cancelled."""
        self._stopping.set()
        if self._server is not None:
            await self._server.stop(self._settings.stop_grace_s)
            self._server = None

    def _credentials(self, authorities: Path | None = None) -> grpc.ServerCredentials | None:
        """TLS as the settings have it; with authorities it demands a certificate of theirs."""
        settings = self._settings
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
        if authorities is None:
            return grpc.ssl_server_credentials([pair])
        return grpc.ssl_server_credentials([pair], authorities.read_bytes(), True)

    def _bind(
        self,
        server: grpc.aio.Server,
        ports: Sequence[int],
        credentials: grpc.ServerCredentials | None,
    ) -> int:
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        for port in ports:
            try:
                if credentials is None:
                    return server.add_insecure_port(f"{host}:{port}")
                return server.add_secure_port(f"{host}:{port}", credentials)
            except RuntimeError:
                _log.warning("public_grpc_port_taken", host=host, port=port)
        raise OSError(f"the public gRPC cannot listen at {host}, port {ports[-1]}")


class _PublicHealth(HealthServicer):
    async def Watch(self, request: Any, context: Any) -> None:  # type: ignore[override]
        """Not for the world: anybody could hold streams open without a credential."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask again with Check")
