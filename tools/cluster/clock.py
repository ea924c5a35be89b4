"""A clock that is off, for one process and without any rights: libfaketime.

Only the time of day is off. Monotonic clocks, by which timeouts are counted, stay right: those of a
machine whose clock is wrong are right, too.
"""

from collections.abc import Mapping
from pathlib import Path

from tools.cluster.errors import MissingProgramError

_LIBRARY = "libfaketimeMT.so.1"
_FOLDERS = ("/usr/lib", "/usr/local/lib")


def faketime_library() -> Path:
    """The library for programs with threads. Raises `MissingProgramError` where it is missing."""
    for folder in _FOLDERS:
        for found in sorted(Path(folder).glob(f"**/faketime/{_LIBRARY}")):
            return found
    raise MissingProgramError("libfaketime is not installed (Debian: apt install faketime).")


def clock_environment(offset_s: int) -> Mapping[str, str]:
    """The environment of a process whose clock is so many seconds ahead (behind: negative).

    Raises `MissingProgramError` without libfaketime; 0 needs nothing.
    """
    if offset_s == 0:
        return {}
    return {
        "LD_PRELOAD": str(faketime_library()),
        "FAKETIME": f"{offset_s:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # the name that older versions know
        "FAKETIME_DONT_RESET": "1",
    }
