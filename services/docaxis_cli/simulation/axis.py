"""An axis of the simulation's own: the standalone as a process beside this one, and its units.

The process is the same that `docaxis standalone` runs; units and organisations are registered
through the registry's gRPC on the data folder's socket, as an operator would.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from docaxis_cli.session import UsageProblem
from docaxis_cli.simulation.units import Unit

_START_S = 120.0
_STOP_S = 60.0
_LOOK_S = 0.05
_PROCESS_LOG = "simulate.log"


@asynccontextmanager
async def own_axis(data: Path, units: Sequence[Unit]) -> AsyncIterator[str]:
    """A running axis on a data folder that knows the units; gives its address.

    Raises `UsageProblem` with the process's last words where it does not start.
    """
    from docaxis_standalone.data_folder import DataFolder

    folder = DataFolder(data)
    folder.make()
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DOCAXIS_DATA": str(data),
        "DOCAXIS_HTTP_HOST": "127.0.0.1",
        "DOCAXIS_HTTP_PORT": str(port),
        "DOCAXIS_LOG_LEVEL": "WARNING",
    }
    with (data / _PROCESS_LOG).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "docaxis_standalone",
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours: the axis is then stopped in order
        )
    try:
        await _ready(process, url, data / _PROCESS_LOG)
        if not all((folder.clients / f"{each.code}.json").exists() for each in units):
            await _register(folder.socket, data, units)
        watch = asyncio.create_task(_end_with(process, asyncio.current_task()))
        try:
            yield url
        except asyncio.CancelledError:
            if process.returncode is None:
                raise
            raise UsageProblem(await _last_words(data / _PROCESS_LOG)) from None
        finally:
            watch.cancel()
    finally:
        await _stop(process)


async def _end_with(
    process: asyncio.subprocess.Process, task: "asyncio.Task[object] | None"
) -> None:
    """A run does not wait for an axis that has ended."""
    await process.wait()
    if task is not None:
        task.cancel()


async def _ready(process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(_START_S):
        while True:
            if process.returncode is not None:
                raise UsageProblem(await _last_words(log))
            with suppress(aiohttp.ClientError):
                async with session.get(f"{url}/health/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(_LOOK_S)


async def _last_words(log: Path) -> str:
    said = await asyncio.to_thread(log.read_text, errors="replace")
    return said[-2000:].strip() or f"{log}: -"


async def _register(address: Path, data: Path, units: Sequence[Unit]) -> None:
    from docaxis_gateway.composition import clients_of
    from docaxis_proto.registry_events_v1_pb2 import OrganisationEntry
    from docaxis_runtime.grpc_client import Connection
    from docaxis_standalone.bootstrap import DemoSystem, bootstrap_systems
    from docaxis_standalone.data_folder import DataFolder

    everyone = [one for each in units for one in each.organisations]
    entries = [
        OrganisationEntry(
            code=each.code,
            name=each.name,
            level=each.level,
            level_since="2019-03-12",
            kind=each.kind,
            parent_code=each.parent_code,
        )
        for each in sorted(everyone, key=lambda one: one.level)  # parents first
    ]
    systems = [
        DemoSystem(
            each.code,
            f"Hệ thống mô phỏng của {each.name}",
            each.code,
            each.connection,
            tuple(one.code for one in each.organisations[1:]),
        )
        for each in units
    ]
    connection = Connection(f"unix:{address}")
    try:
        services = clients_of(lambda _, stub: connection.client(stub))
        await bootstrap_systems(services, DataFolder(data), entries, systems)
    finally:
        await connection.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
