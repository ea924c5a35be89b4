"""Decided commands are deleted, by the service that decided them (L17).

The broker keeps commands without limit, so that no stop, however long, loses an acknowledged one.
What was decided stays known: an event names its command, and a dead command rides in its event.
"""

import asyncio
from collections.abc import Collection

import structlog

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, Consumer, EventLog, Position

_log = structlog.get_logger(__name__)

TRIM_EVERY_S = 60.0


class CommandTrimming:
    """Removes the commands below the group's committed position, now and then."""

    def __init__(self, log: EventLog, every_s: float = TRIM_EVERY_S) -> None:
        self._event_log = log
        self._every_s = every_s
        self._trimmed: dict[tuple[str, int], Position] = {}

    async def run(self, consumer: Consumer, partitions: Collection[int]) -> None:
        """Trim the partitions that are in the collection at the time; until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            for partition in sorted(partitions):
                try:
                    await self.trim(partition, consumer)
                except Unavailable as error:  # the commands stay until the next time
                    _log.debug("commands_not_trimmed", partition=partition, reason=str(error))

    async def trim(self, partition: int, consumer: Consumer) -> None:
        """Remove one partition's decided commands, where there are more of them than last time.

        By the position that the log itself tells, never by what this process believes: who has
        lost the partition meanwhile is told one that is current, or lower. Raises `Unavailable`.
        """
        for topic, committed in (await consumer.committed(partition)).items():
            if committed.place > self._trimmed.get((topic, partition), START).place:
                await self._event_log.trim(topic, partition, committed)
                self._trimmed[topic, partition] = committed
