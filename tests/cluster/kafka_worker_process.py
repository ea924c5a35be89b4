"""Starting, asking, stopping and killing the processes of `kafka_worker`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.cluster.kafka_worker import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "tools/cluster/launch.py"
WITHIN_S = 90.0
_STACKS_S = 0.3


def _python_path() -> list[str]:
    return [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]


class WorkerProcess:
    """One worker; it dies with this process."""

    def __init__(self, settings: WorkerSettings, process: asyncio.subprocess.Process) -> None:
        self.settings = settings
        self._process = process

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Start it; returns at once."""
        worker = [sys.executable, "-m", "tests.cluster.kafka_worker", json.dumps(asdict(settings))]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid())),
            *worker,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(settings, process)

    async def joined(self) -> None:
        """Wait until it has joined the group."""
        assert await self._answer() == "joined"

    async def ask(self, word: str) -> Any:
        """Tell it a command, and wait for the answer."""
        self.tell(word)
        return await self._answer()

    def tell(self, word: str) -> None:
        """Tell it a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def _answer(self) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            line = await self._process.stdout.readline()
        assert line, f"{self.settings.replica} ended"
        return json.loads(line)

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end without bound; the exit code."""
        return await self._process.wait()

    async def end(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        async with asyncio.timeout(WITHIN_S):
            return await self._process.wait()

    async def leave(self) -> int:
        """Let it leave the group and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self.end()

    async def kill(self) -> None:
        """SIGKILL."""
        if self.ended is None:
            self._process.kill()
        await self.end()

    async def tell_stacks(self) -> None:
        """Let it write to the test's output what each of its threads does."""
        if self.ended is None:
            self._process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(_STACKS_S)

    def pause(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def running(*settings: WorkerSettings) -> AsyncIterator[list[WorkerProcess]]:
    """Workers that have joined their group, one after the other; killed at the end."""
    workers: list[WorkerProcess] = []
    try:
        for each in settings:
            workers.append(await WorkerProcess.start(each))
            await workers[-1].joined()
        yield workers
    finally:
        for worker in workers:
            await worker.kill()
