"""`docaxis export` and `import` as typed: what they say, refuse and leave alone."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docaxis_cli.main import app
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import composed_axis, running_axis
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.moving_secrets import carry_secrets
from docaxis_trust.private_files import PrivateFileRefused


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an axis that knows the demonstration's agencies, stopped."""
    data = tmp_path_factory.mktemp("house") / "data"

    async def furnish() -> None:
        async with running_axis(data) as axis:
            await bootstrap_demo(axis.clients, axis.folder, axis.url)

    asyncio.run(furnish())
    return data


def run(*arguments: str | Path) -> tuple[int, str, str]:
    environment = {"LANG": "en", "LC_ALL": "", "LC_MESSAGES": "", "COLUMNS": "200"}
    result = CliRunner().invoke(app, [str(each) for each in arguments], env=environment)
    return result.exit_code, result.stdout, result.stderr


def test_an_axis_moves_with_its_keys(house: Path, tmp_path: Path) -> None:
    out, new, keys = tmp_path / "out", tmp_path / "new", tmp_path / "keys"
    code, told, _ = run("export", out, "--data", house, "--secrets", keys, "--json")
    assert code == 0
    exported = json.loads(told)
    assert exported["export"]["partitions"] == 12
    assert exported["export"]["records"] > 0
    code, told, _ = run(
        *("import", out, "--data", new, "--secrets", keys, "--json"),
        *("--digest", exported["export"]["digest"]),
    )
    assert code == 0
    assert json.loads(told)["import"]["records"] == exported["export"]["records"]
    for name in exported["secrets"]:
        assert (new / name).read_bytes() == (house / name).read_bytes()
        assert (new / name).stat().st_mode & 0o077 == 0
    code, told, _ = run("import", out, "--data", new)
    assert code == 0
    assert "imported before" in told


def test_no_secret_is_in_an_export(house: Path, tmp_path: Path) -> None:
    code, told, _ = run("export", tmp_path / "out", "--data", house)
    assert code == 0
    assert "keys/receipts.pem" in told  # said to be left behind
    secrets = [
        each.read_bytes()
        for below in ("secrets", "keys", "clients")
        for each in (house / below).iterdir()
        if each.suffix != ".json"
    ]
    assert len(secrets) >= 3
    exported = [each.read_bytes() for each in (tmp_path / "out").rglob("*") if each.is_file()]
    assert not [one for one in secrets for each in exported if one in each]


def test_an_axis_that_runs_is_not_exported(house: Path, tmp_path: Path) -> None:
    async def beside_it() -> tuple[int, str, str]:
        async with composed_axis(house, http_port=0):
            return await asyncio.to_thread(run, "export", tmp_path / "out", "--data", house)

    code, _, said = asyncio.run(beside_it())
    assert code == 2
    assert "in use by another process" in said
    assert not (tmp_path / "out").exists()


def test_where_there_is_no_axis_nothing_is_made(tmp_path: Path) -> None:
    code, _, said = run("export", tmp_path / "out", "--data", tmp_path / "nowhere")
    assert code == 2
    assert "there is no axis here" in said
    assert list(tmp_path.iterdir()) == []


def test_an_axis_is_not_imported_into_itself(house: Path, tmp_path: Path) -> None:
    assert run("export", tmp_path / "out", "--data", house)[0] == 0
    code, told, _ = run("import", tmp_path / "out", "--data", house, "--json")
    assert code == 1
    assert json.loads(told)["error"]["code"] == "axis_not_empty"


def test_another_digest_than_the_one_told_is_refused(house: Path, tmp_path: Path) -> None:
    assert run("export", tmp_path / "out", "--data", house)[0] == 0
    arguments = ("import", tmp_path / "out", "--data", tmp_path / "new", "--digest", "0" * 64)
    code, told, _ = run(*arguments, "--json")
    assert (code, json.loads(told)["error"]["code"]) == (1, "other_export")
    assert not (tmp_path / "new").exists()


def test_a_damaged_export_ends_with_the_code_of_what_is_not_proven(
    house: Path, tmp_path: Path
) -> None:
    assert run("export", tmp_path / "out", "--data", house)[0] == 0
    segment = next(each for each in (tmp_path / "out" / "log").rglob("*.gz"))
    segment.write_bytes(segment.read_bytes()[:-1])
    code, _, said = run("import", tmp_path / "out", "--data", tmp_path / "new")
    assert code == 4
    assert "[export_damaged]" in said


@pytest.mark.parametrize("where", ["", "keys", ".."])
def test_secrets_lie_apart_from_the_export(house: Path, tmp_path: Path, where: str) -> None:
    out = tmp_path / "a" / "out"
    code, _, said = run("export", out, "--data", house, "--secrets", out / where)
    assert code == 2
    assert "apart" in said
    assert not out.exists()


def test_a_cluster_is_told_by_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCAXIS_KAFKA_SERVERS", raising=False)
    code, _, said = run("export", tmp_path / "out", "--cluster")
    assert code == 2
    assert "DOCAXIS_KAFKA_SERVERS" in said
    assert "DOCAXIS_S3_ENDPOINT" in said
    code, _, said = run("export", tmp_path / "out", "--cluster", "--secrets", tmp_path / "keys")
    assert code == 2
    assert "by hand" in said


def test_another_key_is_not_written_over(house: Path, tmp_path: Path) -> None:
    carry_secrets(house, tmp_path / "keys")
    assert carry_secrets(house, tmp_path / "keys")  # again is harmless
    DataFolder(tmp_path / "new").make()
    (tmp_path / "new" / "keys" / "receipts.pem").write_text("another")
    with pytest.raises(FileExistsError, match=r"receipts\.pem"):
        carry_secrets(tmp_path / "keys", tmp_path / "new")


def test_a_secret_that_others_may_read_is_none(house: Path, tmp_path: Path) -> None:
    carry_secrets(house, tmp_path / "keys")
    (tmp_path / "keys" / "keys" / "receipts.pem").chmod(0o644)
    with pytest.raises(PrivateFileRefused):
        carry_secrets(tmp_path / "keys", tmp_path / "new")
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="0700"):
        carry_secrets(house, tmp_path / "open")
