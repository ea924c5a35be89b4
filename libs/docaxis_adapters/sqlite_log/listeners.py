"""Wake-up of waiting readers without polling: who listens to which streams, on which loop.

A waiter remembers a signal that comes while nobody waits, so none is ever missed: clear, look,
and only then wait.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial


class Waiter:
    """One waiting task's bell; used on its own loop, except for `ring_from_any_thread`."""

    def __init__(self) -> None:
        self.loop: AbstractEventLoop = asyncio.get_running_loop()
        self._rung = False
        self._future: asyncio.Future[None] | None = None

    def clear(self) -> None:
        """Forget earlier signals: call it before looking, not after."""
        self._rung = False

    def ring(self) -> None:
        """Signal; the waiting task goes on."""
        self._rung = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def ring_from_any_thread(self) -> None:
        """Signal from outside of the loop."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.ring)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a signal since `clear`; False when the time passed without one."""
        if self._rung:
            return True
        if timeout_s <= 0:
            return False
        self._future = self.loop.create_future()
        timer = self.loop.call_later(timeout_s, _expire, self._future)
        try:
            await self._future
        finally:
            timer.cancel()
            self._future = None
        return self._rung


def _expire(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Listeners:
    """Waiters by loop and stream. A loop's table is touched on that loop alone."""

    def __init__(self) -> None:
        self._loops: dict[AbstractEventLoop, defaultdict[int, set[Waiter]]] = {}

    def add(self, waiter: Waiter, streams: Iterable[int]) -> None:
        """Ring this waiter whenever something new is seen in the streams."""
        table = self._loops.get(waiter.loop)
        if table is None:
            # A new dict, for the writer thread may be reading the old one. Loops that have ended
            # leave their tables behind; a new loop is a good moment to tidy.
            table = defaultdict(set)
            alive = {loop: old for loop, old in self._loops.items() if not loop.is_closed()}
            self._loops = {**alive, waiter.loop: table}
        for stream in streams:
            table[stream].add(waiter)

    def remove(self, waiter: Waiter, streams: Iterable[int]) -> None:
        """Ring no more."""
        table = self._loops.get(waiter.loop)
        if table is not None:
            for stream in streams:
                table[stream].discard(waiter)

    def news(self, streams: set[int]) -> dict[AbstractEventLoop, Callable[[], None]]:
        """For each loop that may have waiters: what to call there, for these streams."""
        if not streams:
            return {}
        return {loop: partial(_ring, table, streams) for loop, table in self._loops.items()}


def _ring(table: "defaultdict[int, set[Waiter]]", streams: set[int]) -> None:
    for stream in streams & table.keys():
        for waiter in table[stream]:
            waiter.ring()
