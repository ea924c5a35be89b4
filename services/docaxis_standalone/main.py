"""`docaxis standalone`: the axis in one process, until it is told to stop."""

import gc
import os
import sys
from pathlib import Path

import uvloop

from docaxis_standalone.composition import AfterStart, composed_axis

SWITCH_INTERVAL_S = 0.0005
"""How long a thread keeps the interpreter's lock while another waits: the log's writer thread must
not wait the default 5 ms behind a busy event loop after each sync."""


GC_THRESHOLDS = (50_000, 20, 20)
"""Almost nothing here is cyclic: looking for cycles every 700 objects costs a tenth of the time."""


def run_standalone(
    data: Path,
    http_port: int | None = None,
    *,
    host: str | None = None,
    after_start: AfterStart | None = None,
) -> int:
    """Serve the axis on a data folder until SIGTERM or SIGINT; returns the exit status.

    Address and port are those of the settings where none is given. `after_start` runs beside it
    once it serves (the demonstration plays there). Raises `FolderInUse` where another process has
    the folder, `SettingsInvalid` with all wrong settings, `PartDied` where a part ended by its own
    fault.
    """
    os.umask(0o077)  # what is made here is for this user alone
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GC_THRESHOLDS)
    uvloop.run(_serve(data, http_port, host, after_start))
    return 0


async def _serve(
    data: Path, http_port: int | None, host: str | None, after_start: AfterStart | None
) -> None:
    composed = composed_axis(data, http_port=http_port, host=host, after_start=after_start)
    async with composed as axis:
        await axis.lifecycle.run()
