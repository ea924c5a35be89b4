"""`docaxis registry import`, as a script calls it, on a registry's own gRPC socket."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner, Result

from docaxis_cli.main import app
from docaxis_proto.registry_v1_pb2_grpc import add_RegistryServicer_to_server
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from docaxis_runtime.grpc_server import GrpcServer
from tests.embedded import at_work, ports_in

HEADER = "Mã định danh;Tên đơn vị;Cấp;Mã cấp trên\n"


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[None]:
    async with ports_in(data) as ports:
        service = compose(ports, RegistrySettings(outcome_wait_s=20.0))
        async with at_work(ports, service):
            registration = (add_RegistryServicer_to_server, service.servicer)
            server = GrpcServer("grpc", f"unix:{data / 'grpc.sock'}", [registration])
            await server.start()
            yield
            await server.stop()


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose registry serves, with a path that a socket can have."""
    with TemporaryDirectory() as folder:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        serving = served(Path(folder))
        asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(30)
        yield Path(folder)
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LANG": lang, "LC_ALL": "", "LC_MESSAGES": "", "COLUMNS": "200"}
    told = ["registry", "import", *(str(each) for each in arguments)]
    return CliRunner().invoke(app, told, env=environment)


def units(folder: Path, rows: str) -> Path:
    path = folder / "units.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_a_file_is_imported_and_the_second_time_nothing_changes(data: Path, tmp_path: Path) -> None:
    file = units(tmp_path, "A.1;Sở;2;A\nA;Tỉnh;1;\n")
    first = run(file, "--data", data)
    assert first.exit_code == 0, first.output
    assert "2 rows: 2 registered, 0 unchanged, 0 refused" in first.stdout
    again = run(file, "--registry", f"unix:{data / 'grpc.sock'}", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout.splitlines()[-1])["counts"] == {"unchanged": 2}


def test_bad_rows_are_told_with_their_lines_and_end_with_1(data: Path, tmp_path: Path) -> None:
    file = units(tmp_path, "A;Tỉnh;1;\nX.1;Sở;2;X\nB;;1;\n")
    result = run(file, "--data", data, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout.splitlines()[-1])
    assert [(each["line"], each["code"], each["pointer"]) for each in told["errors"]] == [
        (3, "parent_unknown", "/parent_code"),
        (4, "field_required", "/name"),
    ]
    shown = run(file, "--data", data, lang="vi")
    assert "4: /name Thiếu trường bắt buộc “name”. [field_required]" in shown.stdout


def test_check_reads_only(tmp_path: Path) -> None:
    file = units(tmp_path, "A;Tỉnh;1;\nA;Tỉnh;1;\n")
    result = run(file, "--data", tmp_path / "nowhere", "--check")
    assert result.exit_code == 1
    assert "3: /code The code “A” stands in the file twice. [row_duplicate]" in result.stdout


def test_what_cannot_begin_ends_with_2_and_a_registry_that_is_away_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = run(units(tmp_path, "A;Tỉnh;1;\n"), "--data", tmp_path / "nowhere")
    assert (nowhere.exit_code, "No axis runs" in nowhere.stderr) == (2, True)
    unreadable = tmp_path / "bad.csv"
    unreadable.write_text("Mã;Điện thoại\n", encoding="utf-8")
    result = run(unreadable, "--data", tmp_path)
    assert (result.exit_code, "Line 1: Điện thoại [unknown_field]" in result.stderr) == (2, True)
    monkeypatch.setattr("docaxis_registry.imports.sending.PATIENCE_S", 0.0)
    away = run(units(tmp_path, "A;Tỉnh;1;\n"), "--registry", f"unix:{tmp_path / 'none.sock'}")
    assert away.exit_code == 3
    assert "[unavailable]" in away.stderr
    elsewhere = run(units(tmp_path, "A;Tỉnh;1;\n"), "--registry", "192.0.2.1:50051")
    assert (elsewhere.exit_code, "TLS" in elsewhere.stderr) == (2, True)
