"""gRPC of a service's process: health from the first moment, calls once all behind them works."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.parts import PartHealth
from docaxis_process.service_server import ServiceServer
from docaxis_process.settings import ServiceSettings
from docaxis_proto import status_v1_pb2 as pb
from docaxis_proto.status_v1_pb2_grpc import (
    StatusServiceStub,
    add_StatusServiceServicer_to_server,
)
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.grpc_health import LIVENESS, HealthServicer
from docaxis_runtime.health import Health
from docaxis_runtime.kernel_part import KernelPart
from docaxis_runtime.lifecycle import Lifecycle

NAME = "docaxis.status.v1.StatusService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Servicer:
    async def GetTimeline(self, request: Any, context: Any) -> pb.GetTimelineReply:
        return pb.GetTimelineReply(timelines=[pb.Timeline(delivery_id=request.document_id)])


class Part:
    """A part of the kernel that does nothing."""

    def __init__(self) -> None:
        self.health = PartHealth("status.processor")
        self.health.working()

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def health() -> Health:
    health = Health()
    health.part("grpc").not_ready("the ports are not open yet")
    return health


@pytest.fixture
async def server(health: Health, tmp_path: Path) -> AsyncIterator[ServiceServer]:
    settings = ServiceSettings(
        listen=f"unix:{tmp_path}/status.sock", health_listen=f"unix:{tmp_path}/health.sock"
    )
    server = ServiceServer(NAME, add_StatusServiceServicer_to_server, settings, health)
    await server.listen()
    yield server
    await server.close()


async def status(address: str, service: str = "") -> Any:
    async with grpc.aio.insecure_channel(address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        return (await check(health_pb2.HealthCheckRequest(service=service), timeout=5)).status


async def ask(address: str) -> str:
    connection = Connection(address)
    try:
        client = connection.client(StatusServiceStub)
        reply = await client.GetTimeline(pb.GetTimelineRequest(document_id="x"))
        return reply.timelines[0].delivery_id
    finally:
        await connection.close()


async def test_calls_come_through_once_the_door_is_open(
    server: ServiceServer, health: Health, tmp_path: Path
) -> None:
    address = f"unix:{tmp_path}/status.sock"
    for asked in ("", NAME):
        assert await status(address, asked) == NOT_SERVING
    assert await status(address, LIVENESS) == SERVING
    with pytest.raises(DocaxisError) as caught:
        await ask(address)
    assert (caught.value.code, caught.value.retry_after_s) == ("unavailable", 1.0)

    lifecycle = Lifecycle([server.door(Servicer())], health=health)
    await lifecycle.start()
    assert await ask(address) == "x"
    for asked in ("", NAME, LIVENESS):
        assert await status(address, asked) == SERVING
    await lifecycle.stop()
    with pytest.raises(DocaxisError):
        await ask(address)


async def test_health_alone_has_an_address_of_its_own_that_outlives_the_door(
    server: ServiceServer, health: Health, tmp_path: Path
) -> None:
    address = f"unix:{tmp_path}/health.sock"
    lifecycle = Lifecycle([server.door(Servicer())], health=health)
    await lifecycle.start()
    assert await status(address) == SERVING
    with pytest.raises(DocaxisError) as caught:
        await ask(address)
    assert caught.value.code == "internal"  # no such method there
    await lifecycle.stop()
    assert await status(address) == NOT_SERVING
    assert await status(address, LIVENESS) == SERVING


async def test_a_part_that_waits_serves_and_one_that_failed_does_not(
    server: ServiceServer, health: Health, tmp_path: Path
) -> None:
    address = f"unix:{tmp_path}/status.sock"
    part = Part()
    lifecycle = Lifecycle([(KernelPart(part, health),), server.door(Servicer())], health=health)
    await lifecycle.start()
    part.health.waiting("the store is away")
    assert await status(address) == SERVING
    assert not health.ready
    part.health.failed("a gap in the versions")
    assert await status(address) == NOT_SERVING
    await lifecycle.stop()


async def test_other_names_are_not_known(server: ServiceServer, tmp_path: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await status(f"unix:{tmp_path}/status.sock", "docaxis.routing.v1.Routing")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watch_tells_each_change(health: Health) -> None:
    servicer = HealthServicer(NAME, health, look_s=0.001)
    watch = servicer.Watch(health_pb2.HealthCheckRequest(service=NAME), None)
    assert (await anext(watch)).status == NOT_SERVING
    coming = asyncio.ensure_future(anext(watch))
    health.part("grpc").ready()
    assert (await asyncio.wait_for(coming, 5)).status == SERVING
    coming.cancel()


def test_the_main_address_needs_tls_whatever_it_serves(health: Health) -> None:
    settings = ServiceSettings(listen="127.0.0.1:0")
    object.__setattr__(settings, "listen", "0.0.0.0:0")
    with pytest.raises(ValueError, match="TLS"):
        ServiceServer(NAME, add_StatusServiceServicer_to_server, settings, health)
