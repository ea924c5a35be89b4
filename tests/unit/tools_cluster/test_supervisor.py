"""What ends by itself is started again, what is released is not."""

import time
from collections.abc import Callable, Iterator

import pytest

from tools.cluster.deadline import wait_until
from tools.cluster.errors import ClusterError
from tools.cluster.supervisor import Startable, Supervisor

WITHIN_S = 20.0


class Subject:
    """Something that runs until it is told otherwise."""

    name = "subject-0"

    def __init__(self, *, ends_at_once: bool = False, fails: int = 0) -> None:
        self.running = False
        self.starts: list[float] = []
        self._ends_at_once = ends_at_once
        self._fails = fails

    def start(self) -> None:
        self.starts.append(time.monotonic())
        if len(self.starts) > 1 and self._fails > 0:
            self._fails -= 1
            raise ClusterError("no more processes")
        self.running = not self._ends_at_once


Told = list[tuple[str, float, Exception | None]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def supervisor(told: Told) -> Iterator[Supervisor]:
    def tell(subject: Startable, pause_s: float, error: Exception | None) -> None:
        told.append((subject.name, pause_s, error))

    running = Supervisor(tell)
    yield running
    running.end()


def until(is_so: Callable[[], bool]) -> None:
    wait_until(is_so, WITHIN_S, lambda: "it did not come to that")


def test_what_ended_is_started_again_counted_and_told(supervisor: Supervisor, told: Told) -> None:
    subject = Subject()
    supervisor.keep(subject)
    assert subject.running
    for count in (1, 2):
        subject.running = False
        until(lambda: subject.running)
        assert supervisor.restarts(subject) == count
    assert [(name, error) for name, _, error in told] == [("subject-0", None)] * 2


def test_pauses_grow_for_what_ends_again_and_again(supervisor: Supervisor, told: Told) -> None:
    subject = Subject(ends_at_once=True)
    supervisor.keep(subject)
    until(lambda: len(subject.starts) >= 4)
    pauses = [pause_s for _, pause_s, _ in told][:3]
    assert pauses == sorted(set(pauses))
    gaps = [
        after - before for before, after in zip(subject.starts, subject.starts[1:], strict=False)
    ]
    assert all(gap >= pause_s for gap, pause_s in zip(gaps, pauses, strict=False))


def test_what_does_not_start_is_tried_again(supervisor: Supervisor, told: Told) -> None:
    subject = Subject(fails=1)
    supervisor.keep(subject)
    subject.running = False
    until(lambda: subject.running)
    assert [str(error) for _, _, error in told if error] == ["no more processes"]
    assert supervisor.restarts(subject) == 2


def test_what_is_released_stays_down_and_keeps_its_count(supervisor: Supervisor) -> None:
    subject, other = Subject(), Subject()
    other.name = "subject-1"
    supervisor.keep(subject)
    supervisor.keep(other)
    subject.running = False
    until(lambda: subject.running)
    supervisor.release(subject)
    subject.running = other.running = False
    until(lambda: other.running)  # it has looked since
    assert not subject.running
    assert supervisor.restarts(subject) == 1
    supervisor.keep(subject)
    assert subject.running
    assert supervisor.restarts(subject) == 1


def test_after_the_end_nothing_is_started(supervisor: Supervisor) -> None:
    subject = Subject()
    supervisor.keep(subject)
    supervisor.end()
    subject.running = False
    assert len(subject.starts) == 1
    assert supervisor._thread is not None
    assert not supervisor._thread.is_alive()
