"""A gRPC server made from servicers: errors mapped, deadlines kept, the call's context carried.

It listens on a unix socket (mode 0600) or on `host:port`; on anything but a loopback address only
with mutual TLS. Connections end after a while, between calls, so that clients look up their names
again and find replicas that were added.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime.call_context import from_metadata
from docaxis_runtime.grpc_calls import (
    DEFAULT_TIMEOUT_S,
    LONGEST_TIMEOUT_S,
    Behaviour,
    run_call,
)
from docaxis_runtime.grpc_errors import METADATA_LIMIT, to_status
from docaxis_runtime.grpc_streams import guarded_stream
from docaxis_runtime.tls import TlsFiles, is_unix, require_safe

MESSAGE_LIMIT = 8 * 1024 * 1024
"""Bytes of one message; files never travel in messages."""

METADATA_OPTIONS = (
    ("grpc.max_metadata_size", METADATA_LIMIT),
    ("grpc.absolute_max_metadata_size", METADATA_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
)

_SERVER_OPTIONS = (
    *METADATA_OPTIONS,
    ("grpc.so_reuseport", 0),
    ("grpc.max_connection_age_ms", 120_000),
    ("grpc.max_connection_age_grace_ms", int(LONGEST_TIMEOUT_S * 1000) + 5_000),
    # Clients ask every 10 s whether a silent peer still lives (`grpc_client`).
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

Registration = tuple[Callable[[Any, Any], None], object]
"""A generated `add_…Servicer_to_server` function, and the servicer."""


class GrpcServer:
    """A part that serves servicers at an address.

    Raises `ValueError` for an address that needs TLS and has none, unless what is served is
    `public`: then it is in the clear for everybody.
    """

    def __init__(
        self,
        name: str,
        address: str,
        registrations: Sequence[Registration],
        *,
        tls: TlsFiles | None = None,
        grace_s: float = 5.0,
        public: bool = False,
    ) -> None:
        if not public:
            require_safe(address, tls)
        self.name = name
        self.address = address
        self.port = 0
        self._registrations = tuple(registrations)
        self._tls = tls
        self._grace_s = grace_s
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Bind and serve; `port` is then the real one (for `host:0`). Raises `RuntimeError`."""
        server = grpc.aio.server(interceptors=[_Edge()], options=_SERVER_OPTIONS)
        for register, servicer in self._registrations:
            register(servicer, server)
        self.port = self._bind(server)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Take no more calls, let those under way finish within the grace, then cancel them."""
        if self._server is not None:
            await self._server.stop(self._grace_s)
            self._server = None

    def _bind(self, server: grpc.aio.Server) -> int:
        if not is_unix(self.address):
            if self._tls is None:
                return server.add_insecure_port(self.address)
            return server.add_secure_port(self.address, self._tls.server_credentials())
        # gRPC has no option for the socket's mode; the mask closes the moment before chmod.
        before = os.umask(0o177)
        try:
            port = server.add_insecure_port(self.address)
        finally:
            os.umask(before)
        Path(self.address.removeprefix("unix:").replace("//", "/", 1)).chmod(0o600)
        return port


class _Edge(grpc.aio.ServerInterceptor):
    """Wraps each method once; the wrapped one reads the call's own metadata and deadline."""

    def __init__(self) -> None:
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is not None and handler.unary_stream is not None:
                wrapped = self._wrapped[method] = grpc.unary_stream_rpc_method_handler(
                    guarded_stream(method, handler.unary_stream),
                    request_deserializer=handler.request_deserializer,
                    response_serializer=handler.response_serializer,
                )
                return wrapped
            if handler is None or handler.unary_unary is None:
                return handler
            wrapped = grpc.unary_unary_rpc_method_handler(
                _guarded(method, handler.unary_unary),
                request_deserializer=handler.request_deserializer,
                response_serializer=handler.response_serializer,
            )
            self._wrapped[method] = wrapped
        return wrapped


def _guarded(method: str, behaviour: Behaviour) -> Any:
    async def run(request: Any, context: Any) -> Any:
        remaining = context.time_remaining()
        timeout_s = DEFAULT_TIMEOUT_S if remaining is None else remaining
        call = from_metadata(context.invocation_metadata() or ())
        try:
            return await run_call(method, behaviour, request, context, call, timeout_s)
        except DocaxisError as error:
            status, details, metadata = to_status(error)
        await context.abort(status, details, metadata)

    return run
