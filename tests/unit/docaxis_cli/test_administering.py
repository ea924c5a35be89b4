"""`docaxis admin`, on a real axis in a thread: from the first administrator to a revoked key."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from docaxis_cli.main import app
from docaxis_standalone.composition import running_axis
from docaxis_trust.jwk_set import public_jwk

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    data = tmp_path / "data"
    running = running_axis(data)
    axis = asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(60)

    def command(*arguments: str) -> Result:
        environment = {"DOCAXIS_DATA": str(data), "DOCAXIS_URL": axis.url, "LANG": "en"}
        return CliRunner().invoke(app, ["admin", *arguments], env=environment)

    try:
        yield command
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_axis_is_run_from_the_command_line(run: Run, tmp_path: Path) -> None:
    made = run("create", "chief")
    assert made.exit_code == 0, made.output
    assert "docaxis admin systems --as chief" in made.stdout
    assert run("create", "chief").exit_code == 2
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([{"code": "H29", "name": "Thành phố", "level": 1}]))
    assert parsed(run("organisations", str(listed), "--json"))[0]["result"] == "registered"
    listed.write_text(json.dumps([{"code": "H29.1", "name": "Sở", "level": 2, "parent": "Z"}]))
    refused = run("organisations", str(listed))
    assert (refused.exit_code, refused.stdout.strip()) == (1, "H29.1: parent_unknown")
    system = parsed(run("register", "QLVB", "--organisation", "H29", "--json"))["id"]
    key = tmp_path / "key.json"
    key.write_text(json.dumps(public_jwk(Ed25519PrivateKey.generate().public_key())))
    added = parsed(run("credential", system, "--key", str(key), "--json"))
    secret = run("credential", system, "--secret")
    assert "told this once" in secret.stdout
    for each in (("organisation", "H29", "lock"), ("policy", "H29", "required")):
        assert run(*each).exit_code == 0
    assert run("system", system, "lock").exit_code == 0
    told = run("systems")
    assert "[locked]: H29" in told.stdout
    assert f"key {added['id']}" in told.stdout
    dates = ("--from", "2026-01-01", "--until", "2099-12-31T17:00")
    assert run("validity", system, added["id"], *dates).exit_code == 0
    assert run("security-level", system, "3", "--since", "2026-01-02").exit_code == 0
    assert run("system", system, "unlock").exit_code == 0
    for state in ("testing", "connected"):
        assert run("onboard", system, state).exit_code == 0
    listing = run("systems").stdout
    assert "direct connected (3) QLVB" in listing
    assert "01/01/2026 00:00:00 – 31/12/2099 17:00:00" in listing
    assert run("revoke", system, added["id"]).exit_code == 0
    assert added["id"] not in run("systems").stdout
    assert run("serve", system).exit_code == 0
    listed.write_text(json.dumps([{"code": "H30", "name": "Tỉnh", "level": 1}]))
    assert run("organisations", str(listed)).exit_code == 0
    assert run("merge", "H30", "--into", "H29", "--on", "2025-07-01").exit_code == 0
    assert "H30 1 Tỉnh → H29 2025-07-01" in run("find", "tinh").stdout


def test_wrong_calls_are_told(run: Run, tmp_path: Path) -> None:
    assert run("create", "chief").exit_code == 0
    assert run("system", "x", "explode").exit_code == 2
    assert run("onboard", "x", "explode").exit_code == 2
    assert run("merge", "x", "--into", "y", "--on", "tomorrow").exit_code == 2
    assert run("validity", "x", "y", "--until", "tomorrow").exit_code == 2
    assert run("credential", "x").exit_code == 2
    assert run("credential", "x", "--secret").exit_code == 1
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert run("organisations", str(broken)).exit_code == 2
    assert run("credential", "x", "--certificate", str(broken)).exit_code == 2
    assert run("create", "../x").exit_code == 2


def test_accounts_are_kept_from_the_command_line(run: Run, tmp_path: Path) -> None:
    assert run("create", "chief").exit_code == 0
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([{"code": "H29", "name": "Thành phố", "level": 1}]))
    assert run("organisations", str(listed)).exit_code == 0
    who = ("--name", "Nguyễn Văn An", "--email", "an@h29.example", "--phone", "028 3829 6052")
    made = run("account", "register", "an.nv", "--organisation", "H29", *who, "--json")
    account = parsed(made)["id"]
    granted = run(
        "account", "grant", account, "clerk", "--organisation", "H29", "--from", "2026-01-01"
    )
    assert granted.exit_code == 0, granted.output
    assert run("account", "grant", account, "auditor", "--from", "2099-01-01").exit_code == 0
    shown = run("account", "show", "--login", "AN.NV").stdout
    assert shown.splitlines() == [
        f"{account} H29 an.nv Nguyễn Văn An",
        "    clerk H29 2026-01-01–…",
        "    auditor everywhere 2099-01-01–… [not in force]",
    ]
    whole = parsed(run("account", "show", account, "--json"))
    assert whole["person"]["phone"] == "028 3829 6052"
    assert run("account", "lock", account).exit_code == 0
    assert "[locked]" in run("account", "list", "--organisation", "H29").stdout
    assert run("account", "unlock", account).exit_code == 0
    assert run("account", "end", account, "clerk", "--organisation", "H29").exit_code == 0
    assert run("account", "person", account, "--name", "Nguyễn Văn Ánh").exit_code == 0
    (changed,) = parsed(run("account", "list", "--json"))
    assert changed["person"] == {"name": "Nguyễn Văn Ánh", "email": None, "phone": None}
    assert not any(each["in_force"] for each in changed["roles"])
    asked_back = run("account", "erase", account)
    assert asked_back.exit_code == 1, "nobody said yes"
    assert parsed(run("account", "show", account, "--json"))["state"] == "active"
    assert run("account", "erase", account, "--yes").exit_code == 0
    erased = run("account", "show", account, "--lang", "vi").stdout.splitlines()[0]
    assert erased == f"{account} H29 – – [đã bị xóa]"


def test_wrong_calls_about_accounts_are_told(run: Run) -> None:
    assert run("create", "chief").exit_code == 0
    assert run("account", "show").exit_code == 2
    assert run("account", "show", "x", "--login", "y").exit_code == 2
    unknown = run("account", "show", "x")
    assert (unknown.exit_code, "[account_unknown]" in unknown.output) == (1, True)
    refused = run("account", "register", "an.nv", "--organisation", "Z9", "--name", "An")
    assert (refused.exit_code, "[unknown_organisation]" in refused.output) == (1, True)
    bad = run("account", "register", "an nv", "--organisation", "Z9", "--name", "An")
    assert (bad.exit_code, "/login" in bad.output) == (1, True)
