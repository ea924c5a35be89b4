"""What the gateway's process answers before all behind the interface is there: its health.

A process that waits for its broker listens already. So its probes are answered, and whoever calls
is told to come again instead of finding nobody.
"""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.answers import PREFIX
from docaxis_gateway.health import LIVE, READY, live_answer, ready_answer
from docaxis_gateway.languages import choose_language
from docaxis_gateway.problems import problem_response
from docaxis_gateway.public_grpc.door import PublicGrpcServer
from docaxis_gateway.server import HttpServer
from docaxis_runtime.health import Health


class EarlyApp:
    """Stands for the app until it is given; then every request is its own."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._app: ASGIApp | None = None

    def give(self, app: ASGIApp) -> None:
        """From now on requests are the app's."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> ASGIApp:
        path = scope["path"].removeprefix(PREFIX)
        if path == LIVE:
            return live_answer()
        if path == READY:
            return ready_answer(self._health)
        headers: Mapping[str, str] = Headers(scope=scope)
        language = choose_language(headers.get("accept-language", ""))
        return problem_response(DocaxisError("unavailable", retry_after_s=1.0), language)


class HttpDoor:
    """The last part to start and the first to stop: behind it requests reach the app.

    The servers listen before; it is this part that stops them.
    """

    def __init__(
        self, server: HttpServer, early: EarlyApp, app: ASGIApp, public_grpc: PublicGrpcServer
    ) -> None:
        self.name = server.name
        self._server = server
        self._public_grpc = public_grpc
        self._early = early
        self._app = app

    async def start(self) -> None:
        """Let requests through."""
        self._early.give(self._app)

    async def wait(self) -> None:
        """Wait for the server's end; raises what ended it."""
        await self._server.wait()

    async def stop(self) -> None:
        """Take no more connections; requests under way have the grace."""
        await asyncio.gather(self._server.stop(), self._public_grpc.stop())
