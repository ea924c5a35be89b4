"""The gateway as a process: it waits for what is away, says so, and tells its callers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from docaxis_eventsourcing.running_service import Ports
from docaxis_gateway.__main__ import check, serve
from docaxis_gateway.composition import TOKEN_SECRET
from docaxis_gateway.settings import GatewaySettings, ServiceAddressSettings
from docaxis_process.service_server import LateServicer
from docaxis_process.settings import ProcessSettings
from docaxis_proto.registry_v1_pb2_grpc import add_RegistryServicer_to_server
from docaxis_runtime.grpc_server import GrpcServer
from docaxis_runtime.registry_directory import EVENTS_TOPIC
from docaxis_runtime.settings import LoadedSettings
from docaxis_trust.access_tokens import AccessTokens
from tests.embedded import ports_in
from tests.system.axis_process import free_port
from tests.unit.docaxis_gateway.conftest import FakeSystem
from tests.unit.docaxis_gateway.fake_registry import FakeRegistry
from tests.unit.docaxis_process.polling import eventually


def settings_in(folder: Path, port: int) -> LoadedSettings:
    addresses = {
        f"{name}_address": f"unix:{folder}/{name}.sock"
        for name in ("registry", "routing", "signature", "status", "notification")
    }
    return LoadedSettings(
        ProcessSettings(stop_within_s=5.0),
        GatewaySettings(port=port, stop_grace_s=1),
        ServiceAddressSettings(**addresses),
    )


@dataclass
class Gateway:
    """A gateway at work in this process, whose ports are held back until `ports_there`."""

    folder: Path
    url: str
    http: aiohttp.ClientSession
    ports_there: asyncio.Event
    opened: asyncio.Future[Ports]

    async def get(self, path: str, **headers: str) -> tuple[int, Any, Any]:
        try:
            async with self.http.get(f"{self.url}{path}", headers=headers) as answer:
                return answer.status, await answer.json(content_type=None), answer.headers
        except aiohttp.ClientConnectionError:
            return 0, None, {}

    async def status(self, path: str) -> int:
        return (await self.get(path))[0]

    async def ready(self) -> bool:
        return await self.status("/health/ready") == 200

    @asynccontextmanager
    async def registry(self, *systems: FakeSystem) -> AsyncIterator[None]:
        registry = FakeRegistry()
        registry.add("G22", "Văn phòng Chính phủ")
        registry.systems = [each.message() for each in systems]
        late = LateServicer()  # has every method; the fake has those that are called
        late.give(registry)
        server = GrpcServer(
            "registry",
            f"unix:{self.folder}/registry.sock",
            [(add_RegistryServicer_to_server, late)],
            grace_s=0.2,
        )
        await server.start()
        try:
            yield
        finally:
            await server.stop()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    port, there = free_port(), asyncio.Event()
    opened: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def held_back(settings: LoadedSettings) -> AsyncIterator[Ports]:
        await there.wait()
        async with ports_in(tmp_path, partitions=1) as ports:
            await ports.log.declare([EVENTS_TOPIC])
            opened.set_result(ports)
            yield ports

    async with AsyncExitStack() as closing:
        http = await closing.enter_async_context(aiohttp.ClientSession())
        serving = asyncio.create_task(serve(settings_in(tmp_path, port), held_back))
        gateway = Gateway(tmp_path, f"http://127.0.0.1:{port}", http, there, opened)
        await eventually(lambda: _is(gateway, "/health/live", 200), "listening")
        yield gateway
        serving.cancel()
        ended = await asyncio.wait_for(asyncio.gather(serving, return_exceptions=True), 20)
    assert [type(each) for each in ended] == [asyncio.CancelledError]


async def _is(gateway: Gateway, path: str, status: int) -> bool:
    return await gateway.status(path) == status


async def test_it_answers_its_health_before_its_ports_are_open(gateway: Gateway) -> None:
    status, told, _ = await gateway.get("/api/v1/health/ready")
    assert status == 503
    assert told["parts"] == {"http_server": "the ports are not open yet"}
    status, problem, headers = await gateway.get("/api/v1/inbox", **{"Accept-Language": "en"})
    assert (status, problem["code"], headers["Retry-After"]) == (503, "unavailable", "1")
    assert problem["title"] == "The service is not available at the moment; try again."


async def test_it_waits_for_the_registry_and_then_serves(gateway: Gateway) -> None:
    gateway.ports_there.set()
    await eventually(lambda: _waits_for_registry(gateway), "waiting for the registry")
    assert await gateway.status("/health/live") == 200
    ports = await gateway.opened
    system = FakeSystem(("G22",))
    bearer = await token(ports, system)
    status, problem, headers = await gateway.get("/api/v1/me", **bearer)
    assert (status, problem["code"], headers["Retry-After"]) == (503, "unavailable", "1")
    async with gateway.registry(system):
        await eventually(gateway.ready, "ready")
        status, me, _ = await gateway.get("/api/v1/me", **bearer)
        assert (status, me["system_id"]) == (200, system.system_id)
        # Routing is away: its callers are told when to come again.
        status, problem, headers = await gateway.get("/api/v1/inbox", **bearer)
        assert (status, problem["code"], headers["Retry-After"]) == (503, "unavailable", "1")
    # The registry is away again: whom the gateway knows it knows, as long as the log answers.
    assert await gateway.ready()


async def _waits_for_registry(gateway: Gateway) -> bool:
    status, told, _ = await gateway.get("/health/ready")
    parts = (told or {}).get("parts", {})
    return status == 503 and parts.get("system_directory") == "waiting for registry"


async def token(ports: Ports, system: FakeSystem) -> dict[str, str]:
    """A token of another replica that has the same secret."""
    tokens = AccessTokens(await ports.secrets.read_or_create(TOKEN_SECRET), 600)
    word, _ = tokens.issue(system.system_id, system.jwk["kid"], int(time.time()))
    return {"Authorization": f"Bearer {word}"}


def test_addresses_of_other_machines_need_tls() -> None:
    addresses = ServiceAddressSettings("dns:///registry:1", *["127.0.0.1:2"] * 4)
    with pytest.raises(ValueError, match=r"dns:///registry:1 .* needs TLS"):
        check(LoadedSettings(ProcessSettings(), GatewaySettings(), addresses))
    here = ServiceAddressSettings(*["127.0.0.1:2"] * 5)
    check(LoadedSettings(ProcessSettings(), GatewaySettings(), here))
    with pytest.raises(ValueError, match="BEHIND_TLS_PROXY"):
        check(LoadedSettings(ProcessSettings(), GatewaySettings(host="0.0.0.0"), here))
