"""Files that hold private keys: read only when private, written once and durably.

A key that others on the machine can read is as good as published, so reading one is refused
rather than warned about; and a key file is never written over, because the key that it holds may
be the only one that matches a published certificate.
"""

import os
import stat
from pathlib import Path


class PrivateFileRefused(PermissionError):
    """A key file may be read by its group or by everybody; the message names it and its mode."""


def read_private_file(path: Path) -> bytes:
    """Read a file that only its owner may read.

    Raises ``PrivateFileRefused`` when group or others have any right on it, ``OSError`` when it
    cannot be read.
    """
    with path.open("rb") as file:
        # The mode of the open file: the name may point elsewhere a moment later.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise PrivateFileRefused(
                f"{path} holds a private key and has mode {mode:04o}: "
                f"its group or others may use it; set it to 0600"
            )
        return file.read()


def write_private_file(path: Path, content: bytes) -> None:
    """Write a new file with mode 0600, durable and whole, or not at all.

    Raises ``FileExistsError`` when the name is taken, whoever took it and however late.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when the name exists.
        os.link(partial, path)
    finally:
        partial.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
