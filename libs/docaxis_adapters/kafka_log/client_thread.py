"""A thread that alone touches a Kafka client (L14), and the calls that an event loop makes there.

Any call from a second thread would starve behind the client's poll loop. A long call serves the
short ones that came meanwhile between two slices of its waiting; long ones never run within each
other.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from docaxis_adapters.kafka_log.client_log import LOG
from docaxis_eventsourcing.errors import Unavailable

Result = TypeVar("Result")


class Call(Generic[Result]):
    """A function to run on the thread, and the future that waits for it."""

    __slots__ = ("_error", "_function", "_loop", "_result", "future", "long")

    def __init__(self, function: Callable[[], Result], *, long: bool = False) -> None:
        self._function = function
        self.long = long
        self._loop = asyncio.get_running_loop()
        self._result: Result | None = None
        self._error: BaseException | None = None
        self.future: asyncio.Future[Result] = self._loop.create_future()

    def run(self) -> None:
        """On the thread."""
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is the caller's to see
            self._error = error
        try:
            self._loop.call_soon_threadsafe(self._resolve)
        except RuntimeError:
            return  # the loop was closed: nobody waits any more

    def _resolve(self) -> None:
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type]


class ClientThread:
    """Runs calls one after the other; `idle` about every `idle_every_s` while none is long."""

    def __init__(
        self, name: str, *, idle: Callable[[], None] | None = None, idle_every_s: float = 1.0
    ) -> None:
        self._calls: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._later: deque[Call[Any] | None] = deque()  # the thread's: behind a long call
        self._idle = idle
        self._idle_every_s = idle_every_s
        self._idle_due = time.monotonic() + idle_every_s  # the thread's
        self.ending = False
        """Set by `end`: a long call on the thread returns as soon as it sees this."""
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def call(self, function: Callable[[], Result], *, long: bool = False) -> Result:
        """Run a function on the thread; its result or exception. A long one calls `serve`.

        Raises `Unavailable` once the thread is ending: nobody would run it.
        """
        if self.ending:
            raise Unavailable("this client is closed")
        call = Call(function, long=long)
        self._calls.put(call)
        return await call.future

    def tell(self, function: Callable[[], None]) -> None:
        """Run a function on the thread, in its turn; nobody waits for it. It must not raise."""
        self._calls.put(Call(function))

    def serve(self) -> None:
        """On the thread: run the short calls that wait; a long call does this now and then."""
        while not self.ending:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            if call is None or call.long or self._later:
                self._later.append(call)
            else:
                call.run()

    async def end(self, last: Callable[[], None], within_s: float) -> bool:
        """Run a last function and end the thread; tells whether it ended within the time.

        Never raises: what `last` meets is logged. The second time nothing happens.
        """
        if self.ending:
            return False
        call = self.leave(last)
        try:
            async with asyncio.timeout(within_s):
                await call.future
        except TimeoutError:
            LOG.warning("%s: not closed within %s s", self._thread.name, within_s)
            return False
        except Exception as error:  # noqa: BLE001 - it is gone all the same
            LOG.warning("%s: closing: %r", self._thread.name, error)
        return True

    def leave(self, last: Callable[[], None]) -> Call[None]:
        """As `end`, for a thread that is stuck: it ends once it comes to that; nobody waits."""
        self.ending = True
        call = Call(last, long=True)  # never within a long call that is just ending
        self._calls.put(call)
        self._calls.put(None)
        return call

    def _work(self) -> None:
        while True:
            try:
                call = self._later.popleft() if self._later else self._calls.get(timeout=self._rest)
            except Empty:
                self._idle_now()
                continue
            if call is None:
                return
            call.run()
            if time.monotonic() >= self._idle_due:  # many short calls must not starve it
                self._idle_now()

    @property
    def _rest(self) -> float | None:
        return max(0.0, self._idle_due - time.monotonic()) if self._idle is not None else None

    def _idle_now(self) -> None:
        self._idle_due = time.monotonic() + self._idle_every_s
        if self._idle is None or self.ending:
            return
        try:
            self._idle()
        except Exception as error:  # noqa: BLE001 - the next call meets it, or it has passed
            LOG.debug("%s: idle: %r", self._thread.name, error)
