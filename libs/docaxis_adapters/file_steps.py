"""A few threads that do short work on files: one queue, one wake-up of the loop a step.

Most steps are a few system calls, less than what it costs to hand them over: so a step is handed
over as cheaply as can be, without the two futures and the callbacks of an executor.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from docaxis_adapters.batch_thread import BatchThread, Job

Result = TypeVar("Result")


class StepJob(Job[Any]):
    """A call; one whose caller was cancelled before it began is left out."""

    __slots__ = ("arguments", "work")

    def __init__(self, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
        super().__init__()
        self.work = work
        self.arguments = arguments


class FileSteps(BatchThread[StepJob, None]):
    """See the module. A thread takes one step at a time: a slow disk keeps back nothing else."""

    def __init__(self, threads: int) -> None:
        super().__init__("files", threads=threads, at_once=1)

    async def do(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What `work` answers or raises, done on one of the threads."""
        return cast(Result, await self.submit(StepJob(work, arguments)))

    def setup(self) -> None:
        """Nothing is needed."""

    def teardown(self, context: None) -> None:
        """Nothing was made."""

    def run(self, context: None, jobs: Sequence[StepJob]) -> None:
        """Do each step; its failure is its caller's."""
        for job in jobs:
            if job.future.cancelled():
                continue
            try:
                job.result = job.work(*job.arguments)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
                job.error = error
