import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from typer.testing import CliRunner

from docaxis_cli.main import app


@dataclass(frozen=True)
class Rebuilt:
    view: str
    before: str
    after: str

    @property
    def same(self) -> bool:
        return self.before == self.after


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, object], None]:
    """Puts a module of docaxis_standalone in place of the real one, which has tests of its own."""

    def put(module: str, name: str, value: object) -> None:
        replaced = ModuleType(module)
        setattr(replaced, name, value)
        monkeypatch.setitem(sys.modules, module, replaced)

    return put


def test_standalone_hands_its_options_on(
    standing: Callable[[str, str, object], None], tmp_path: Path
) -> None:
    calls: list[tuple[Path, int, str]] = []

    def run_standalone(data: Path, http_port: int, *, host: str, after_start: object) -> int:
        calls.append((data, http_port, host))
        return 0

    standing("docaxis_standalone.main", "run_standalone", run_standalone)
    environment = {"DOCAXIS_HTTP_PORT": "8123"}
    result = CliRunner().invoke(app, ["standalone", "--data", str(tmp_path)], env=environment)
    assert result.exit_code == 0
    assert calls == [(tmp_path, 8123, "127.0.0.1")]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--lang=en", "The axis answers at http://here\n"),
        ("--json", '{"url":"http://here","data":"d"}\n'),
    ],
)
def test_standalone_tells_its_address_when_it_serves(
    standing: Callable[[str, str, object], None], option: str, told: str
) -> None:
    def run_standalone(
        data: Path, http_port: int, *, host: str, after_start: Callable[[object], Awaitable[None]]
    ) -> int:
        asyncio.run(_awaited(after_start(SimpleNamespace(url="http://here"))))
        return 0

    standing("docaxis_standalone.main", "run_standalone", run_standalone)
    result = CliRunner().invoke(app, ["standalone", "--data", "d", option])
    assert (result.exit_code, result.stdout) == (0, told)


async def _awaited(call: Awaitable[None]) -> None:
    await call


def test_a_folder_in_use_is_told_in_words(
    standing: Callable[[str, str, object], None], tmp_path: Path
) -> None:
    def run_standalone(data: Path, http_port: int, *, host: str, after_start: object) -> int:
        raise OSError(f"{data} is in use")

    standing("docaxis_standalone.main", "run_standalone", run_standalone)
    result = CliRunner().invoke(app, ["standalone", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "is in use" in result.stderr


@pytest.mark.parametrize(("before", "exit_code"), [("aa", 0), ("", 0), ("bb", 1)])
def test_rebuild_tells_whether_views_came_out_the_same(
    standing: Callable[[str, str, object], None], tmp_path: Path, before: str, exit_code: int
) -> None:
    async def rebuild_views(data: Path, views: Sequence[str]) -> list[Rebuilt]:
        if views:
            raise KeyError(views[0])
        return [Rebuilt("documents", before, "aa")]

    standing("docaxis_standalone.rebuild", "rebuild_views", rebuild_views)
    result = CliRunner().invoke(app, ["rebuild", "--data", str(tmp_path), "--json"])
    assert result.exit_code == exit_code
    assert json.loads(result.stdout)[0]["same"] is (before == "aa")
    unknown = CliRunner().invoke(app, ["rebuild", "nothing", "--data", str(tmp_path)])
    assert (unknown.exit_code, "nothing" in unknown.stderr) == (2, True)
