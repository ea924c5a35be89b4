"""What a container's health check asks, and what it makes of the answers."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from docaxis_process.probe import probe
from docaxis_runtime.grpc_health import health_registration
from docaxis_runtime.grpc_server import GrpcServer
from docaxis_runtime.health import Health


@pytest.mark.parametrize("ready", [True, False])
async def test_a_service_is_asked_by_grpc_where_its_health_listens(ready: bool) -> None:
    health = Health()
    if ready:
        health.part("log").ready()
    else:
        health.part("log").not_ready("kafka is away")
    server = GrpcServer("health", "127.0.0.1:0", [health_registration("s", health)])
    await server.start()
    try:
        told = await asyncio.to_thread(
            probe, {"DOCAXIS_HEALTH_LISTEN": f"0.0.0.0:{server.port}", "DOCAXIS_HTTP_PORT": "1"}
        )
    finally:
        await server.stop()
    assert (told == "") is health.serving


async def test_who_does_not_answer_is_not_healthy() -> None:
    server = GrpcServer("health", "127.0.0.1:0", [health_registration("s", Health())])
    await server.start()
    await server.stop()
    environ = {"DOCAXIS_HEALTH_LISTEN": f"127.0.0.1:{server.port}"}
    assert "does not answer" in await asyncio.to_thread(probe, environ)


@pytest.fixture
def gateway() -> Iterator[tuple[HTTPServer, list[int]]]:
    statuses: list[int] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses[0] if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server, statuses
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_gateway_is_asked_by_http(gateway: tuple[HTTPServer, list[int]]) -> None:
    server, statuses = gateway
    environ = {"DOCAXIS_HTTP_PORT": str(server.server_port)}
    statuses[:] = [200]
    assert probe(environ) == ""
    statuses[:] = [503]
    assert "is not ready" in probe(environ)
    # Who speaks TLS is asked so, and this one does not.
    assert "does not answer" in probe(environ | {"DOCAXIS_GATEWAY_TLS_CERTIFICATE": "/tls/tls.crt"})
