"""What every running part has: its health, and how it waits for surroundings that fail (L22)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import structlog

from docaxis_eventsourcing.errors import Unavailable

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 5.0


class PartState(StrEnum):
    """How a part is."""

    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    """For a store, broker or disk; goes on by itself."""
    FAILED = "failed"
    """Stopped, wholly or in one partition, by a fault of its own: somebody must look."""


class PartHealth:
    """A part's state and the reason for it; `failed` stays until the process ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = PartState.STARTING
        self.reason = ""
        self.begun = asyncio.Event()
        """Set once the part has told how it is for the first time."""

    def word(self) -> str:
        """`ready`, or the state and the reason for it."""
        return "ready" if self.state is PartState.WORKING else f"{self.state}: {self.reason}"

    def working(self) -> None:
        """All is well."""
        self._set(PartState.WORKING, "")

    def waiting(self, reason: str) -> None:
        """Surroundings fail; the part tries again."""
        self._set(PartState.WAITING, reason)

    def failed(self, reason: str) -> None:
        """Stopped for good by a fault of its own."""
        self._set(PartState.FAILED, reason)

    def _set(self, state: PartState, reason: str) -> None:
        if self.state is PartState.FAILED or (self.state, self.reason) == (state, reason):
            return
        if state in (PartState.WAITING, PartState.FAILED) or self.state is PartState.WAITING:
            _log.warning("part_state", part=self.name, state=str(state), reason=reason)
        self.state, self.reason = state, reason
        self.begun.set()


class Backoff:
    """See `backoff`. Not a generator: one that is left early costs a task to close."""

    def __init__(self, health: PartHealth, doing: str, longest_s: float) -> None:
        self._health = health
        self._doing = doing
        self._longest_s = longest_s
        self._attempt = -1
        self._wait = _FIRST_WAIT_S

    def __aiter__(self) -> "Backoff":
        return self

    def reset(self) -> None:
        """It went well for a while: the next wait is a short one again."""
        self._wait = _FIRST_WAIT_S

    async def __anext__(self) -> int:
        self._attempt += 1
        if self._attempt:
            _log.debug(
                "trying_again", part=self._health.name, doing=self._doing, attempt=self._attempt
            )
            await asyncio.sleep(self._wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            self._wait = min(self._wait * 2, self._longest_s)
        return self._attempt


def backoff(health: PartHealth, doing: str, longest_s: float = _LONGEST_WAIT_S) -> Backoff:
    """Attempts without bound, each after a longer wait (with jitter) than the one before.

    No wait is longer than `longest_s`.
    """
    return Backoff(health, doing, longest_s)


async def until_available(
    health: PartHealth, doing: str, attempt: Callable[[], Awaitable[Result]]
) -> Result:
    """What `attempt` gives, tried again for as long as its surroundings are away (L22)."""
    retry = backoff(health, doing)
    while True:
        await anext(retry)
        try:
            return await attempt()
        except Unavailable as error:
            health.waiting(f"{doing}: {error}")
