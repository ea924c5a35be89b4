"""A reader of fixed partitions of one topic, outside of any group."""

from collections.abc import Mapping, Sequence

from docaxis_adapters.sqlite_log.listeners import Listeners, Waiter
from docaxis_adapters.sqlite_log.reading import Reading
from docaxis_adapters.sqlite_log.streams import Streams
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Position, Recorded, TopicPartition

Starts = Mapping[TopicPartition, Position]


class SqliteTail:
    """The port's `Tail`. Used by one task; its first `next` ties it to that task's loop."""

    def __init__(
        self, streams: Streams, reading: Reading, listeners: Listeners, start: Starts
    ) -> None:
        self._streams = streams
        self._reading = reading
        self._listeners = listeners
        self._numbers = {place.partition: streams.number(*place) for place in start}
        self._positions = {streams.number(*place): at for place, at in start.items()}
        self._waiter: Waiter | None = None
        self._closed = False

    async def next(self, limit: int, wait_s: float) -> Sequence[Recorded]:
        """The next records, each partition's in order; empty when `wait_s` passed without any.

        Empty at once, too, where only places without a record were passed (see `reached`).
        """
        waiter = self._waiter
        if waiter is None:
            waiter = self._waiter = Waiter()
            self._listeners.add(waiter, self._positions)
        until = waiter.loop.time() + wait_s
        while not self._closed:
            waiter.clear()
            fetched = await self._reading.fetch(self._positions, limit)
            if fetched.reached:
                fetched.advance(self._positions)
                return [record for records in fetched.found.values() for record in records]
            if not await waiter.wait(until - waiter.loop.time()):
                return ()
        raise Unavailable("this tail is closed")

    def reached(self, partition: int) -> Position:
        """Just behind all that was read or skipped in a partition."""
        return self._positions[self._numbers[partition]]

    async def close(self) -> None:
        """Stop reading. Never raises."""
        self._closed = True
        if self._waiter is not None:
            self._listeners.remove(self._waiter, self._positions)
            self._waiter.ring_from_any_thread()
