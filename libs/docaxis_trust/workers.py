"""Checks in processes that may be killed (rule L20 of the log: foreign bytes are parsed there).

- Checks that wait are handed over together, up to sixteen: handing over costs more than a check
  of a small file. What goes wrong among several is tried again one by one.
- The processes start when the first check comes, and end when none has come for a while: each
  takes some 50 MB.
- A check that overruns its deadline loses its process and is ``verification_timed_out``; a check
  whose process dies is tried once more, on its own, then ``signature_unreadable``. The other
  checks go on in both cases.
- Nothing that reads signatures is imported here: the main process stays small.
"""

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, resource_tracker
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from docaxis_trust.verdicts import CODES, Verdict
from docaxis_trust.verification import VerificationRequest
from docaxis_trust.worker_process import Answer, check_all, prepare, verify_in_worker

_GIGABYTE = 1024 * 1024 * 1024
_ATTEMPTS = 2
_TOGETHER = 16

Task = Callable[[VerificationRequest], Verdict]


class WorkersClosed(RuntimeError):
    """A check was asked for, or still under way, when the workers were closed."""


@dataclass(frozen=True, slots=True)
class _Asked:
    request: VerificationRequest
    answer: "asyncio.Future[Verdict]"


class VerificationWorkers:
    """A pool of verification processes for one event loop.

    ``deadline_s`` is for one check, from the moment a process takes it. ``task`` is what the
    processes run, a function that can be imported by name; tests put their own there.
    """

    def __init__(
        self,
        max_workers: int,
        deadline_s: float,
        idle_s: float,
        *,
        task: Task = verify_in_worker,
        memory_limit_bytes: int = _GIGABYTE,
    ) -> None:
        self._max_workers = max_workers
        self._deadline_s = deadline_s
        self._idle_s = idle_s
        self._task = task
        self._memory_limit_bytes = memory_limit_bytes
        self._pool: ProcessPool | None = None
        self._changing_pool = asyncio.Lock()
        # Twice as many as there are processes: none waits for this loop between two checks.
        self._places = 2 * max_workers
        self._asked: deque[_Asked] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._under_way: set[ProcessFuture[Any]] = set()
        self._waiting = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._closed = False

    async def verify(self, request: VerificationRequest) -> Verdict:
        """Check one file in a worker; cancelling the call kills the worker that has it.

        Raises what ``verification.verify`` raises, and ``WorkersClosed``.
        """
        self._waiting += 1
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        asked = _Asked(request, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._hand_over()
        try:
            return await asked.answer
        finally:
            self._waiting -= 1
            if not self._waiting and not self._closed:
                loop = asyncio.get_running_loop()
                self._idle_timer = loop.call_later(self._idle_s, self._end_when_idle)

    async def close(self) -> None:
        """End the processes; checks under way raise ``WorkersClosed``. May be called again."""
        self._closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        async with self._changing_pool:
            await self._end_pool()

    def _hand_over(self) -> None:
        """Give what waits to the places that are free, as evenly as there are places."""
        while self._asked and len(self._running) < self._places:
            count = min(_TOGETHER, -(-len(self._asked) // self._places))
            together = [self._asked.popleft() for _ in range(min(count, len(self._asked)))]
            together = [asked for asked in together if not asked.answer.done()]
            if together:
                task = asyncio.get_running_loop().create_task(self._check(together))
                self._running.add(task)
                task.add_done_callback(self._checked)
                if len(together) == 1:  # whoever no longer waits for it, kills it
                    together[0].answer.add_done_callback(partial(_kill, task))

    def _checked(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._hand_over()

    async def _check(self, together: "Sequence[_Asked]") -> None:
        answers: Sequence[Answer | None] = [None] * len(together)
        if len(together) > 1:
            answers = await self._attempt_together([asked.request for asked in together])
        for asked, answer in zip(together, answers, strict=True):
            if asked.answer.done():
                continue
            try:
                found = answer or await self._attempt(asked.request)
            except Exception as error:  # noqa: BLE001 - it is the asker's
                found = error
            if asked.answer.done():
                continue
            if isinstance(found, Exception):
                asked.answer.set_exception(found)
            else:
                asked.answer.set_result(found)

    async def _attempt_together(
        self, requests: Sequence[VerificationRequest]
    ) -> Sequence[Answer | None]:
        """What a process finds of several; None for each where it died or took too long."""
        try:
            pool = await self._running_pool()
            future: ProcessFuture[Any] = pool.schedule(
                check_all, args=(self._task, requests), timeout=self._deadline_s
            )
        except (RuntimeError, WorkersClosed):
            return [None] * len(requests)
        self._under_way.add(future)
        try:
            answers: Sequence[Answer] = await asyncio.wrap_future(future)
            return answers
        except (TimeoutError, ProcessExpired, BrokenProcessPool):
            return [None] * len(requests)
        finally:
            self._under_way.discard(future)

    async def _attempt(self, request: VerificationRequest) -> Verdict:
        for _ in range(_ATTEMPTS):
            pool = await self._running_pool()
            try:
                future = pool.schedule(self._task, args=(request,), timeout=self._deadline_s)
            except RuntimeError:  # It broke between the two lines; the next attempt has another.
                continue
            self._under_way.add(future)
            try:
                return await asyncio.wrap_future(future)
            except TimeoutError:
                return _no_finding("verification_timed_out")
            except (ProcessExpired, BrokenProcessPool):
                continue
            finally:
                self._under_way.discard(future)
        if self._closed:
            raise WorkersClosed
        return _no_finding("signature_unreadable")

    async def _running_pool(self) -> ProcessPool:
        async with self._changing_pool:
            if self._closed:
                raise WorkersClosed
            # A pool breaks for good when an idle process of it is killed.
            if self._pool is None or not self._pool.active:
                await self._end_pool()
                self._pool = await asyncio.to_thread(self._start_pool)
            return self._pool

    def _start_pool(self) -> ProcessPool:
        pool = ProcessPool(
            max_workers=self._max_workers,
            initializer=prepare,
            initargs=(self._memory_limit_bytes,),
            context=get_context("spawn"),
        )
        # The tracker of shared semaphores lifts the block below when it starts: let it start first.
        resource_tracker.ensure_running()
        # A terminal sends Ctrl-C to every process. Blocked on this thread, it is blocked in the
        # processes and threads started from it, from their first moment: no worker prints a trace.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            _ = pool.active  # Asking starts it.
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pool

    def _end_when_idle(self) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._end_idle_pool())

    async def _end_idle_pool(self) -> None:
        async with self._changing_pool:
            if not self._waiting:
                await self._end_pool()

    async def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        pool.stop()  # type: ignore[no-untyped-call]
        await asyncio.to_thread(pool.join)
        # pebble leaves what was under way without an answer.
        for future in self._under_way:
            if not future.done():
                future.set_exception(BrokenProcessPool("the workers were ended"))


def _kill(task: asyncio.Task[None], _: "asyncio.Future[Verdict]") -> None:
    task.cancel()


def _no_finding(code: str) -> Verdict:
    return Verdict(CODES[code], code, (), "")
