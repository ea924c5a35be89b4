"""Files of a folder: every change is seen, and a folder that stands still is not listed again."""

import os
from pathlib import Path

import pytest

from docaxis_signature.folder_files import FolderFiles

LONG_AGO = 1_000_000_000


def names(files: FolderFiles) -> list[str]:
    return [each.name for each in files.paths()]


def test_files_with_the_suffixes_are_told_in_order(tmp_path: Path) -> None:
    for name in ("b.pem", "a.crt", "c.txt"):
        (tmp_path / name).touch()
    assert names(FolderFiles(tmp_path, (".pem", ".crt"))) == ["a.crt", "b.pem"]


def test_what_comes_and_goes_is_seen_at_once(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path, (".pem",))
    assert names(files) == []
    for number in range(50):  # many within one tick of the file system's clock
        (tmp_path / f"{number:02}.pem").touch()
        assert len(names(files)) == number + 1
    os.utime(tmp_path, (LONG_AGO, LONG_AGO))
    assert len(names(files)) == 50
    (tmp_path / "00.pem").unlink()
    assert len(names(files)) == 49


def test_a_folder_that_stands_still_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pem").touch()
    os.utime(tmp_path, (LONG_AGO, LONG_AGO))
    files = FolderFiles(tmp_path, (".pem",))
    assert names(files) == ["a.pem"]
    monkeypatch.delattr(os, "listdir")
    assert names(files) == ["a.pem"]


def test_no_folder_has_no_files(tmp_path: Path) -> None:
    assert FolderFiles(None, (".pem",)).paths() == ()
    files = FolderFiles(tmp_path / "later", (".pem",))
    assert files.paths() == ()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.pem").touch()
    assert names(files) == ["a.pem"]
