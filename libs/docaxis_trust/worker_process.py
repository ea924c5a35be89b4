"""What runs inside a verification worker: its start, and its one task.

A worker reads bytes that strangers sent, so it is made to be lost: it may not take more memory
than its limit, ends at once when told to, and does not outlive the process that started it.
"""

import logging
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence

from docaxis_trust.verdicts import Verdict
from docaxis_trust.verification import VerificationRequest, verify

Answer = Verdict | Exception
"""What became of one of several checks."""


def prepare(memory_limit_bytes: int) -> None:
    """Set a new worker up; called once, before its first task."""
    # pebble's own handler would wait for a parser stuck in C code to return; the kernel does not.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or memory_limit_bytes < hard:
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, hard))
    for library in ("pyhanko", "pyhanko_certvalidator"):
        # What they have to say of a stranger's file, with traces, is in the verdict.
        logging.getLogger(library).addHandler(logging.NullHandler())
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def verify_in_worker(request: VerificationRequest) -> Verdict:
    """Check one file; see ``verification.verify``."""
    return verify(request)


def check_all(
    task: Callable[[VerificationRequest], Verdict], requests: Sequence[VerificationRequest]
) -> list[Answer]:
    """Check several files; what one of them raises is its own answer."""
    return [_answer(task, request) for request in requests]


def _answer(task: Callable[[VerificationRequest], Verdict], request: VerificationRequest) -> Answer:
    try:
        return task(request)
    except Exception as error:  # noqa: BLE001 - handed on to whoever asked
        return error


def _end_with_parent() -> None:
    # The parent's end of a pipe: it closes however the parent dies, SIGKILL included. The kernel's
    # own PR_SET_PDEATHSIG looks at the thread that started the worker, which may end before.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
