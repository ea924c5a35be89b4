"""A thread that takes all jobs waiting for it at once, and wakes an event loop once for them all.

Group commit needs this, and so does speed: a hop between threads costs more than most jobs, so
under load one hop carries many. Writers have one thread, readers may have a few on one queue.
"""

import asyncio
from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from docaxis_eventsourcing.errors import Unavailable

Result = TypeVar("Result")


class Job(Generic[Result]):
    """One piece of work: the thread sets `result` or `error`, then the future is resolved.

    Made on a running event loop; its future belongs to that loop.
    """

    __slots__ = ("error", "future", "loop", "result")

    def __init__(self) -> None:
        self.loop: AbstractEventLoop = asyncio.get_running_loop()
        self.future: asyncio.Future[Result] = self.loop.create_future()
        self.result: Result | None = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Hand the outcome to whoever still waits; runs on the job's own loop."""
        if self.future.done():  # the waiter was cancelled; what was done stays done
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


JobT = TypeVar("JobT", bound=Job[Any])
Context = TypeVar("Context")


class BatchThread(ABC, Generic[JobT, Context]):
    """One or a few threads on one queue of jobs; subclasses say what a batch of jobs does."""

    def __init__(self, name: str, threads: int = 1, at_once: int = 1000) -> None:
        self._name = name
        self._at_once = at_once
        self._queue: SimpleQueue[JobT | None] = SimpleQueue()
        self._count = threads
        self._threads: list[Thread] = []
        self._closed = False
        self._accepting = Lock()

    @abstractmethod
    def setup(self) -> Context:
        """What each thread needs of its own, such as a database connection."""

    @abstractmethod
    def run(self, context: Context, jobs: Sequence[JobT]) -> None:
        """Do the jobs and set each one's result or error; nothing may be left undone."""

    @abstractmethod
    def teardown(self, context: Context) -> None:
        """Free what `setup` made."""

    def due_in_s(self) -> float | None:
        """Seconds until `run` wants to be called even without jobs; None for never."""
        return None

    def news(self) -> dict[AbstractEventLoop, Callable[[], None]]:
        """What each loop shall be told besides its resolved jobs; asked after each `run`."""
        return {}

    def begin(self) -> None:
        """Start the threads; `setup` runs here, so that its failure is the caller's."""
        for number in range(self._count):
            name = f"{self._name}-{number}"
            thread = Thread(target=self._work, args=(self.setup(),), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, job: JobT) -> "asyncio.Future[Any]":
        """Queue a job; its future is resolved on its loop. Raises `Unavailable` when closed."""
        with self._accepting:  # or a job could slip in behind the mark that ends the thread
            if self._closed:
                raise Unavailable(f"{self._name} is closed")
            self._queue.put(job)
        return job.future

    async def close(self) -> None:
        """Finish what was accepted, then end the threads. Harmless when repeated."""
        with self._accepting:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self, context: Context) -> None:
        try:
            while self._batch(context):
                pass
        finally:
            self.teardown(context)

    def _batch(self, context: Context) -> bool:
        jobs: list[JobT] = []
        try:
            job = self._queue.get(timeout=self.due_in_s())
            while job is not None:
                jobs.append(job)
                if len(jobs) >= self._at_once:
                    break
                job = self._queue.get_nowait()
            ended = job is None
        except Empty:
            ended = False
        try:
            self.run(context, jobs)
        except BaseException as error:  # noqa: BLE001 - nobody may wait for ever on our fault
            for job in jobs:
                job.error = job.error or error
        self._deliver(jobs)
        return not ended

    def _deliver(self, jobs: Sequence[JobT]) -> None:
        by_loop: defaultdict[AbstractEventLoop, list[JobT]] = defaultdict(list)
        for job in jobs:
            by_loop[job.loop].append(job)
        news = self.news()
        for loop in by_loop.keys() | news.keys():
            try:
                loop.call_soon_threadsafe(_arrive, by_loop.get(loop, ()), news.get(loop))
            except RuntimeError:  # that loop was closed: nobody waits there any more
                continue


def _arrive(jobs: Sequence[Job[Any]], tell: Callable[[], None] | None) -> None:
    for job in jobs:
        job.resolve()
    if tell is not None:
        tell()
