"""SIGTERM and SIGINT ask a process to stop (rule P4 of `lifecycle`)."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

_log = structlog.get_logger(__name__)

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_stop_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first signal; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    asked = False

    def signalled(number: signal.Signals) -> None:
        nonlocal asked
        if asked:
            _log.warning("stopping_at_once", signal=number.name)
            os._exit(128 + number)
        asked = True
        _log.info("stopping", signal=number.name)
        stop()

    for number in _NUMBERS:
        loop.add_signal_handler(number, signalled, number)
    try:
        yield
    finally:
        for number in _NUMBERS:
            loop.remove_signal_handler(number)
