"""A private event loop in a thread of its own, for clients whose callers have none."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


class OwnLoop:
    """Any thread may call, several at once; each waits for its answer."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="docaxis-client", daemon=True
        )
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether the thread was ended."""
        return self._loop.is_closed()

    def run(self, call: Coroutine[Any, Any, _T]) -> _T:
        """The call's answer; raises what it raises."""
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in the caller's thread ends the call, too.
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread; further calls are errors. Once more does nothing."""
        if self.closed:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Waiting:
    """What the clients without an event loop share: each call is run on their loop to its end."""

    _loop: OwnLoop

    def _run(self, call: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run(call)

    def _each(self, stream: AsyncIterator[_T]) -> Iterator[_T]:
        while True:
            yield self._run(_next(stream))


async def _next(stream: AsyncIterator[_T]) -> _T:
    return await anext(stream)
