"""`docaxis standalone`: the axis in one process, until it is told to stop."""

from pathlib import Path

from docaxis_runtime.interpreter import run_tuned
from docaxis_standalone.composition import AfterStart, composed_axis


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
    run_tuned(_serve(data, http_port, host, after_start))
    return 0


async def _serve(
    data: Path, http_port: int | None, host: str | None, after_start: AfterStart | None
) -> None:
    composed = composed_axis(data, http_port=http_port, host=host, after_start=after_start)
    async with composed as axis:
        await axis.lifecycle.run()
