"""A process: its parts start in order, stop in reverse, and none dies alone.

Rules (tests carry their numbers):

- P1 Parts start one after another; when one fails to start, those before it are stopped.
- P2 Parts stop in reverse order, each within its deadline; one that fails or hangs is logged and
  the others are stopped all the same.
- P3 A part that ends by itself stops the process, with `PartDied`: half a process serves nobody,
  and a supervisor can only start again what has ended.
- P4 SIGTERM and SIGINT stop the process in order; a second one ends it at once.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import structlog

from docaxis_runtime.health import Health

_log = structlog.get_logger(__name__)


class Part(Protocol):
    """Something that is started and stopped. `stop` is called only after `start` was."""

    @property
    def name(self) -> str:
        """For logs and health."""
        ...

    async def start(self) -> None:
        """Return when the part does its work. Raises what keeps it from doing so."""
        ...

    async def stop(self) -> None:
        """Finish what was accepted and free everything."""
        ...


@runtime_checkable
class MortalPart(Protocol):
    """A part that may end by itself."""

    async def wait(self) -> None:
        """Return, or raise, when the part has ended."""
        ...


@runtime_checkable
class SpeakingPart(Protocol):
    """A part that knows its own health."""

    def word(self) -> str:
        """`ready`, or the reason why it is not."""
        ...


class PartDied(Exception):
    """A part ended though nobody had asked; its error is the cause."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the part {name} ended by itself")
        self.name = name


class Lifecycle:
    """Runs the parts of one process (see the module for the rules)."""

    def __init__(
        self, parts: Sequence[Part], *, health: Health | None = None, stop_timeout_s: float = 10.0
    ) -> None:
        self._parts = tuple(parts)
        self._health = health or Health()
        self._stop_timeout_s = stop_timeout_s
        self._started: list[Part] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._end: asyncio.Future[None] | None = None

    async def run(self, *, signals: bool = True) -> None:
        """Start, serve until asked to stop or until a part dies, stop. Raises `PartDied`."""
        loop = asyncio.get_running_loop()
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled, number)
        try:
            await self.start()
            await self.wait()
        finally:
            await self.stop()
            if signals:
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.remove_signal_handler(number)

    async def start(self) -> None:
        """Start all parts in order (P1)."""
        self._ending()
        for part in self._parts:
            if self._ending().done():
                return
            health = self._health.part(part.name)
            try:
                await part.start()
            except BaseException:
                health.not_ready("failed to start")
                await self.stop()
                raise
            self._started.append(part)
            health.ready()
            if isinstance(part, SpeakingPart):
                self._health.follow(part.name, part.word)
            if isinstance(part, MortalPart):
                self._watchers.append(asyncio.create_task(self._watch(part, part)))
        _log.info("started", parts=[part.name for part in self._started])

    async def wait(self) -> None:
        """Wait until `request_stop`, a signal, or a part's death (raises `PartDied`)."""
        await asyncio.shield(self._ending())

    def request_stop(self) -> None:
        """Let `wait` return."""
        if not self._ending().done():
            self._ending().set_result(None)

    async def stop(self) -> None:
        """Stop what was started, in reverse (P2). Harmless when called again."""
        for watcher in self._watchers:
            watcher.cancel()
        self._watchers.clear()
        while self._started:
            part = self._started.pop()
            self._health.part(part.name).not_ready("stopped")
            try:
                async with asyncio.timeout(self._stop_timeout_s):
                    await part.stop()
            except TimeoutError:
                _log.error("part_did_not_stop", part=part.name, seconds=self._stop_timeout_s)
            except Exception as error:  # noqa: BLE001 - the other parts must still be stopped
                _log.error("part_failed_to_stop", part=part.name, exc_info=error)

    def _ending(self) -> asyncio.Future[None]:
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
        return self._end

    async def _watch(self, part: Part, mortal: MortalPart) -> None:
        cause: BaseException | None = None
        try:
            await mortal.wait()
        except asyncio.CancelledError:
            # Either we are being stopped, or the part's own task was cancelled under it.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told
            cause = error
        self._health.part(part.name).not_ready("died")
        _log.error("part_died", part=part.name, exc_info=cause)
        died = PartDied(part.name)
        died.__cause__ = cause
        if not self._ending().done():
            self._ending().set_exception(died)
            # Whoever never calls `wait` must not hear of it from the garbage collector.
            with contextlib.suppress(PartDied):
                self._ending().exception()

    def _signalled(self, number: signal.Signals) -> None:
        if self._ending().done():
            _log.warning("stopping_at_once", signal=number.name)
            os._exit(128 + number)
        _log.info("stopping", signal=number.name)
        self.request_stop()
