"""How far a group's member came, stored now and then (L18, L19).

Positions alone cost a round trip to a broker. What is done after the last one is done again by the
next owner, with the same ids: harmless.
"""

import asyncio
import time
from collections.abc import Collection, Mapping

from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import Consumer, Position, TopicPartition

PROGRESS_EVERY_S = 0.2
_AT_CLOSE_S = 1.0


class MemberProgress:
    """The positions that one consumer has reached, and those of them that are stored.

    Used by the task that polls.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._pending: dict[TopicPartition, Position] = {}
        self._stored: dict[TopicPartition, Position] = {}
        self._due = 0.0
        self.trouble = ""
        """Why storing failed the last time; empty where it did not."""

    def reached(self, positions: Mapping[TopicPartition, Position]) -> None:
        """All before these positions is done."""
        for at, position in positions.items():
            if self._stored.get(at) != position:
                self._pending[at] = position

    def lost(self, partitions: Collection[int]) -> None:
        """Partitions that are no longer ours: their positions are for their next owner to tell."""
        for known in (self._pending, self._stored):
            for at in [each for each in known if each.partition in partitions]:
                del known[at]

    def wait_s(self, most: float) -> float:
        """How long a poll may wait until there is something to store."""
        return min(most, max(0.0, self._due - time.monotonic())) if self._pending else most

    async def store(self, *, idle: bool = False) -> None:
        """Store what is due; all of it at once while nothing else is to be done."""
        if not self._pending or not (idle or time.monotonic() >= self._due):
            return
        self._due = time.monotonic() + PROGRESS_EVERY_S
        try:
            await self._consumer.progress(dict(self._pending))
        except Fenced:
            return  # the next poll tells what was lost; the rest is stored after it
        except Unavailable as error:
            self.trouble = str(error)
            return
        self.trouble = ""
        self._stored.update(self._pending)
        self._pending.clear()

    async def close(self) -> None:
        """Store the rest where that is possible within a moment. Never raises."""
        try:
            async with asyncio.timeout(_AT_CLOSE_S):
                await self.store(idle=True)
        except TimeoutError:
            return
