"""A part that needs another service to start, in a process that does not wait for it."""

import asyncio
from typing import Protocol

from docaxis_process.waiting import until_there


class StartedBySomething(Protocol):
    """A part that may fail to start, may end by itself, and knows its own health."""

    @property
    def name(self) -> str:
        """For logs and health."""
        ...

    async def start(self) -> None:
        """Return when it works. Raises `DocaxisError` while what it needs is away."""
        ...

    async def wait(self) -> None:
        """Return, or raise, when it has ended."""
        ...

    async def stop(self) -> None:
        """Free everything, also after a start that failed."""
        ...

    def word(self) -> str:
        """`ready`, or the reason why it is not."""
        ...


class PatientPart:
    """Starts such a part in the background, again and again while what it needs is away.

    Its own start returns at once; until the part has started its health is not ready.
    """

    def __init__(self, part: StartedBySomething, needs: str, address: str) -> None:
        """`needs` and `address` tell what it waits for, in the log and in the health."""
        self.name = part.name
        self._part = part
        self._needs = needs
        self._address = address
        self._started = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to try; returns at once."""
        self._task = asyncio.create_task(self._main(), name=self.name)

    async def wait(self) -> None:
        """Wait for the part's end; raises what ended it."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Stop trying, and the part."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._started:
            await self._part.stop()

    def word(self) -> str:
        """`ready`, or the reason why it is not."""
        return self._part.word() if self._started else f"waiting for {self._needs}"

    async def _main(self) -> None:
        await until_there(self._needs, self._address, self._attempt)
        self._started = True
        await self._part.wait()

    async def _attempt(self) -> None:
        try:
            await self._part.start()
        except BaseException:
            await self._part.stop()
            raise
