"""A real file system that is soon full: a tmpfs of its own, for tests of what a full disk does."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BLOCK = 2**16


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """Mount `mib` MiB at the folder. Skips where this process may not (in CI that is a failure)."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={mib}m,mode=0700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "docaxis-test", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small file system here (it takes root): {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def room(folder: Path) -> int:
    """Bytes that the file system still takes."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(folder: Path, leaving: int = 0) -> Path:
    """Fill the file system but for so many bytes; remove the file to make room again."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        while (left := room(folder) - leaving) > 0:
            try:
                file.write(bytes(min(left, _BLOCK)))
            except OSError:
                break
    return filler
