"""A client's thread: short and long calls, idling, ending."""

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial

import pytest

from docaxis_adapters.kafka_log.client_thread import ClientThread
from docaxis_eventsourcing.errors import Unavailable

WITHIN_S = 20.0


@pytest.fixture
async def thread() -> AsyncIterator[ClientThread]:
    thread = ClientThread("test")
    yield thread
    await thread.end(lambda: None, WITHIN_S)


class LongCall:
    """Serves until it is let go."""

    def __init__(self, thread: ClientThread) -> None:
        self._thread = thread
        self.began = threading.Event()
        self.let_go = threading.Event()
        self.within = 0
        """How many long calls run within each other; one is right."""

    def __call__(self) -> str:
        self.within += 1
        assert self.within == 1
        self.began.set()
        while not (self.let_go.wait(0.001) or self._thread.ending):
            self._thread.serve()
        self.within -= 1
        return "done" if self.let_go.is_set() else "ended"


async def begun(long: LongCall) -> None:
    assert await asyncio.to_thread(long.began.wait, WITHIN_S)


async def test_calls_run_one_after_the_other_on_one_thread(thread: ClientThread) -> None:
    ran: list[int] = []

    def run(number: int) -> str:
        ran.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(thread.call(partial(run, n)) for n in range(50)))
    assert ran == list(range(50))
    assert set(names) == {"test"}


async def test_what_a_call_raises_its_caller_gets(thread: ClientThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    assert await thread.call(lambda: "goes on") == "goes on"


async def test_short_calls_are_served_within_a_long_one_and_long_ones_wait(
    thread: ClientThread,
) -> None:
    long = LongCall(thread)
    first = asyncio.create_task(thread.call(long, long=True))
    await begun(long)
    assert await thread.call(lambda: long.within) == 1
    second = asyncio.create_task(thread.call(long, long=True))
    await asyncio.sleep(0)
    short = asyncio.create_task(thread.call(lambda: long.within))
    await asyncio.sleep(0)
    long.let_go.set()
    assert (await first, await second) == ("done", "done")
    assert await short == 0, "it waits behind the long call that came before it"


async def test_a_cancelled_call_runs_all_the_same_and_disturbs_nobody(
    thread: ClientThread,
) -> None:
    long = LongCall(thread)
    task = asyncio.create_task(thread.call(long, long=True))
    await begun(long)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    long.let_go.set()
    assert await thread.call(lambda: long.within) == 0


async def test_the_end_lets_a_long_call_go_and_runs_the_last_function_after_it() -> None:
    thread = ClientThread("test")
    long = LongCall(thread)
    task = asyncio.create_task(thread.call(long, long=True))
    await begun(long)
    last: list[int] = []
    assert await thread.end(lambda: last.append(long.within), WITHIN_S)
    assert last == [0], "never within the long call"
    assert await task == "ended"


async def test_after_the_end_calls_are_refused_and_do_not_hang() -> None:
    thread = ClientThread("test")
    ran: list[str] = []
    assert await thread.end(lambda: ran.append("last"), WITHIN_S)
    with pytest.raises(Unavailable):
        await thread.call(lambda: ran.append("late"))
    thread.tell(lambda: ran.append("told late"))
    assert not await thread.end(lambda: ran.append("again"), WITHIN_S)
    assert ran == ["last"]


async def test_calls_that_waited_before_the_end_are_still_run() -> None:
    thread = ClientThread("test")
    gate = threading.Event()
    blocked = asyncio.create_task(thread.call(lambda: gate.wait(WITHIN_S)))
    waiting = [asyncio.create_task(thread.call(partial(int, n))) for n in range(3)]
    await asyncio.sleep(0)
    ending = asyncio.create_task(thread.end(lambda: None, WITHIN_S))
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*waiting) == [0, 1, 2]
    assert await blocked
    assert await ending


async def test_an_end_that_takes_too_long_is_told_and_left() -> None:
    thread = ClientThread("test")
    gate = threading.Event()
    stuck = asyncio.create_task(thread.call(lambda: gate.wait(WITHIN_S)))
    await asyncio.sleep(0)
    assert not await thread.end(lambda: None, 0.01)
    gate.set()
    assert await stuck


async def test_what_the_last_function_raises_stays_in_the_log() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    assert await ClientThread("test").end(fail, WITHIN_S)


async def test_it_idles_now_and_then_also_between_many_short_calls() -> None:
    idled = threading.Semaphore(0)

    def idle() -> None:
        idled.release()
        raise ZeroDivisionError  # and goes on

    thread = ClientThread("test", idle=idle, idle_every_s=0.005)
    for _ in range(3):
        assert await asyncio.to_thread(idled.acquire, True, WITHIN_S)
    while idled.acquire(blocking=False):
        pass
    seen = 0
    async with asyncio.timeout(WITHIN_S):
        while seen < 3:  # calls without any rest between them
            await asyncio.gather(*(thread.call(lambda: None) for _ in range(20)))
            seen += idled.acquire(blocking=False)
    await thread.end(lambda: None, WITHIN_S)


async def test_it_does_not_idle_within_a_long_call() -> None:
    idled: list[int] = []
    thread = ClientThread("test", idle=lambda: idled.append(1), idle_every_s=0.0)
    long = LongCall(thread)
    task = asyncio.create_task(thread.call(long, long=True))
    await begun(long)
    before = len(idled)
    for _ in range(20):
        await thread.call(lambda: None)
    assert len(idled) == before
    long.let_go.set()
    await task
    await thread.end(lambda: None, WITHIN_S)
