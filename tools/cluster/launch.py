"""Become another program that dies with the process that asked for it (Linux).

    python -I -S launch.py PARENT_PID COMMAND ARGUMENT...

Runs as a script of its own, so that nothing of the parent's threads is forked into it. The
parent's death is told per thread: the thread that starts this script must live as long as the
server (see `process.py`).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGKILL at the parent's death, then run the command in this process."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 the caller's own command
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
