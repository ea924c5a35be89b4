"""The files of a folder that an operator fills, listed again when it changed."""

import os
import time
from pathlib import Path

_SETTLED_NS = 2_000_000_000
"""A folder that changed this lately may change again without its time showing it."""


class FolderFiles:
    """The files with some suffixes, sorted; none without a folder, or where it does not exist."""

    def __init__(self, folder: Path | None, suffixes: tuple[str, ...]) -> None:
        self._folder = folder
        self._suffixes = suffixes
        self._listed: tuple[Path, ...] = ()
        self._as_of: tuple[int, int] | None = None

    def paths(self) -> tuple[Path, ...]:
        """The paths now: one system call, and a listing where something came or went."""
        if self._folder is None:
            return ()
        try:
            status = os.stat(self._folder)
            as_of = (status.st_ino, status.st_mtime_ns)
            if as_of != self._as_of:
                names = sorted(os.listdir(self._folder))
                self._listed = tuple(
                    self._folder / name for name in names if name.endswith(self._suffixes)
                )
                settled = abs(time.time_ns() - status.st_mtime_ns) > _SETTLED_NS
                self._as_of = as_of if settled else None
        except (FileNotFoundError, NotADirectoryError):
            self._listed, self._as_of = (), None
        return self._listed
