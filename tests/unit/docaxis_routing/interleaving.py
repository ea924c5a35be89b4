"""Processes that go one step at a time, in every order, and may stop between any two steps.

A process is a thread with an event loop of its own. It waits at each `turn` until it is let go on;
so one step runs at a time, and a run is told by the sequence of who went. `explore` runs every
sequence once: it repeats a run up to a choice, and chooses otherwise there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

PATIENCE_S = 30.0

Work = Callable[[], Awaitable[Any]]


class Killed(BaseException):
    """Ends a process where it stands: none of its steps is done any more."""


class Process:
    """One process under test."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._changed = Condition()
        self._stepwise = False
        self._granted = False
        self._waiting = False
        self._killed = False
        self._work: Work | None = None
        self._ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def turn(self) -> None:
        """Called by the process, in any of its threads, before each step."""
        with self._changed:
            if self._stepwise:
                self._waiting = True
                self._changed.notify_all()
                self._await(lambda: self._granted or not self._stepwise)
                self._waiting = self._granted = False
            if self._killed:
                raise Killed

    def begin(self, work: Work) -> None:
        """Let it run up to its first step."""
        with self._changed:
            self.error, self._stepwise, self._killed, self._work = None, True, False, work
            self._changed.notify_all()
            self._await_rest()

    def step(self) -> None:
        """Let it do one step, and run up to the next."""
        with self._changed:
            self._granted = True
            self._changed.notify_all()
            self._await(lambda: not self._granted)
            self._await_rest()

    @property
    def done(self) -> bool:
        """Whether its work has ended."""
        return self._work is None

    def finish(self) -> None:
        """Let it go on to the end of its work."""
        with self._changed:
            self._stepwise = False
            self._changed.notify_all()
            self._await(lambda: self.done)

    def kill(self) -> None:
        """End its work where it stands."""
        self._killed = True
        self.finish()

    def do(self, work: Work) -> None:
        """All of some work at once. Raises what it raises."""
        with self._changed:
            self.error, self._stepwise, self._killed, self._work = None, False, False, work
            self._changed.notify_all()
            self._await(lambda: self.done)
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(PATIENCE_S)

    def _await_rest(self) -> None:
        self._await(lambda: self._waiting or self.done)

    def _await(self, condition: Callable[[], bool]) -> None:
        assert self._changed.wait_for(condition, PATIENCE_S), f"{self.name} hangs"

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work is not None or self._ended)
                work = self._work
            if work is None:
                break
            error: BaseException | None = None
            try:
                self._loop.run_until_complete(_whole(work))
            except (Exception, Killed) as raised:  # noqa: BLE001 - told to whoever looks
                error = raised
            with self._changed:
                self.error, self._work = error, None
                self._changed.notify_all()
        self._loop.close()


async def _whole(work: Work) -> None:
    """The work, and what it began and left to itself."""
    try:
        await work()
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*left, return_exceptions=True)


@dataclass(slots=True)
class Run:
    """One order of steps: who went, and who was stopped for good."""

    choices: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    """At each choice, how many there were."""
    went: list[str] = field(default_factory=list)
    stopped: list[Process] = field(default_factory=list)

    def choose(self, count: int) -> int:
        """The next choice: as it was told, then always the first."""
        at = len(self.open)
        self.open.append(count)
        if at == len(self.choices):
            self.choices.append(0)
        return self.choices[at]


def explore(play: Callable[[Run], None], *, most: int = 1_000_000) -> Iterator[Run]:
    """Play every run once, in depth-first order; at most so many."""
    choices: list[int] = []
    for _ in range(most):
        run = Run(list(choices))
        play(run)
        yield run
        while run.open and run.choices[len(run.open) - 1] + 1 >= run.open[-1]:
            run.open.pop()
        if not run.open:
            return
        choices = run.choices[: len(run.open)]
        choices[-1] += 1


def play_steps(
    run: Run, processes: Sequence[Process], *, stops: int = 0, switches: int = 1_000_000
) -> None:
    """Step through processes that have begun, in the order that the run chooses.

    Up to `stops` of them are stopped for good between two steps; up to `switches` times the turn
    is taken from one that could go on.
    """
    last: Process | None = None
    while able := [each for each in processes if not each.done and each not in run.stopped]:
        if last in able:
            able.remove(last)
            able = [last, *able] if switches else [last]
        may_stop = able if len(run.stopped) < stops else []
        choice = run.choose(len(able) + len(may_stop))
        if choice >= len(able):
            stopped = may_stop[choice - len(able)]
            run.stopped.append(stopped)
            run.went.append(f"{stopped.name} stops")
            continue
        chosen = able[choice]
        if last is not None and last is not chosen and last in able:
            switches -= 1
        run.went.append(chosen.name)
        chosen.step()
        last = chosen
