import json
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docaxis_cli.ping_messages import PING
from docaxis_cli.ping_steps import REMEDIES, STEPS
from tests.unit.docaxis_cli.conftest import Command


def steps(docaxis: Command, *arguments: str, code: int) -> dict[str, dict[str, Any]]:
    result = docaxis("ping", "--as", "office", "--json", *arguments)
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert told["ok"] == (code == 0)
    assert [each["step"] for each in told["steps"]] == list(STEPS)
    return {each["step"]: each for each in told["steps"]}


def test_all_is_well_and_nothing_changed(docaxis: Command) -> None:
    found = steps(docaxis, code=0)
    assert all(each["ok"] for each in found.values())
    assert found["organisations"]["detail"] == "G22"
    assert not docaxis.axis.idempotency_keys
    assert docaxis.axis.count("POST", "/deliveries:acknowledge") == 0


@pytest.mark.parametrize(("lang", "word"), [("en", "the axis answers"), ("vi", "trục trả lời")])
def test_each_step_is_a_line_in_both_languages(docaxis: Command, lang: str, word: str) -> None:
    result = docaxis("ping", "--as", "office", "--lang", lang)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == len(STEPS)
    assert all(each.startswith("✔") for each in lines)
    assert word in lines[1]


def test_where_nothing_answers_it_says_so_and_tries_nothing_more(docaxis: Command) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    found = steps(docaxis, "--url", url, code=3)
    assert found["connect"]["ok"] is False
    assert all(found[each]["ok"] is None for each in STEPS[2:])
    result = docaxis("ping", "--as", "office", "--url", url)
    assert "✘" in result.stdout
    assert "firewall" in result.stdout
    assert result.stdout.count("–") == len(STEPS) - 2


@pytest.mark.parametrize("url", ["ftp://x", "http://127.0.0.1:99999999", "nonsense"])
def test_what_is_no_address_is_told(docaxis: Command, url: str) -> None:
    assert steps(docaxis, "--url", url, code=3)["connect"]["ok"] is False


def test_without_tls_there_the_step_says_what_to_do(docaxis: Command) -> None:
    url = docaxis.axis.url.replace("http:", "https:")
    found = steps(docaxis, "--url", url, code=3)
    assert (found["connect"]["ok"], found["tls"]["ok"]) == (True, False)


def test_an_axis_that_waits_says_for_what(docaxis: Command) -> None:
    docaxis.axis.waits_for["kafka"] = "no broker answers"
    found = steps(docaxis, code=3)
    assert (found["axis"]["ok"], found["axis"]["code"]) == (False, "unavailable")
    assert "no broker answers" in found["axis"]["detail"]


def test_a_clock_that_is_off_is_found_before_the_credential(
    docaxis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr("docaxis_cli.pinging.time", SimpleNamespace(time=lambda: real() + 90))
    found = steps(docaxis, code=1)
    assert (found["clock"]["ok"], found["clock"]["code"]) == (False, "clock_skewed")
    assert "+90" in found["clock"]["detail"] or "+89" in found["clock"]["detail"]
    assert found["credential"]["ok"] is None


def test_a_credential_that_is_not_taken(docaxis: Command) -> None:
    docaxis.axis.fail("POST", "/token", "expired")
    found = steps(docaxis, code=1)
    assert (found["credential"]["ok"], found["credential"]["code"]) == (False, "token_expired")


def test_a_system_that_serves_nobody(docaxis: Command) -> None:
    credentials = docaxis.axis.new_system()
    docaxis.axis.write_credentials(docaxis.data / "clients", "office", credentials)
    found = steps(docaxis, code=1)
    assert found["organisations"]["code"] == "no_organisations"
    result = docaxis("ping", "--as", "office")
    assert "administrator" in result.stdout


def test_a_step_that_is_refused_has_its_code(docaxis: Command) -> None:
    docaxis.axis.fail("GET", "/inbox", "page")
    found = steps(docaxis, code=1)
    assert found["inbox"]["ok"] is False


def test_every_remedy_has_words(docaxis: Command, tmp_path: Path) -> None:
    for remedy in REMEDIES.values():
        assert remedy in PING
    for step in STEPS:
        assert f"ping_{step}" in PING
        assert f"ping_fix_{step}" in PING
