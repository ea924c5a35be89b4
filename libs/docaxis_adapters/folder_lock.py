"""A folder belongs to one process: two writers of one log would each give the same offsets."""

import fcntl
import os
from pathlib import Path


class FolderInUse(OSError):
    """Another process (or another object in this one) has opened this folder's data."""


class FolderLock:
    """An exclusive `flock` on a lock file; the system frees it when the process ends."""

    def __init__(self, file: Path) -> None:
        """Take the lock or raise `FolderInUse`, which names the folder."""
        self._descriptor: int | None = os.open(
            file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise FolderInUse(f"{file.parent} is in use by another process ({file.name})") from None

    def release(self) -> None:
        """Give the lock back. Harmless when repeated."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
