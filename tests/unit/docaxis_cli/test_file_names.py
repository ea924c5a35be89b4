import hashlib
from pathlib import Path

import pytest

from docaxis_cli.file_names import free_path, safe_name


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Công văn số 12.pdf", "Công văn số 12.pdf"),
        ("Co\u0302ng va\u0306n.pdf", "Công văn.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\thư.pdf", "thư.pdf"),
        (".bashrc", "bashrc"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("a<b>:c?.pdf", "a_b__c_.pdf"),
        ("..", "file"),
        ("", "file"),
        ("CON.pdf", "_CON.pdf"),
        ("tên\u202efdp.exe", "tênfdp.exe"),
    ],
)
def test_names_are_made_safe(given: str, made: str) -> None:
    assert safe_name(given) == made


def test_a_long_vietnamese_name_keeps_its_extension() -> None:
    name = safe_name("Nghị quyết " * 60 + ".pdf")
    assert name.endswith(".pdf")
    assert len(name.encode()) <= 200


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"first")
    second = hashlib.sha256(b"second").hexdigest()
    assert free_path(tmp_path, "a.pdf", second) == (tmp_path / "a (2).pdf", False)
    first = hashlib.sha256(b"first").hexdigest()
    assert free_path(tmp_path, "a.pdf", first) == (tmp_path / "a.pdf", True)
