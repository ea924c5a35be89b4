"""`openat2(2)`: a folder several steps down, opened at once, and not through any link.

Linux 5.6 has it; elsewhere, and in a sandbox that forbids it, `open_without_links` is None.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable

_OPENAT2 = 437
"""The call's number, the same on all architectures but Alpha."""
_RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x04, 0x08
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES = 10


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _linkless_open() -> Callable[[str, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    how = _How(_FOLDER, 0, _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH)
    fixed = ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))
    number = ctypes.c_long(_OPENAT2)

    def open_without_links(path: str, above: int) -> int:
        """A descriptor of the folder `path` (names with `/`) below an open folder.

        Raises `FileNotFoundError`, `OSError` (ELOOP, ENOTDIR) where a link lies in the way.
        """
        for _ in range(_TRIES):
            opened = int(call(number, ctypes.c_int(above), os.fsencode(path), *fixed))
            if opened >= 0:
                return opened
            code = ctypes.get_errno()
            if code not in (errno.EAGAIN, errno.EINTR):  # something was renamed meanwhile
                break
        raise OSError(code, os.strerror(code), path)

    root = os.open("/", _FOLDER)
    try:
        os.close(open_without_links(".", root))
    except OSError:
        return None
    finally:
        os.close(root)
    return open_without_links


open_without_links = _linkless_open()
