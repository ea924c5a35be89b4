"""The HTTP server as a part of a process: uvicorn on httptools, without its own signals or logs."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from docaxis_gateway.http_protocol import BoundedHttpProtocol
from docaxis_gateway.settings import GatewaySettings

_BACKLOG = 2048
_KEEP_ALIVE_S = 75


class _Quiet(uvicorn.Server):
    """Signals belong to the lifecycle, which stops all parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


class HttpServer:
    """Serves an app. Raises `ValueError` where it would speak in the clear across a network."""

    def __init__(
        self, app: ASGIApp, settings: GatewaySettings, stopping: asyncio.Event | None = None
    ) -> None:
        """`stopping` is set first of all at a stop, so that long-polls are answered in time."""
        settings.require_safe()
        self.name = "http_server"
        self.port = 0
        self._app = app
        self._settings = settings
        self._stopping = stopping or asyncio.Event()
        self._server: _Quiet | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def scheme(self) -> str:
        """`https` where it speaks TLS itself."""
        return "http" if self._settings.tls_certificate is None else "https"

    async def start(self) -> None:
        """Bind and serve; `port` is then the real one. Raises `OSError` for a taken address."""
        listener = self._bind()
        self.port = listener.getsockname()[1]
        server = _Quiet(self._config())
        self._server = server
        self._task = asyncio.create_task(server.serve([listener]), name=self.name)
        while not server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the HTTP server ended while starting")
            await asyncio.sleep(0.005)

    async def wait(self) -> None:
        """Wait for its end; raises what ended it."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Take no more connections; requests under way have the grace, then they are cut."""
        if self._server is None or self._task is None:
            return
        self._stopping.set()
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._settings.host, self._settings.port))
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        return listener

    def _config(self) -> uvicorn.Config:
        settings = self._settings
        return uvicorn.Config(
            self._app,
            # The loop is the process's: `run` of whoever composes it takes uvloop.
            loop="none",
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=settings.stop_grace_s,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            ssl_ca_certs=settings.tls_client_authorities,
            # Asked for, not demanded: systems with keys and secrets have none to show.
            ssl_cert_reqs=ssl.CERT_OPTIONAL if settings.tls_client_authorities else ssl.CERT_NONE,
        )
