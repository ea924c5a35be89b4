import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from docaxis_cli.main import app
from tests.unit.docaxis_client.sample_axis import SampleAxis
from tests.unit.docaxis_client.sample_axis_routes import running


class Command:
    """`docaxis` with a data folder that holds credentials of office, hanoi and hatinh."""

    def __init__(self, axis: SampleAxis, data: Path) -> None:
        self.axis = axis
        self.data = data

    def __call__(self, *arguments: str, lang: str = "en") -> Result:
        environment = {"DOCAXIS_DATA": str(self.data), "LANG": lang, "COLUMNS": "200"}
        environment |= {"LC_ALL": "", "LC_MESSAGES": ""}
        return CliRunner().invoke(app, arguments, env=environment)


@pytest.fixture
def docaxis(tmp_path: Path) -> Iterator[Command]:
    with in_a_thread(tmp_path) as axis:
        for name, code in (("office", "G22"), ("hanoi", "H26"), ("hatinh", "H29")):
            axis.write_credentials(tmp_path / "data" / "clients", name, axis.new_system(code))
        yield Command(axis, tmp_path / "data")


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "Thư mời.pdf"
    path.write_bytes(b"%PDF-1.7 sample")
    return path


@contextmanager
def in_a_thread(folder: Path) -> Iterator[SampleAxis]:
    """Serve a sample axis while the test's own thread runs commands."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = running(folder)
    try:
        yield asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
