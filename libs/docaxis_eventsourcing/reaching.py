"""Whether a reader has passed the end of a partition, whose last places may hold no record."""

import time

from docaxis_eventsourcing.ports.event_log import EventLog, Position

_STEP_S = 0.1
_WITHIN_S = 1.0
"""A fresh reader needs a moment to find the partition and to see that it holds nothing more."""


async def has_reached(
    log: EventLog, topic: str, partition: int, at: Position, end: Position
) -> bool:
    """Whether nothing but holes lies between a position and the log's end (L28).

    Events are compared by version. A topic without versions (outcomes) is read from `at` on: a
    log's last offsets may be markers or aborted records, which no position ever stands behind.
    """
    if at.place >= end.place:
        return True
    if end.version:
        return at.version >= end.version
    tail = log.tail(topic, {partition: at})
    until = time.monotonic() + _WITHIN_S
    try:
        while tail.reached(partition).place < end.place:
            if await tail.next(1, _STEP_S) or time.monotonic() > until:
                return False
    finally:
        await tail.close()
    return True
