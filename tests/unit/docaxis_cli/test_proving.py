import json
from pathlib import Path

import pytest

from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.receipts import sign_receipt
from tests.unit.docaxis_cli.conftest import Command


@pytest.fixture
def receipt(docaxis: Command, pdf: Path) -> dict[str, str]:
    docaxis("send", str(pdf), "--as", "office", "--to", "H29")
    (receipt,) = docaxis.axis.receipts.values()
    return dict(receipt)


def test_a_receipt_is_checked_by_its_id(docaxis: Command, receipt: dict[str, str]) -> None:
    result = docaxis("verify", receipt["id"], "--as", "office")
    assert result.exit_code == 0
    assert "GENUINE" in result.stdout
    assert receipt["document_id"] in result.stdout


def test_a_receipt_in_a_file_is_checked_with_published_keys(
    docaxis: Command, receipt: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "receipt.jws"
    path.write_text(receipt["jws"] + "\n")
    result = docaxis("verify", str(path), "--url", docaxis.axis.url, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["claims"]["document_id"] == receipt["document_id"]


def test_a_receipt_is_checked_offline(
    docaxis: Command, receipt: dict[str, str], tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt, default=str))
    saved = docaxis("verify", str(path), "--url", docaxis.axis.url, "--save-keys", str(keys))
    assert saved.exit_code == 0
    calls = len(docaxis.axis.calls)
    assert docaxis("verify", str(path), "--keys", str(keys)).exit_code == 0
    assert docaxis("verify", receipt["jws"], "--keys", str(keys)).exit_code == 0
    assert len(docaxis.axis.calls) == calls
    other = docaxis("verify", str(path), "--keys", str(keys), "--document", "another")
    assert other.exit_code == 4
    assert "receipt_about_other" in other.stderr


def test_a_forged_receipt_is_exit_code_4(
    docaxis: Command, receipt: dict[str, str], tmp_path: Path
) -> None:
    forged = sign_receipt({"iss": "docaxis"}, KeyFileSigner.create(tmp_path / "forger.pem"))
    result = docaxis("verify", forged, "--url", docaxis.axis.url)
    assert result.exit_code == 4
    assert "receipt_unknown_key" in result.stderr
    result = docaxis("verify", forged, "--url", docaxis.axis.url, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["valid"] is False


def test_what_is_no_receipt_is_wrong_usage(docaxis: Command, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    for text in (str(tmp_path / "no.json"), str(tmp_path / "missing.jws")):
        assert docaxis("verify", text, "--url", docaxis.axis.url).exit_code == 2
    (tmp_path / "keys.json").write_text("?")
    result = docaxis("verify", "ey.a.b", "--keys", str(tmp_path / "keys.json"))
    assert (result.exit_code, "key set" in result.stderr) == (2, True)


def test_a_timeline_with_a_forged_receipt_is_exit_code_4(
    docaxis: Command, receipt: dict[str, str], tmp_path: Path
) -> None:
    forger = KeyFileSigner.create(tmp_path / "forger.pem")
    (kept,) = docaxis.axis.receipts.values()
    kept["jws"] = sign_receipt({"iss": "docaxis"}, forger)
    assert docaxis("timeline", receipt["document_id"], "--as", "office").exit_code == 4
