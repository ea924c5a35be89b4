"""Calls to a service that is a process of its own: who may call, and what a death looks like."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_process.service_server import ServiceServer
from docaxis_process.settings import ServiceSettings
from docaxis_proto import status_v1_pb2 as pb
from docaxis_proto.status_v1_pb2_grpc import (
    StatusServiceStub,
    add_StatusServiceServicer_to_server,
)
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.health import Health
from docaxis_runtime.lifecycle import Lifecycle
from docaxis_runtime.tls import TlsFiles
from tests.grpc.authority import Authority
from tests.grpc.counting_process import ROOT
from tests.system.axis_process import free_port
from tests.unit.docaxis_process.polling import eventually

if TYPE_CHECKING:
    from docaxis_proto.status_v1_pb2_grpc import StatusServiceAsyncStub

NAME = "docaxis.status.v1.StatusService"


class Servicer:
    """Says who is asked."""

    def __init__(self, word: str = "") -> None:
        self.word = word

    async def GetTimeline(self, request: Any, context: Any) -> pb.GetTimelineReply:
        return pb.GetTimelineReply(timelines=[pb.Timeline(delivery_id=self.word)])


async def ask(client: "StatusServiceAsyncStub", document_id: str = "") -> str:
    request = pb.GetTimelineRequest(document_id=document_id)
    return (await client.GetTimeline(request, timeout=10)).timelines[0].delivery_id


async def code_of(client: "StatusServiceAsyncStub", document_id: str = "") -> str:
    try:
        await ask(client, document_id)
    except DocaxisError as error:
        return error.code
    return ""


@asynccontextmanager
async def service(
    address: str, tls: TlsFiles | None, servicer: object
) -> AsyncIterator[ServiceServer]:
    """A service's server, its door open."""
    settings = ServiceSettings(
        listen=address,
        tls_certificate=tls.certificate if tls else None,
        tls_key=tls.key if tls else None,
        tls_authority=tls.authority if tls else None,
    )
    health = Health()
    server = ServiceServer(NAME, add_StatusServiceServicer_to_server, settings, health)
    await server.listen()
    lifecycle = Lifecycle([server.door(servicer)], health=health)
    await lifecycle.start()
    try:
        yield server
    finally:
        await lifecycle.stop()
        await server.close()


class TestMutualTls:
    """Between a gateway's connection and a service's server."""

    async def test_who_has_a_certificate_of_the_authority_is_served_and_nobody_else(
        self, tmp_path: Path
    ) -> None:
        ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
        async with AsyncExitStack() as closing:
            # Reachable from everywhere: so the settings ask for TLS.
            server = await closing.enter_async_context(
                service("0.0.0.0:0", ours.issue("status"), Servicer("x"))
            )
            address = f"dns:///127.0.0.1:{server.port}"

            def client(tls: TlsFiles) -> "StatusServiceAsyncStub":
                connection = Connection(address, tls=tls)
                closing.push_async_callback(connection.close)
                return connection.client(StatusServiceStub)

            assert await ask(client(ours.issue("gateway"))) == "x"
            # A certificate of another authority, though it believes in ours.
            stranger = theirs.issue("stranger", authority=ours.path)
            assert await code_of(client(stranger)) == "unavailable"
            # A service of another authority is not believed by us.
            assert await code_of(client(theirs.issue("other"))) == "unavailable"
            clear = await closing.enter_async_context(
                grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
            )
            with pytest.raises(grpc.aio.AioRpcError):
                await StatusServiceStub(clear).GetTimeline(pb.GetTimelineRequest(), timeout=5)

    async def test_a_service_under_anothers_name_is_not_believed(self, tmp_path: Path) -> None:
        ours = Authority(tmp_path, "ours")
        async with service("127.0.0.1:0", ours.issue("status"), Servicer("x")) as server:
            # The certificate is for 127.0.0.1, and this is another name of the same machine.
            connection = Connection(f"localhost:{server.port}", tls=ours.issue("gateway"))
            assert await code_of(connection.client(StatusServiceStub)) == "unavailable"
            await connection.close()


async def test_calls_go_to_the_replicas_behind_an_address_in_turn(tmp_path: Path) -> None:
    async with AsyncExitStack() as closing:
        servers = [
            await closing.enter_async_context(service("127.0.0.1:0", None, Servicer(word)))
            for word in ("one", "two")
        ]
        targets = ",".join(f"127.0.0.1:{each.port}" for each in servers)
        connection = _to_both(f"ipv4:{targets}")
        closing.push_async_callback(connection.close)
        client = connection.client(StatusServiceStub)
        seen: set[str] = set()

        async def both() -> bool:
            seen.add(await ask(client))
            return seen == {"one", "two"}

        await eventually(both, "an answer of each")
        answers = [await ask(client) for _ in range(10)]
        assert answers.count("one") == answers.count("two") == 5


def _to_both(address: str) -> Connection:
    """Several addresses in one name are not ours to judge as loopback; these are."""
    connection = Connection("127.0.0.1:1")
    connection._address = address
    return connection


@pytest.fixture
async def start() -> AsyncIterator[Callable[[int, Path], Any]]:
    """Starts a service that counts the calls that it gets, as a process at a port."""
    started: list[asyncio.subprocess.Process] = []

    async def run(port: int, folder: Path) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.grpc.counting_process", str(port), str(folder), cwd=ROOT
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


def calls(folder: Path) -> list[str]:
    """The calls that reached the servicer, whichever process it was."""
    path = folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


class TestDeath:
    """A service that dies under calls, and comes back at the same address."""

    @pytest.fixture
    async def client(self) -> AsyncIterator[tuple["StatusServiceAsyncStub", int]]:
        port = free_port()
        connection = Connection(f"127.0.0.1:{port}")
        yield connection.client(StatusServiceStub), port
        await connection.close()

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
    async def test_calls_under_way_end_as_unavailable_and_are_not_sent_again(
        self,
        client: tuple["StatusServiceAsyncStub", int],
        start: Callable[[int, Path], Any],
        tmp_path: Path,
        how: signal.Signals,
    ) -> None:
        stub, port = client
        process = await start(port, tmp_path)
        await eventually(lambda: _answers(stub), "served")
        under_way = [asyncio.create_task(code_of(stub, f"hang-{n}")) for n in range(20)]
        wanted = {f"hang-{n}" for n in range(20)}
        await eventually(lambda: wanted <= set(calls(tmp_path)), "all under way")
        process.send_signal(how)
        assert await asyncio.gather(*under_way) == ["unavailable"] * 20
        await process.wait()
        await start(port, tmp_path)
        await eventually(lambda: _answers(stub), "served again")
        found = calls(tmp_path)
        assert [each for each in found if found.count(each) > 1 and each.startswith("hang")] == []

    async def test_a_service_that_is_back_is_reached_again(
        self,
        client: tuple["StatusServiceAsyncStub", int],
        start: Callable[[int, Path], Any],
        tmp_path: Path,
    ) -> None:
        stub, port = client
        assert await code_of(stub) == "unavailable"  # never there so far
        for _ in range(3):
            process = await start(port, tmp_path)
            await eventually(lambda: _answers(stub), "served")
            process.kill()
            await process.wait()
            assert await code_of(stub) == "unavailable"


async def _answers(stub: "StatusServiceAsyncStub") -> bool:
    return await code_of(stub, "x") == ""
