"""`make cluster` as people have it: it tells how to use it, survives SIGKILL, leaves nothing."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from tests.servers import require_servers
from tests.system.axis_process import ROOT
from tests.system.traffic import sample_document, sample_files
from tools.cluster.deadline import wait_until
from tools.cluster.service_process import GATEWAY, SERVICES

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(900)]
READY_S = 300.0
GONE_S = 60.0
PROCESSES = len(SERVICES) + 1 + 3 + 2
"""Services, gateway, brokers, the other two servers."""


class Up:
    """The command, its output in a file."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._output = folder / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.cluster", "up", "--data", str(self.data)],
                cwd=ROOT,
                env={**os.environ, "COLUMNS": "300"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_ready(self) -> None:
        def says_so() -> bool:
            assert self.process.poll() is None, self.output
            return "Ctrl-C stops all" in self.output

        wait_until(says_so, READY_S, lambda: self.output)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(GONE_S)

    def client(self, name: str) -> DocaxisClient:
        credentials = Credentials.load(self.data / "clients" / f"{name}.json")
        return DocaxisClient(None, credentials)


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that were told of a folder (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if str(folder).encode() in told:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def nothing_is_left(up: Up) -> None:
    """Poll until no process of it is there; the kernel ends them one after the other."""
    wait_until(
        lambda: processes_of(up.data) == [], GONE_S, lambda: f"left: {processes_of(up.data)}"
    )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Starts it, on the same folder each time, and waits until it is ready."""
    require_servers()
    started: list[Up] = []

    def run() -> Up:
        started.append(Up(tmp_path))
        started[-1].wait_ready()
        return started[-1]

    yield run
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


async def test_a_second_start_after_sigkill_goes_on_and_ctrl_c_leaves_nothing(
    start: Callable[[], Up],
) -> None:
    up = await asyncio.to_thread(start)
    for name in (*(f"{service}-0" for service in (*SERVICES, GATEWAY)), "Kafka", "versitygw"):
        assert f" {name} " in up.output
    assert len(processes_of(up.data)) >= PROCESSES
    async with up.client("office") as office:
        sent = await office.submit(sample_document("1/CV-MAU"), sample_files(1))
    up.end(signal.SIGKILL)
    await asyncio.to_thread(nothing_is_left, up)

    again = await asyncio.to_thread(start)
    async with again.client("office") as office, again.client("hanoi") as hanoi:
        assert (await office.document(sent.id)).id == sent.id
        page = await hanoi.inbox(wait=30)
        assert [each.document.id for each in page.items] == [sent.id]
    assert await asyncio.to_thread(again.end, signal.SIGINT) == 0, again.output
    assert again.output.rstrip().endswith("stopped")
    await asyncio.to_thread(nothing_is_left, again)
