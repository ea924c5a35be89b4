"""`grpc.health.v1`: what load balancers and probes ask, answered from the process's `Health`.

`""` and the service's full name tell whether it can serve (readiness): all was started and no part
has failed; one that waits for a broker or a store does not count against it (see
`docaxis_runtime.health`). `liveness` tells that the process lives, and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from docaxis_runtime.grpc_server import Registration
from docaxis_runtime.health import Health

LIVENESS = "liveness"

_LOOK_S = 0.5
_Status = health_pb2.HealthCheckResponse


class HealthServicer:
    """The methods of the protocol."""

    def __init__(self, service: str, health: Health, *, look_s: float = _LOOK_S) -> None:
        """`service` is the full name of the gRPC service; `look_s`: how often a watch looks."""
        self._look_s = look_s
        self._can_serve: dict[str, Callable[[], bool]] = {
            "": lambda: health.serving,
            service: lambda: health.serving,
            LIVENESS: lambda: True,
        }

    async def Check(self, request: Any, context: Any) -> Any:
        """How it is now; `NOT_FOUND` for a name that is not served here."""
        if request.service not in self._can_serve:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service here")
        return _Status(status=self._status(request.service))

    async def List(self, request: Any, context: Any) -> Any:
        """How all of them are now."""
        statuses = {name: _Status(status=self._status(name)) for name in self._can_serve}
        return health_pb2.HealthListResponse(statuses=statuses)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """How it is now, and again whenever that has changed."""
        told = None
        while True:
            status = self._status(request.service)
            if status != told:
                told = status
                yield _Status(status=status)
            await asyncio.sleep(self._look_s)

    def _status(self, service: str) -> Any:
        can_serve = self._can_serve.get(service)
        if can_serve is None:
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if can_serve() else _Status.NOT_SERVING


def health_registration(service: str, health: Health) -> Registration:
    """For a `GrpcServer`."""
    return health_pb2_grpc.add_HealthServicer_to_server, HealthServicer(service, health)
