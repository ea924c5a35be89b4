"""What is fetched is made once and kept whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.cluster.cache import cache_folder, kept


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DOCAXIS_CACHE", str(folder))
    return folder


def test_who_asks_at_the_same_time_gets_the_one_that_was_made(
    own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    together = threading.Barrier(8)
    second = threading.Event()
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        if len(made) > 1:
            second.set()
        second.wait(0.2)  # time for a second maker, which must not come
        (folder / "content").touch()

    def ask() -> bool:
        together.wait()
        return (kept("thing-1", make, "fetching the thing ...") / "content").exists()

    with ThreadPoolExecutor(8) as pool:
        found = [each.result() for each in [pool.submit(ask) for _ in range(8)]]
    assert found == [True] * 8
    assert len(made) == 1
    assert capsys.readouterr().err == "fetching the thing ...\n"
    assert sorted(path.name for path in own_cache.iterdir()) == ["thing-1", "thing-1.lock"]


def test_nothing_is_kept_of_what_failed_and_the_next_tries_again(own_cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        kept("thing-1", fail, "")
    assert [path.name for path in own_cache.iterdir()] == ["thing-1.lock"]
    whole = kept("thing-1", lambda folder: (folder / "whole").touch(), "")
    assert [path.name for path in whole.iterdir()] == ["whole"]


def test_the_folder_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("DOCAXIS_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "docaxis"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "docaxis"
