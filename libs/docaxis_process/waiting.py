"""Waiting without bound for what a process needs, and saying what it waits for.

A process does not end because a broker is away: whoever starts everything at once has no order to
keep. It says at once what it lacks, and again every ten seconds.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from docaxis_eventsourcing.errors import DocaxisError, Unavailable

Result = TypeVar("Result")

SAY_EVERY_S = 10.0
_SLOW_S = 1.0
"""An attempt that takes longer is told of before it has failed."""
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 1.0
_AWAY = frozenset({"unavailable", "deadline_exceeded", "busy", "read_stale"})
"""Codes of a service that does not answer now."""

_log = structlog.get_logger(__name__)


async def until_there(
    part: str,
    address: str,
    attempt: Callable[[], Awaitable[Result]],
    *,
    say_every_s: float = SAY_EVERY_S,
) -> Result:
    """What `attempt` gives, tried again for as long as what it needs is away.

    Away is `Unavailable`, or a `DocaxisError` that says so; other exceptions are raised. `address`
    is for the log: nothing secret.
    """
    wait = _Wait(part, address, say_every_s)
    saying = asyncio.create_task(wait.say())
    pause_s = _FIRST_WAIT_S
    try:
        while True:
            try:
                found = await attempt()
            except Exception as error:
                if not is_away(error):
                    raise
                wait.failed(error)
            else:
                wait.over()
                return found
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause_s = min(pause_s * 2, _LONGEST_WAIT_S)
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


def is_away(error: Exception) -> bool:
    """Whether an exception says that something does not answer now."""
    return isinstance(error, Unavailable) or (
        isinstance(error, DocaxisError) and error.code in _AWAY
    )


class _Wait:
    """What is waited for, since when, and why."""

    def __init__(self, part: str, address: str, say_every_s: float) -> None:
        self._part = part
        self._address = address
        self._say_every_s = say_every_s
        self._since = time.monotonic()
        self._reason = "no answer yet"
        self._failed = asyncio.Event()
        self._said = False

    def failed(self, error: Exception) -> None:
        self._reason = error.code if isinstance(error, DocaxisError) else str(error)
        self._failed.set()

    async def say(self) -> None:
        try:
            async with asyncio.timeout(_SLOW_S):
                await self._failed.wait()
        except TimeoutError:
            pass
        while True:
            self._said = True
            _log.warning(
                "waiting_for",
                part=self._part,
                address=self._address,
                seconds=self._seconds(),
                reason=self._reason,
            )
            await asyncio.sleep(self._say_every_s)

    def over(self) -> None:
        if self._said:
            _log.info("found", part=self._part, address=self._address, seconds=self._seconds())

    def _seconds(self) -> float:
        return round(time.monotonic() - self._since, 1)
