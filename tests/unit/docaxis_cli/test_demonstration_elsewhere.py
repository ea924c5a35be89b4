"""`docaxis demo --url … --registry …`: on an axis that runs, with systems it registers there."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docaxis_cli.main import app
from docaxis_standalone.composition import Axis, running_axis


@pytest.fixture
def axis(tmp_path: Path) -> Iterator[Axis]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = running_axis(tmp_path / "axis")
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_its_systems_are_registered_and_it_is_played_with_them(axis: Axis, tmp_path: Path) -> None:
    # The anchors are a folder of the axis, which a deployment mounts into both.
    own = tmp_path / "own"
    own.mkdir()
    (own / "trust").symlink_to(axis.folder.root / "trust")
    registry = f"unix:{axis.folder.socket}"
    arguments = ["demo", "--url", axis.url, "--registry", registry, "--data", str(own), "--json"]
    played = CliRunner().invoke(app, arguments)
    assert played.exit_code == 0, played.output
    assert {"office.json", "hanoi.json", "hatinh.json"} <= {
        each.name for each in (own / "clients").iterdir()
    }
    assert json.loads((own / "clients" / "office.json").read_text())["base_url"] == axis.url


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--registry", "dns:///registry:50051"], "--data"),
        (["--registry", "dns:///registry:50051", "--data", "own"], "needs TLS"),
        (["--registry", "r:1", "--data", "own", "--tls-key", "tls.key"], "go together"),
    ],
)
def test_what_is_missing_is_told(
    more: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["demo", "--url", "http://127.0.0.1:9", *more])
    assert refused.exit_code == 2
    assert told in refused.output


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = CliRunner().invoke(app, ["keys", str(folder), "--json"])
    assert made.exit_code == 0, made.output
    assert len(json.loads(made.stdout)["made"]) == sum(each.is_file() for each in folder.rglob("*"))
    again = CliRunner().invoke(app, ["keys", str(folder), "--json"])
    assert json.loads(again.stdout)["made"] == []
