"""Tasks that run beside the calls: none is forgotten, and none dies unseen.

`SupervisedTask` is a part that runs for as long as its process; `Background` holds short ones that
a call leaves behind (an upload to discard), so that a stop waits for them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

_log = structlog.get_logger(__name__)


class SupervisedTask:
    """A part made of one coroutine; `stop` cancels it. Its end before that stops the process."""

    def __init__(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._run = run
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to run; returns at once."""
        self._task = asyncio.create_task(self._main(), name=self.name)

    async def wait(self) -> None:
        """Wait for the end; raises what the coroutine raised."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Cancel and wait. What it raised meanwhile was told by `wait`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _main(self) -> None:
        await self._run()


class Background:
    """A part that holds short tasks; a failed one is logged and harms nobody else."""

    def __init__(self, name: str = "background") -> None:
        self.name = name
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine to its end beside the caller."""
        task = asyncio.create_task(coroutine, name=name)
        # The loop itself keeps only a weak reference to a task.
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Wait for what is under way; the lifecycle's deadline bounds it."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_task_failed", task=task.get_name(), exc_info=error)
