"""A standalone axis as its own process, for tests that kill, watch or restart it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.demo_systems import register_demo_systems

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class AxisProcess:
    """`python -m docaxis_standalone` on a data folder."""

    data: Path
    port: int = field(default_factory=free_port)
    grpc_port: int = 0
    """Of the public gRPC; 0 takes one that nobody is told."""
    environment: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    """A command to run it under (strace)."""
    module: Sequence[str] = ("docaxis_standalone",)
    """What `python -m` runs, with its arguments."""
    start_s: float = START_S
    """How long a start may take."""
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> DataFolder:
        return DataFolder(self.data)

    @property
    def public_grpc(self) -> str:
        """`host:port` of the public gRPC."""
        return f"127.0.0.1:{self.grpc_port}"

    def grpc_address(self, service: str) -> str:
        """Where a service answers gRPC: all of them on one socket."""
        return f"unix:{self.folder.socket}"

    async def start(self) -> None:
        """Start and wait until it is ready. Raises `AssertionError` with its last words."""
        environment = {
            **os.environ,
            "DOCAXIS_DATA": str(self.data),
            "DOCAXIS_HTTP_PORT": str(self.port),
            "DOCAXIS_GRPC_PORT": str(self.grpc_port),
            "DOCAXIS_LOG_LEVEL": "WARNING",
            **self.environment,
        }
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "process.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.wrapper,
                sys.executable,
                "-m",
                *self.module,
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with aiohttp.ClientSession() as session, asyncio.timeout(self.start_s):
            while not await self._ready(session):
                assert self.process.returncode is None, self.last_words()
                await asyncio.sleep(0.02)

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/health/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def last_words(self) -> str:
        """The end of what the process wrote."""
        return (self.data / "process.log").read_text(errors="replace")[-4000:]

    def resident_mib(self) -> float:
        """Resident memory of the process (Linux)."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kib) / 1024

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far, of the process in user and system mode and of its workers (Linux)."""
        assert self.process is not None
        tick = os.sysconf("SC_CLK_TCK")
        own = _stat(self.process.pid)
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = [pid for each in threads for pid in (each / "children").read_text().split()]
        workers = [_stat(int(pid)) for pid in children]
        return {
            "axis_user": int(own[11]) / tick,
            "axis_system": int(own[12]) / tick,
            "workers": sum(int(each[11]) + int(each[12]) for each in workers) / tick,
        }

    async def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)  # with its workers, and with what wraps it
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()

    async def bootstrap(self) -> None:
        """Register the demonstration's agencies and systems, over gRPC on the unix socket."""
        await register_demo_systems(self.grpc_address("registry"), self.folder, self.url)

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        """A client of one of the demonstration's systems."""
        credentials = Credentials.load(self.folder.clients / f"{name}.json")
        return DocaxisClient(self.url, credentials, attempts=attempts, patience_s=patience_s)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the command's name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@asynccontextmanager
async def running_process(
    data: Path,
    *,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
    grpc_port: int = 0,
) -> AsyncIterator[AxisProcess]:
    """An axis with the demonstration's systems; killed at the end if it still runs."""
    axis = AxisProcess(data, grpc_port=grpc_port, environment=environment or {}, wrapper=wrapper)
    await axis.start()
    try:
        await axis.bootstrap()
        yield axis
    finally:
        if axis.process is not None and axis.process.returncode is None:
            await axis.kill()
