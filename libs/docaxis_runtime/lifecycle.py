"""A process: its parts start in order, stop in reverse, and none dies alone.

Rules (tests carry their numbers):

- P1 Parts start one after another, those of one group together; when one fails to start, those
  before it are stopped.
- P2 Parts stop in reverse order, those of one group together, each within its deadline and all
  within the process's; one that fails or hangs is logged and the others are stopped all the same.
- P3 A part that ends by itself stops the process, with `PartDied`: half a process serves nobody,
  and a supervisor can only start again what has ended.
- P4 SIGTERM and SIGINT stop the process in order; a second one ends it at once.
- P5 Whoever stops the process, or dies, while parts are starting ends their start too.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import structlog

from docaxis_runtime.health import Health
from docaxis_runtime.stop_signals import on_stop_signal
from docaxis_runtime.together import all_or_none

_log = structlog.get_logger(__name__)

_LEAST_STOP_S = 0.1
"""What a part gets even where the parts before it took all the time."""


class Part(Protocol):
    """Something that is started and stopped. `stop` is called only after `start` returned."""

    @property
    def name(self) -> str:
        """For logs and health."""
        ...

    async def start(self) -> None:
        """Return when the part does its work. Raises what keeps it from doing so.

        One that raises, or is cancelled, leaves nothing running.
        """
        ...

    async def stop(self) -> None:
        """Finish what was accepted and free everything."""
        ...


Group: TypeAlias = Sequence[Part]
"""Parts that start together and stop together."""


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
        self,
        parts: Sequence[Part | Group],
        *,
        health: Health | None = None,
        stop_timeout_s: float = 10.0,
        stop_within_s: float | None = None,
    ) -> None:
        """`stop_timeout_s` bounds the stop of each part, `stop_within_s` that of all together."""
        self._groups = tuple(
            tuple(each) if isinstance(each, Sequence) else (each,) for each in parts
        )
        self._health = health or Health()
        self._stop_timeout_s = stop_timeout_s
        self._stop_within_s = stop_within_s
        self._started: list[list[Part]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._end: asyncio.Future[None] | None = None

    async def run(self, *, signals: bool = True) -> None:
        """Start, serve until asked to stop or until a part dies, stop. Raises `PartDied`.

        Without `signals` they are the caller's.
        """
        with on_stop_signal(self.request_stop) if signals else contextlib.nullcontext():
            try:
                await self.start()
                await self.wait()
            finally:
                await self.stop()

    async def start(self) -> None:
        """Start all parts in order (P1)."""
        for group in self._groups:
            if self._ending().done():
                return
            try:
                await self._start_group(group)
            except BaseException:
                await self.stop()
                raise
        if not self._ending().done():
            _log.info("started", parts=[part.name for group in self._started for part in group])

    async def wait(self) -> None:
        """Wait until `request_stop`, a signal, or a part's death (raises `PartDied`)."""
        await asyncio.shield(self._ending())

    def request_stop(self) -> None:
        """Let `wait` return."""
        if not self._ending().done():
            self._ending().set_result(None)

    async def stop(self) -> None:
        """Stop what was started, in reverse (P2). Harmless when called again."""
        loop = asyncio.get_running_loop()
        within_s = float("inf") if self._stop_within_s is None else self._stop_within_s
        until = loop.time() + within_s
        for watcher in self._watchers:
            watcher.cancel()
        self._watchers.clear()
        while self._started:
            group = self._started.pop()
            left_s = max(_LEAST_STOP_S, until - loop.time())
            timeout_s = min(self._stop_timeout_s, left_s)
            await asyncio.gather(*(self._stop_part(part, timeout_s) for part in reversed(group)))

    async def _start_group(self, group: Group) -> None:
        """P1, and P5: the start of a group ends with the process."""
        started: list[Part] = []
        self._started.append(started)
        works = [self._start_part(part, started) for part in group]
        starting = asyncio.ensure_future(all_or_none(*works))
        try:
            await asyncio.wait((starting, self._ending()), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)

    async def _start_part(self, part: Part, started: list[Part]) -> None:
        health = self._health.part(part.name)
        try:
            await part.start()
        except BaseException:
            health.not_ready("failed to start")
            raise
        started.append(part)
        health.ready()
        if isinstance(part, SpeakingPart):
            self._health.follow(part.name, part.word)
        if isinstance(part, MortalPart):
            self._watchers.append(asyncio.create_task(self._watch(part, part)))

    async def _stop_part(self, part: Part, timeout_s: float) -> None:
        self._health.part(part.name).not_ready("stopped")
        try:
            async with asyncio.timeout(timeout_s):
                await part.stop()
        except TimeoutError:
            _log.error("part_did_not_stop", part=part.name, seconds=round(timeout_s, 3))
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
