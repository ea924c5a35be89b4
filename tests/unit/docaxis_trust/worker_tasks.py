"""What the tests let verification workers do; workers import this by name.

Each takes its orders from the file that it is asked to check.
"""

import os
import signal
import time

from docaxis_trust.verdicts import Verdict, verdict_of
from docaxis_trust.verification import VerificationRequest


def obey(request: VerificationRequest) -> Verdict:
    """Do what the file says; answers with its own process id in place of a digest."""
    order = request.file_path.read_text()
    if order == "sleep":
        request.file_path.write_text(str(os.getpid()))
        time.sleep(600)
    if order == "spin":
        # In C code all the time: no handler of Python's would get its turn.
        int("9" * 4000) ** 40_000
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "die once":
        request.file_path.write_text("answer")
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "take memory":
        try:
            return verdict_of((), str(len(bytearray(4 << 30))))
        except MemoryError:
            return verdict_of((), "refused")
    if order == "tell signals":
        return verdict_of((), str(signal.getsignal(signal.SIGTERM)))
    if order == "fail":
        raise FileNotFoundError(2, "gone", "document")
    return verdict_of((), str(os.getpid()))
