"""Whether a reader has passed the end of a partition, whose last places may hold no record."""

from docaxis_eventsourcing.ports.event_log import EventLog, Position

_WAIT_S = 0.02


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
    try:
        while (before := tail.reached(partition)).place < end.place:
            if await tail.next(1, _WAIT_S) or tail.reached(partition) == before:
                return False
    finally:
        await tail.close()
    return True
