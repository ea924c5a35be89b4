"""Files linked under their digest: whole, by what was opened and not by a name."""

import os
from collections.abc import Sequence
from uuid import uuid4

from docaxis_adapters.local_upload import hash_of
from docaxis_adapters.safe_folder import FILE_MODE, open_to_read


def link_under_digest(descriptor: int, digest: str, folder: int) -> None:
    """Link an open file into an open folder. One that is there stays if it is whole.

    Either way its inode's change time is now: it was taken now. Raises `FileNotFoundError` where
    the open file has no name any more, or the folder none.
    """
    os.fchmod(descriptor, FILE_MODE)
    try:
        _link(descriptor, digest, folder)
        return
    except FileExistsError:
        pass
    there = open_to_read(digest, folder)
    try:
        if os.path.sameopenfile(there, descriptor) or hash_of(there).digest == digest:
            os.utime(there)
            return
    finally:
        os.close(there)
    # Left by a crash before its sync: no command was ever written for it.
    whole = f".{uuid4().hex}"
    _link(descriptor, whole, folder)
    os.replace(whole, digest, src_dir_fd=folder, dst_dir_fd=folder)


def _link(descriptor: int, name: str, folder: int) -> None:
    """By descriptor: by the time of the link, an upload's name may stand for other bytes."""
    os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=folder)


def close_all(descriptors: Sequence[int]) -> None:
    """Close them, where nobody syncs them."""
    for descriptor in descriptors:
        os.close(descriptor)
