"""One process from its settings to its exit code: logs, signals, deadlines, parts.

Exit codes: 0 stopped when asked to; 1 a part died, or what it needs cannot serve it; 2 settings
are missing or wrong.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Sequence

import structlog

from docaxis_process.settings import ProcessSettings
from docaxis_runtime.health import Health
from docaxis_runtime.interpreter import keep_what_was_made, run_tuned
from docaxis_runtime.lifecycle import Group, Lifecycle, Part, PartDied
from docaxis_runtime.log_setup import configure_logging
from docaxis_runtime.stop_signals import on_stop_signal
from docaxis_runtime.telemetry_running import telemetry_running

OK = 0
FAILED = 1
WRONG_SETTINGS = 2

_PARTS_SHARE = 0.7
"""Of the time for a stop: what is left is for closing the ports."""
_LEAVE_WITHIN_S = 3.0
"""From the end of all work to the end of the process: a thread may still wait for a broker."""

_log = structlog.get_logger(__name__)


def run_process(
    service: str, settings: ProcessSettings, work: Callable[[], Awaitable[None]]
) -> int:
    """Run `work` until it ends or a signal cancels it; returns the exit code.

    A process that has not ended within its deadline is ended hard, with code 1.
    """
    configure_logging(
        settings.log_style.value,
        settings.log_level,
        on_every_line={"service": service, "replica": settings.replica_name},
    )

    async def watched() -> None:
        with telemetry_running(service, settings, {"service.instance.id": settings.replica_name}):
            await work()

    async def main() -> int:
        code = await until_told(watched, lambda: _end_within(settings.stop_within_s, FAILED))
        _end_within(_LEAVE_WITHIN_S, code)
        return code

    return run_tuned(main())


async def run_parts(
    parts: Sequence[Part | Group], health: Health, settings: ProcessSettings
) -> None:
    """Run the parts until cancelled; they stop within the process's deadline. Raises `PartDied`."""
    stop_within_s = settings.stop_within_s * _PARTS_SHARE
    lifecycle = Lifecycle(parts, health=health, stop_within_s=stop_within_s)
    try:
        await lifecycle.start()
        keep_what_was_made()
        await lifecycle.wait()
    finally:
        await lifecycle.stop()


async def until_told(work: Callable[[], Awaitable[None]], on_stop: Callable[[], object]) -> int:
    """Run `work`; SIGTERM or SIGINT calls `on_stop` and cancels it. Returns the exit code."""
    main = asyncio.ensure_future(work())

    def stop() -> None:
        on_stop()
        main.cancel()

    with on_stop_signal(stop):
        try:
            await main
        except asyncio.CancelledError:
            _log.info("stopped")
            return OK
        except PartDied as error:
            _log.error("process_died", part=error.name, exc_info=error.__cause__)
            return FAILED
        except (ValueError, OSError) as error:
            _log.error("cannot_serve", reason=str(error), exc_info=error)
            return FAILED
        except Exception as error:  # noqa: BLE001 - told, and an exit code
            _log.error("process_failed", exc_info=error)
            return FAILED
    return OK


def _end_within(seconds: float, code: int) -> None:
    """A net below all deadlines: whatever hangs, the process ends."""

    def end() -> None:
        _log.error("ended_hard", seconds=seconds)
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
