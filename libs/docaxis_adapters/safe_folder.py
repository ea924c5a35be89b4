"""Opening folders and files below a root so that no name and no symbolic link leads elsewhere.

Names are checked by a pattern, and each step down is taken with `O_NOFOLLOW` from the folder
above, so that a link planted inside cannot redirect a read or a write.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_MODE = 0o600
FOLDER_MODE = 0o700


def checked_id(name: str) -> str:
    """The name, where it is an id: letters, digits, `_`, `-`, and dots but not at the start."""
    if not _ID.fullmatch(name):
        raise ValueError(f"not an id: {name!r}")
    return name


def checked_digest(digest: str) -> str:
    """The digest, where it is 64 lower-case hex digits."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256 digest: {digest!r}")
    return digest


def make_root(root: Path) -> None:
    """Create the root itself, private; links above it are the administrator's business."""
    root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


@contextmanager
def opened_folder(root: Path, *names: str, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder below `root`; `make` creates what is missing on the way.

    Raises `FileNotFoundError`, and `OSError` (ELOOP, ENOTDIR) where a link lies in the way.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, FOLDER_MODE, dir_fd=descriptor)
            below = os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_to_read(name: str, folder: int) -> int:
    """A descriptor of a file in an open folder, never through a link."""
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def open_new(name: str, folder: int) -> int:
    """A descriptor of a file that did not exist, private."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, FILE_MODE, dir_fd=folder)


def write_all(descriptor: int, content: bytes | bytearray | memoryview) -> None:
    """Write everything; `os.write` alone may stop early on a disk that fills."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def remove_quietly(name: str, folder: int) -> bool:
    """Remove a file if it is there; tells whether it was."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
