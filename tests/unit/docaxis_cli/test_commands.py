import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from docaxis_cli.main import _COMMANDS, app
from tests.unit.docaxis_cli.conftest import Command


def parsed(result: Result) -> Any:
    assert result.stderr == ""
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", [name for name, _ in _COMMANDS])
def test_every_command_has_help_that_tells_the_exit_codes(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Exit codes" in result.stdout
    assert "Usage" in result.stdout
    assert "--json" in result.stdout


def test_help_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys; from docaxis_cli.main import app; from typer.testing import CliRunner;"
        "CliRunner().invoke(app, ['--help']);"
        "slow = ('aiohttp', 'rich', 'cryptography', 'fpdf', 'grpc', 'docaxis_standalone.main');"
        "print([each for each in slow if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_whoami_tries_the_connection(docaxis: Command) -> None:
    result = docaxis("whoami", "--as", "office")
    assert result.exit_code == 0
    assert "Văn phòng Chính phủ" in result.stdout
    assert (
        parsed(docaxis("whoami", "--as", "office", "--json"))["organisations"][0]["code"] == "G22"
    )


def test_a_newcomer_sends_a_pdf(docaxis: Command, pdf: Path) -> None:
    result = docaxis("send", str(pdf), "--as", "office", "--to", "H29")
    assert result.exit_code == 0
    assert "--from 'G22'" in result.stdout
    assert "--signer 'Người ký mẫu'" in result.stdout
    (document,) = docaxis.axis.documents.values()
    assert document["subject"] == "Thư mời.pdf"
    assert document["files"][0]["media_type"] == "application/pdf"
    assert f"docaxis timeline {document['id']}" in result.stdout


def test_what_is_said_is_sent(docaxis: Command, pdf: Path) -> None:
    options = {
        "subject": "Về việc họp",
        "number": "12",
        "notation": "VPCP-KSTT",
        "type": "Giấy mời",
        "signer": "Người ký mẫu 2",
        "position": "Vụ trưởng",
        "competence": "TL.",
        "place": "Huế",
        "date": "2026-11-20",
        "id": "G22,2026/11/20,12/VPCP-KSTT",
        "from": "G22",
    }
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    both = ("--to", "H29", "--to", "H26")
    result = docaxis("send", str(pdf), "--as", "office", *both, *flags, "--json")
    assert parsed(result)["status"] == "accepted"
    (document,) = docaxis.axis.documents.values()
    assert document["sender_document_id"] == options["id"]
    assert document["signer"]["competence"] == "TL."
    assert document["promulgated_on"] == "2026-11-20"
    assert [each["code"] for each in document["recipients"]] == ["H29", "H26"]


def test_sending_twice_is_one_document(docaxis: Command, pdf: Path) -> None:
    first = parsed(docaxis("send", str(pdf), "--as", "office", "--to", "H29", "--json"))
    second = docaxis("send", str(pdf), "--as", "office", "--to", "H29")
    assert len(docaxis.axis.documents) == 1
    assert first["id"] in second.stdout
    assert "Accepted before" in second.stdout


def test_the_whole_way(docaxis: Command, pdf: Path, tmp_path: Path) -> None:
    sent = parsed(docaxis("send", str(pdf), "--as", "office", "--to", "H29", "--json"))
    page = parsed(docaxis("inbox", "--as", "hatinh", "--json"))
    delivery = page["items"][0]["delivery_id"]
    shown = docaxis("inbox", "--as", "hatinh")
    assert delivery in shown.stdout
    folder = tmp_path / "received"
    got = parsed(docaxis("get", delivery, "--as", "hatinh", "-o", str(folder), "--json"))
    assert got["document_id"] == sent["id"]
    assert (folder / "Thư mời.pdf").read_bytes() == pdf.read_bytes()
    again = docaxis("get", sent["id"], "--as", "hatinh", "-o", str(folder))
    assert "unchanged" in again.stdout
    assert docaxis("ack", "--all", "--as", "hatinh").exit_code == 0
    assert "Nothing waits" in docaxis("ack", "--all", "--as", "hatinh").stdout
    assert docaxis("status", delivery, "03", "--as", "hatinh").exit_code == 0
    timeline = docaxis("timeline", sent["id"], "--as", "office")
    assert timeline.exit_code == 0
    for words in ("03 đã tiếp nhận", "01 đã đến", "handed_over", "genuine", "Người ký mẫu"):
        assert words in timeline.stdout
    whole = parsed(docaxis("timeline", sent["id"], "--as", "office", "--json"))
    assert [each["proven"] for each in whole["receipts"]] == [True, True]


def test_a_refused_status_is_exit_code_1(docaxis: Command, pdf: Path) -> None:
    docaxis("send", str(pdf), "--as", "office", "--to", "H29")
    page = parsed(docaxis("inbox", "--as", "hatinh", "--json"))
    result = docaxis("status", page["items"][0]["delivery_id"], "02", "--as", "hatinh")
    assert result.exit_code == 1
    assert "reason_required" in result.stdout


def test_a_refusal_names_the_field_and_suggests(docaxis: Command, pdf: Path) -> None:
    arguments = ("send", str(pdf), "--as", "office", "--to", "H299")
    result = docaxis(*arguments)
    assert result.exit_code == 1
    assert "/recipients/0" in result.stderr
    assert "did you mean: H29" in result.stderr
    assert "có phải ý bạn là: H29" in docaxis(*arguments, "--lang", "vi").stderr
    error = parsed(docaxis(*arguments, "--json"))["error"]
    assert (error["code"], error["errors"][0]["pointer"]) == ("no_valid_recipient", "/recipients/0")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("whoami",), "--as NAME, one of: hanoi, hatinh, office"),
        (("whoami", "--as", "nobody"), "hanoi, hatinh, office"),
        (("whoami", "--as", "office", "--lang", "fr"), "--lang"),
        (("ack", "--as", "office"), "--all"),
        (("send", "missing.pdf", "--to", "H29", "--as", "office"), "missing.pdf"),
        (("inbox", "--as", "office", "--wait", "51"), "--wait"),
        (("whoami", "--credentials", "no-such-file.json"), "no-such-file.json"),
        (("demo", "--url", "http://127.0.0.1:1"), "--credentials-folder"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    docaxis: Command, arguments: tuple[str, ...], told: str
) -> None:
    result = docaxis(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_wrong_date_is_told(docaxis: Command, pdf: Path) -> None:
    result = docaxis("send", str(pdf), "--to", "H29", "--as", "office", "--date", "22/11/2026")
    assert result.exit_code == 2
    assert "YYYY-MM-DD" in result.stderr


def test_no_axis_is_exit_code_3(docaxis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from docaxis_client.client import DocaxisClient

    monkeypatch.setattr(DocaxisClient.__init__, "__kwdefaults__", {
        **(DocaxisClient.__init__.__kwdefaults__ or {}), "attempts": 1,
    })  # fmt: skip
    result = docaxis("whoami", "--as", "office", "--url", "http://127.0.0.1:1", "--json")
    assert result.exit_code == 3
    assert parsed(result)["error"]["code"] == "unavailable"


def test_following_the_inbox_tells_line_by_line(docaxis: Command, pdf: Path) -> None:
    command = [sys.executable, "-m", "docaxis_cli", "inbox", "--as", "hatinh", "--follow", "--json"]
    following = subprocess.Popen([*command, "--data", str(docaxis.data)], stdout=subprocess.PIPE)
    try:
        time.sleep(0.2)
        docaxis("send", str(pdf), "--as", "office", "--to", "H29")
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["organisation"] == "H29"
    finally:
        following.terminate()
        following.communicate(timeout=10)


def test_watching_goes_on_over_connections_and_tells_line_by_line(docaxis: Command) -> None:
    result = docaxis("watch", "--as", "office", "--count", "5", "--cursor", "7", "--json")
    assert result.exit_code == 0
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["cursor"] for each in told] == ["8", "9", "10", "11", "12"]
    result = docaxis("watch", "--as", "office", "--type", "status.reported", "--count", "1")
    assert "status.reported" in result.stdout
    assert "document-1" in result.stdout


def test_words_are_vietnamese_where_the_environment_is(docaxis: Command) -> None:
    assert "Bạn là hệ thống" in docaxis("whoami", "--as", "office", lang="vi_VN.UTF-8").stdout
    assert "You are system" in docaxis("whoami", "--as", "office", lang="C.UTF-8").stdout


def test_every_message_has_both_languages_with_the_same_places() -> None:
    from string import Formatter

    from docaxis_cli.messages import _CATALOGUE

    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for key, (english, vietnamese) in _CATALOGUE.items():
        assert english and vietnamese, key
        assert places(english) == places(vietnamese), key


def test_statistics_by_level_and_of_ones_own(docaxis: Command) -> None:
    period = ("--from", "2019-03-12", "--to", "2019-11-12")
    result = docaxis("statistics", "--as", "office", *period)
    assert result.exit_code == 0
    for words in (
        "2019-03-12",
        "1 ministries, sectors",
        "recall",
        "total",
        "full chain",
        "41 (41)",
    ):
        assert words in result.stdout
    told = parsed(docaxis("statistics", "--as", "office", "--own", "--json", *period))
    assert told["figures"]["total"] == {"sent": 0, "received": 7}
    assert told["figures"]["items"][0]["code"] == "G22"
    assert told["feedback"]["items"][0]["units"]["part"] == 22


def test_statuses_that_fit_no_delivery_are_listed(docaxis: Command) -> None:
    result = docaxis("unmatched", "--as", "office")
    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["d", "03"])
    told = parsed(docaxis("unmatched", "--as", "office", "--json"))
    assert [each["delivery_id"] for each in told["items"]] == ["d"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2018",), "2019"),
        (("2019", "--scale", "2"), "at most 1"),
        (("2019", "--scale", "viel"), "at most 1"),
        (("2019", "--stopped", "H99"), "H99"),
        (("2019", "--url", "http://127.0.0.1:9"), "--credentials-folder"),
    ],
)
def test_a_simulation_that_cannot_start_says_why(
    docaxis: Command, arguments: tuple[str, ...], words: str
) -> None:
    result = docaxis("simulate", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_check_tells_what_would_be_answered_and_sends_nothing(
    docaxis: Command, pdf: Path, tmp_path: Path
) -> None:
    codes = tmp_path / "recipients.txt"
    codes.write_text("H26\n\n H27 \n", encoding="utf-8")
    options = ["send", str(pdf), "--as", "office", "--to", "H29", "--to-file", str(codes)]
    result = docaxis(*options, "--check", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "Nothing was sent" in result.stdout
    assert "file_unsigned" in result.stdout
    found = parsed(docaxis(*options, "--check", "--json"))
    assert [each["code"] for each in found["recipients"]] == ["H29", "H26", "H27"]
    assert docaxis.axis.documents == {}
    assert docaxis("send", str(pdf), "--as", "office").exit_code == 2


def test_dead_letters_are_listed_and_sent_again(docaxis: Command) -> None:
    result = docaxis("deliveries", "--as", "office")
    assert result.exit_code == 0, result.output
    assert "H29" in result.stdout
    assert parsed(docaxis("deliveries", "--as", "office", "--json"))["items"][0]["id"] == "d"
    assert docaxis("resend", "d", "--as", "office").exit_code == 0
    assert docaxis("resend", "refused", "--as", "office").exit_code == 1
