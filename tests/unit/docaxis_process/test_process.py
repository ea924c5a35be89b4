"""A service's process from its start to its exit code, on embedded ports."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from docaxis_process.process import until_told
from docaxis_proto import registry_v1_pb2 as pb
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.lifecycle import PartDied
from tests.unit.docaxis_process.embedded_process import FAULT, ROOT, command, environment
from tests.unit.docaxis_process.polling import eventually
from tests.unit.docaxis_process.test_service_server import status

SERVING = health_pb2.HealthCheckResponse.SERVING


@asynccontextmanager
async def registry(
    folder: Path, **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """A process of the registry, not waited for; and where it writes."""
    lines = folder / "lines"
    with lines.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command("registry", folder),
            cwd=ROOT,
            env=environment(
                **{
                    "DOCAXIS_LISTEN": f"unix:{folder}/r.sock",
                    "DOCAXIS_REPLICA": "registry-7",
                    **settings,
                }
            ),
            stdout=output,
            stderr=output,
        )
    try:
        yield process, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def serving(folder: Path) -> bool:
    try:
        return bool(await status(f"unix:{folder}/r.sock") == SERVING)
    except Exception:  # noqa: BLE001 - nobody listens yet
        return False


async def snapshot(folder: Path) -> Any:
    connection = Connection(f"unix:{folder}/r.sock")
    try:
        client = connection.client(RegistryStub)
        return await client.SnapshotSystems(pb.SnapshotSystemsRequest())
    finally:
        await connection.close()


def told(lines: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.read_text().splitlines() if line.startswith("{")]


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    async with registry(tmp_path) as (process, lines):
        await eventually(lambda: serving(tmp_path), "serving")
        assert await snapshot(tmp_path) == pb.SnapshotSystemsReply()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    found = told(lines)
    assert {(line["service"], line["replica"]) for line in found} == {("registry", "registry-7")}
    words = [line["event"] for line in found]
    assert words.index("started") < words.index("stopping") < words.index("stopped")
    assert "ended_hard" not in words


async def test_a_part_that_dies_ends_it_with_1(tmp_path: Path) -> None:
    async with registry(tmp_path, **{FAULT: "die"}) as (process, lines):
        assert await asyncio.wait_for(process.wait(), 30) == 1
    died = [line for line in told(lines) if line["event"] == "process_died"]
    assert died[0]["part"] == "mortal"
    assert "this part has a fault" in died[0]["exception"]


async def test_an_address_that_is_taken_ends_it_with_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with registry(tmp_path, DOCAXIS_LISTEN=address) as (process, lines):
            assert await asyncio.wait_for(process.wait(), 30) == 1
    assert told(lines)[-1]["event"] in ("process_failed", "cannot_serve")


async def test_what_hangs_at_the_stop_is_ended_at_the_deadline(tmp_path: Path) -> None:
    settings = {FAULT: "hang", "DOCAXIS_STOP_WITHIN_S": "1"}
    async with registry(tmp_path, **settings) as (process, lines):
        await eventually(lambda: serving(tmp_path), "serving")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 1
    assert told(lines)[-1]["event"] == "ended_hard"


async def _return() -> None:
    return


async def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (_return, 0),
        (lambda: _raise(PartDied("processor")), 1),
        (lambda: _raise(ValueError("the cluster has other partitions")), 1),
        (lambda: _raise(PermissionError("mode 0644")), 1),
        (lambda: _raise(RuntimeError("a fault of ours")), 1),
    ],
)
async def test_exit_codes(work: Callable[[], Awaitable[None]], code: int) -> None:
    assert await until_told(work, lambda: None) == code


async def test_a_signal_ends_a_wait_that_has_no_bound() -> None:
    asked: list[str] = []
    waiting = asyncio.Event()

    async def work() -> None:
        waiting.set()
        await asyncio.Event().wait()

    ending = asyncio.create_task(until_told(work, lambda: asked.append("deadline")))
    await waiting.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(ending, 10) == 0
    assert asked == ["deadline"]
