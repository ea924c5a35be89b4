"""What every running part has: its health, and how it waits for surroundings that fail (L22)."""

import asyncio
import random
from collections.abc import AsyncIterator
from enum import StrEnum

import structlog

_log = structlog.get_logger(__name__)

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


async def backoff(health: PartHealth, doing: str) -> AsyncIterator[int]:
    """Attempts without bound, each after a longer wait (with jitter) than the one before."""
    wait = _FIRST_WAIT_S
    attempt = 0
    while True:
        yield attempt
        attempt += 1
        _log.debug("trying_again", part=health.name, doing=doing, attempt=attempt)
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        wait = min(wait * 2, _LONGEST_WAIT_S)
