"""A kernel part (processor, reactions, view, …) as a part of a process, with its own health."""

import asyncio

from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.running_service import Part
from docaxis_runtime.background import SupervisedTask
from docaxis_runtime.health import Health

_SERVING = {PartState.WORKING, PartState.WAITING}


class KernelPart(SupervisedTask):
    """Runs a part; `start` returns when it works, or waits for surroundings that fail."""

    def __init__(self, part: Part, health: Health) -> None:
        super().__init__(part.health.name, part.run)
        self._part = part
        health.follow(self.name, part.health.word, lambda: part.health.state in _SERVING)

    async def start(self) -> None:
        """Begin, and wait until the part has told how it is. Raises what ended it at once."""
        await super().start()
        begun = asyncio.create_task(self._part.health.begun.wait())
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait((begun, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
        except BaseException:
            await self.stop()
            raise
        finally:
            begun.cancel()
            ended.cancel()
