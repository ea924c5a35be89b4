"""A service's gRPC server: health from the first moment, calls once all behind them works.

A process that waits for its broker listens already. So its probes are answered, and whoever calls
is told `unavailable` instead of finding nobody.
"""

from collections.abc import Callable
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_process.settings import ServiceSettings
from docaxis_runtime.grpc_calls import Behaviour
from docaxis_runtime.grpc_health import health_registration
from docaxis_runtime.grpc_server import GrpcServer
from docaxis_runtime.health import Health
from docaxis_runtime.lifecycle import Part


class LateServicer:
    """Stands for a servicer that is not there yet. Until it is given, calls are `unavailable`."""

    def __init__(self) -> None:
        self._servicer: object | None = None

    def give(self, servicer: object | None) -> None:
        """From now on calls are its; None takes it away again."""
        self._servicer = servicer

    def __getattr__(self, method: str) -> Behaviour:
        """A generated `add_…_to_server` asks for each method once."""

        async def call(request: Any, context: Any) -> Any:
            if self._servicer is None:
                raise DocaxisError("unavailable", retry_after_s=1.0)
            return await getattr(self._servicer, method)(request, context)

        return call


class ServiceServer:
    """The servers of one service's process: the service with its health, perhaps health alone."""

    def __init__(
        self,
        service: str,
        register: Callable[[Any, Any], None],
        settings: ServiceSettings,
        health: Health,
    ) -> None:
        """`service` is the full name of the gRPC service, `register` its `add_…_to_server`."""
        self._late = LateServicer()
        asked = health_registration(service, health)
        self._main = GrpcServer(
            "grpc", settings.listen, [(register, self._late), asked], tls=settings.tls
        )
        self._servers = [self._main]
        if settings.health_listen:
            self._servers.append(GrpcServer("health", settings.health_listen, [asked], public=True))

    @property
    def port(self) -> int:
        """The port of the service, once it listens."""
        return self._main.port

    async def listen(self) -> None:
        """Bind and answer health. Raises `RuntimeError` for an address that is taken."""
        for server in self._servers:
            await server.start()

    async def close(self) -> None:
        """Stop listening. Harmless when called again."""
        for server in self._servers:
            await server.stop()

    def door(self, servicer: object) -> Part:
        """The last part to start and the first to stop: behind it calls reach the servicer."""
        return _Door(self._main, self._late, servicer)


class _Door:
    name = "grpc"

    def __init__(self, server: GrpcServer, late: LateServicer, servicer: object) -> None:
        self._server = server
        self._late = late
        self._servicer = servicer

    async def start(self) -> None:
        self._late.give(self._servicer)

    async def stop(self) -> None:
        """Calls under way have the server's grace."""
        await self._server.stop()
