"""A service's methods as typed calls, over the network or in this process; the caller cannot tell.

Both are the generated stub on a channel of ours: `await client.SubmitDocument(request)` gives the
reply or raises `DocaxisError`, and the caller's context (request id, trace, actor) goes along.

    connection = Connection("dns:///routing:50051", tls=files)
    routing = connection.client(RoutingStub)          # remote
    routing = twin(servicer, RoutingStub)             # in process

A twin hands over the messages themselves: neither side changes one that it has handed over.
The keyword `timeout` (seconds) is gRPC's own name for a call's deadline.

A call to a service that is away fails at once with `unavailable`. gRPC sends none of them twice:
whether a command may be repeated is its sender's to know. (It does send again what never left this
process, and what a server says it has not begun: that is no repeat.)
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import grpc

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime.call_context import current_call, to_metadata
from docaxis_runtime.grpc_calls import (
    DEFAULT_TIMEOUT_S,
    Behaviour,
    TwinContext,
    not_served,
    run_call,
)
from docaxis_runtime.grpc_errors import from_rpc_error
from docaxis_runtime.grpc_server import METADATA_OPTIONS
from docaxis_runtime.grpc_streams import remote_stream, twin_stream
from docaxis_runtime.tls import TlsFiles, require_safe

ClientT = TypeVar("ClientT")

_CERTIFICATE_CHECK_S = 30.0

_CHANNEL_OPTIONS = (
    *METADATA_OPTIONS,
    # Calls go to all replicas of a name in turn; none is retried by a configuration.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A service that is back is reached within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Despite its name: how long one attempt to connect may take, its handshake included.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    # A peer that is silent for 15 s is dead: a stopped process, a lost machine.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


class Connection:
    """A channel to one address, shared by any number of clients.

    An address is `unix:/path`, `host:port` or a name of gRPC's (`dns:///host:port`); a name that
    stands for many replicas is looked up again when a connection ends.
    With TLS the certificate files are looked at now and then; when they changed, new calls take a
    new channel. Raises `ValueError` for an address that needs TLS and has none.
    """

    def __init__(self, address: str, *, tls: TlsFiles | None = None) -> None:
        require_safe(address, tls)
        self._address = address
        self._tls = tls
        self._channel: grpc.aio.Channel | None = None
        self._outdated: list[grpc.aio.Channel] = []
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._check_at = 0.0

    def client(self, stub_class: Callable[[grpc.aio.Channel], ClientT]) -> ClientT:
        """The methods of a generated stub class over this connection."""
        return stub_class(cast(grpc.aio.Channel, _RemoteChannel(self)))

    async def close(self) -> None:
        """Close the channel; calls under way end as `unavailable`."""
        channels = [*self._outdated, *([self._channel] if self._channel else [])]
        self._outdated, self._channel = [], None
        for channel in channels:
            await channel.close()

    def channel(self) -> grpc.aio.Channel:
        """The channel for the next call."""
        now = time.monotonic()
        if self._channel is None:
            self._channel = self._open()
        elif self._tls is not None and now >= self._check_at:
            self._follow_files()
        self._check_at = self._check_at if now < self._check_at else now + _CERTIFICATE_CHECK_S
        return self._channel

    def _open(self) -> grpc.aio.Channel:
        if self._tls is None:
            return grpc.aio.insecure_channel(self._address, options=_CHANNEL_OPTIONS)
        self._stamp = self._tls.stamp()
        credentials = self._tls.channel_credentials()
        return grpc.aio.secure_channel(self._address, credentials, options=_CHANNEL_OPTIONS)

    def _follow_files(self) -> None:
        try:
            if self._tls is None or self._channel is None or self._tls.stamp() == self._stamp:
                return
            fresh = self._open()
        except OSError:
            # Half-way through a rotation: the old certificate serves on.
            return
        self._outdated = [*self._outdated[-1:], self._channel]
        self._channel = fresh


def twin(
    servicer: object,
    stub_class: Callable[[grpc.aio.Channel], ClientT],
) -> ClientT:
    """The same client, calling the servicer's methods directly: no bytes, no socket."""
    return stub_class(cast(grpc.aio.Channel, _TwinChannel(servicer)))


class _RemoteChannel:
    """Looks like a channel to the generated stub."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unary_unary(self, method: str, **options: Any) -> Callable[..., Any]:
        known: grpc.aio.Channel | None = None
        call: Any = None

        async def invoke(request: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            nonlocal known, call
            channel = self._connection.channel()
            if channel is not known:
                known, call = channel, cast(Any, channel).unary_unary(method, **options)
            try:
                return await call(
                    request,
                    timeout=DEFAULT_TIMEOUT_S if timeout is None else timeout,
                    metadata=to_metadata(current_call()),
                )
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from None
            except grpc.aio.UsageError:
                raise DocaxisError("unavailable", retry_after_s=1.0) from None
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                # Nobody cancelled us: the channel was closed under the call.
                raise DocaxisError("unavailable", retry_after_s=1.0) from None

        return invoke

    def unary_stream(self, method: str, **options: Any) -> Callable[..., Any]:
        return remote_stream(self._connection.channel, method, options)


class _TwinChannel:
    """Looks like a channel to the generated stub."""

    def __init__(self, servicer: object) -> None:
        self._servicer = servicer

    def unary_unary(self, method: str, **_options: Any) -> Callable[..., Any]:
        behaviour: Behaviour | None = getattr(self._servicer, method.rpartition("/")[2], None)

        async def invoke(request: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            if behaviour is None:
                raise not_served(method)
            timeout_s = DEFAULT_TIMEOUT_S if timeout is None else timeout
            call = current_call()
            context = TwinContext(call, timeout_s)
            return await run_call(method, behaviour, request, context, call, timeout_s)

        return invoke

    def unary_stream(self, method: str, **_options: Any) -> Callable[..., Any]:
        return twin_stream(self._servicer, method)
