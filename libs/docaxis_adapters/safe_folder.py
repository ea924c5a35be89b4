"""Opening folders and files below a root so that no name and no symbolic link leads elsewhere.

Names are checked by a pattern, and each step down is taken with `O_NOFOLLOW` from the folder
above, so that a link planted inside cannot redirect a read or a write. Where the kernel can
(`open_without_links`), it takes all steps at once under the same rule.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from docaxis_adapters.linkless_open import open_without_links

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
    descriptor = _opened(root, names, make=make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(root: Path, names: Sequence[str], *, make: bool) -> int:
    above = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not names:
        return above
    try:
        if open_without_links is not None:
            try:
                return open_without_links("/".join(names), above)
            except FileNotFoundError:
                if not make:
                    raise
        return _opened_by_steps(above, names, make=make)
    finally:
        os.close(above)


def _opened_by_steps(above: int, names: Sequence[str], *, make: bool) -> int:
    """Each step with `O_NOFOLLOW` from the folder above, which stays open."""
    descriptor = os.dup(above)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, FOLDER_MODE, dir_fd=descriptor)
            below = os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_read(name: str, folder: int) -> int:
    """A descriptor of a file in an open folder, never through a link."""
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def open_new(name: str, folder: int) -> int:
    """A descriptor of a file that did not exist, private."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, FILE_MODE, dir_fd=folder)


def open_anew(name: str, folder: int) -> int:
    """The same in the place of one that may be there."""
    try:
        return open_new(name, folder)
    except FileExistsError:
        remove_quietly(name, folder)
        return open_new(name, folder)


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
