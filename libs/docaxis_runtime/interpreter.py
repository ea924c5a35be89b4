"""How the interpreter is set for a process that serves: the loop, the lock, the collector."""

import gc
import os
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")

SWITCH_INTERVAL_S = 0.0005
"""How long a thread keeps the interpreter's lock while another waits: a log's writer or poll thread
must not wait the default 5 ms behind a busy event loop."""

GC_THRESHOLDS = (50_000, 20, 20)
"""Almost nothing here is cyclic: looking for cycles every 700 objects costs a tenth of the time."""


def run_tuned(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on uvloop to its end; the files that it makes are for this user alone."""
    os.umask(0o077)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GC_THRESHOLDS)
    return uvloop.run(main)


def keep_what_was_made() -> None:
    """What start-up made lives as long as the process: never look at it again for cycles."""
    gc.freeze()
