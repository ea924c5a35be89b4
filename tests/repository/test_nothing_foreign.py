"""What must never be committed: addresses, machine paths, keys, and things left for later."""

import re

from tests.repository.repository import files, text_files

# Written in pieces, so that this file does not find itself.
_REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "python" + "hosted", "--(extra-)?index" + "-url"))
)
_MACHINE_PATHS = re.compile(
    "|".join(("/ro" + r"ot/\w", "/ho" + r"me/\w", "/Us" + r"ers/\w", "/wo" + r"rk/\w"))
)
_KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----\s+[A-Za-z0-9+/=]{20,}")
_LATER = re.compile(
    r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b"
)


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()[:60]}"
        for path, text in text_files().items()
        for match in pattern.finditer(text)
    ]


def test_no_registry_is_named() -> None:
    assert _found(_REGISTRIES) == []


def test_requirements_hold_no_address() -> None:
    for path, text in text_files().items():
        if path.parts[0] == "requirements":
            assert "://" not in text, path


def test_no_path_of_somebodys_machine() -> None:
    assert _found(_MACHINE_PATHS) == []


def test_no_private_key_is_committed() -> None:
    assert _found(_KEY) == []
    assert [path for path in files() if path.suffix in (".key", ".p12", ".pfx")] == []


def test_nothing_is_left_for_later_in_a_comment() -> None:
    assert _found(_LATER) == []
