"""Parts of a process: start, stop, death."""

import asyncio
import os
import signal

import pytest

from docaxis_eventsourcing.parts import PartHealth
from docaxis_runtime.background import Background, SupervisedTask
from docaxis_runtime.health import Health
from docaxis_runtime.kernel_part import KernelPart
from docaxis_runtime.lifecycle import Group, Lifecycle, Part, PartDied
from tests.unit.docaxis_process.polling import eventually


class Recorded:
    """A part that writes down what happens to it."""

    def __init__(self, name: str, log: list[str], *, fail: str = "", hang: bool = False) -> None:
        self.name = name
        self.log = log
        self.fail = fail
        self.hang = hang

    async def start(self) -> None:
        self.log.append(f"start {self.name}")
        if self.fail == "start":
            raise OSError("no such thing")

    async def stop(self) -> None:
        self.log.append(f"stop {self.name}")
        if self.fail == "stop":
            raise OSError("no such thing")
        if self.hang:
            await asyncio.sleep(60)


async def test_rule_P1_parts_start_in_order_and_those_before_a_failure_stop() -> None:
    log: list[str] = []
    health = Health()
    parts = [Recorded("a", log), Recorded("b", log), Recorded("c", log, fail="start")]
    with pytest.raises(OSError, match="no such thing"):
        await Lifecycle(parts, health=health).run(signals=False)
    assert log == ["start a", "start b", "start c", "stop b", "stop a"]
    assert health.words() == {"a": "stopped", "b": "stopped", "c": "failed to start"}


class Waiting(Recorded):
    """A part whose start ends when it is told to."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__(name, log)
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def start(self) -> None:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.log.append(f"cancelled {self.name}")
            raise
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        self.go.clear()
        await self.go.wait()


async def test_rule_P1_a_group_starts_together_between_its_neighbours() -> None:
    log: list[str] = []
    slow, quick = Waiting("slow", log), Recorded("quick", log)
    parts: list[Part | Group] = [Recorded("a", log), (slow, quick), Recorded("z", log)]
    starting = asyncio.create_task((lifecycle := Lifecycle(parts)).start())
    await slow.begun.wait()
    await eventually(lambda: "start quick" in log, "start quick")
    assert log == ["start a", "start quick"]
    slow.go.set()
    await starting
    assert log[2:] == ["start slow", "start z"]
    stopping = asyncio.create_task(lifecycle.stop())
    # Though the other one has not come to its end.
    await eventually(lambda: "stop quick" in log, "stop quick")
    assert "stop a" not in log
    slow.go.set()
    await stopping
    assert log[-1] == "stop a"


async def test_rule_P1_of_a_group_with_a_failure_none_is_left() -> None:
    log: list[str] = []
    slow = Waiting("slow", log)
    group = (slow, Recorded("quick", log), Recorded("b", log, fail="start"))
    parts: list[Part | Group] = [Recorded("a", log), group]
    with pytest.raises(OSError, match="no such thing"):
        await Lifecycle(parts).run(signals=False)
    assert set(log[-3:-1]) == {"cancelled slow", "stop quick"}
    assert log[-1] == "stop a"


async def test_rule_P2_all_stop_within_the_processs_time() -> None:
    log: list[str] = []
    parts = [Recorded(name, log, hang=True) for name in "abcdef"]
    lifecycle = Lifecycle(parts, stop_timeout_s=30.0, stop_within_s=0.2)
    await lifecycle.start()
    async with asyncio.timeout(10):
        await lifecycle.stop()
    assert log[-6:] == [f"stop {name}" for name in "fedcba"]


@pytest.mark.parametrize("how", ["asked", "died", "cancelled"])
async def test_rule_P5_the_end_of_the_process_ends_a_start(how: str) -> None:
    log: list[str] = []
    death = asyncio.Event()
    slow = Waiting("slow", log)
    mortal = SupervisedTask("mortal", lambda: _raise_when(death))
    lifecycle = Lifecycle([Recorded("a", log), mortal, slow, Recorded("z", log)])
    running = asyncio.create_task(lifecycle.run(signals=False))
    await slow.begun.wait()
    match how:
        case "asked":
            lifecycle.request_stop()
            await running
        case "died":
            death.set()
            with pytest.raises(PartDied, match="mortal"):
                await running
        case _:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
    assert log == ["start a", "cancelled slow", "stop a"]


async def _raise_when(event: asyncio.Event) -> None:
    await event.wait()
    raise ValueError("divergence")


async def test_rule_P2_a_part_that_will_not_stop_keeps_nobody() -> None:
    log: list[str] = []
    parts = [Recorded("a", log), Recorded("b", log, fail="stop"), Recorded("c", log, hang=True)]
    health = Health()
    lifecycle = Lifecycle(parts, health=health, stop_timeout_s=0.05)
    await lifecycle.start()
    assert health.ready
    await lifecycle.stop()
    await lifecycle.stop()
    assert log[3:] == ["stop c", "stop b", "stop a"]
    assert not health.ready


@pytest.mark.parametrize("failing", [True, False])
async def test_rule_P3_a_part_that_ends_by_itself_stops_the_process(failing: bool) -> None:
    log: list[str] = []

    async def run() -> None:
        await asyncio.sleep(0.02)
        if failing:
            raise ValueError("divergence")

    lifecycle = Lifecycle([Recorded("a", log), SupervisedTask("mortal", run)])
    with pytest.raises(PartDied, match="mortal") as caught:
        await lifecycle.run(signals=False)
    assert isinstance(caught.value.__cause__, ValueError) == failing
    assert log == ["start a", "stop a"]


async def test_rule_P3_also_when_its_task_is_cancelled_under_it() -> None:
    async def run() -> None:
        raise asyncio.CancelledError

    with pytest.raises(PartDied):
        await Lifecycle([SupervisedTask("mortal", run)]).run(signals=False)


async def test_rule_P4_a_signal_stops_the_process_in_order() -> None:
    log: list[str] = []
    running = asyncio.create_task(Lifecycle([Recorded("a", log)]).run())
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 2)
    assert log == ["start a", "stop a"]


async def test_a_stopped_task_is_no_dead_part() -> None:
    async def run() -> None:
        await asyncio.sleep(60)

    lifecycle = Lifecycle([SupervisedTask("task", run)])
    await lifecycle.start()
    lifecycle.request_stop()
    await lifecycle.wait()
    await lifecycle.stop()


async def test_background_tasks_are_waited_for_and_fail_alone() -> None:
    done: list[str] = []

    async def work(name: str) -> None:
        await asyncio.sleep(0.02)
        if name == "bad":
            raise ValueError(name)
        done.append(name)

    background = Background()
    for name in ("one", "bad", "two"):
        background.spawn(name, work(name))
    await background.stop()
    assert done == ["one", "two"]


def test_nothing_is_not_ready() -> None:
    health = Health()
    assert not health.ready
    health.part("a").ready()
    assert health.ready
    health.part("a").not_ready("disk full")
    assert health.words() == {"a": "disk full"}


async def test_a_part_that_knows_its_own_health_is_asked() -> None:
    class Speaking(Recorded):
        said = "behind the registry"

        def word(self) -> str:
            return self.said

    part, health = Speaking("directory", []), Health()
    lifecycle = Lifecycle([part], health=health)
    await lifecycle.start()
    assert health.words() == {"directory": "behind the registry"}
    part.said = "ready"
    assert health.ready
    await lifecycle.stop()
    assert health.words() == {"directory": "stopped"}


async def test_a_kernel_part_starts_when_it_has_told_how_it_is() -> None:
    class Kernel:
        def __init__(self) -> None:
            self.health = PartHealth("processor")

        async def run(self) -> None:
            await asyncio.sleep(0.05)
            self.health.working()
            await asyncio.sleep(60)

    part, health = Kernel(), Health()
    lifecycle = Lifecycle([KernelPart(part, health)], health=health)
    await lifecycle.start()
    assert health.ready
    part.health.waiting("log is away")
    assert health.words() == {"processor": "waiting: log is away"}
    await lifecycle.stop()


async def test_a_kernel_part_that_is_not_awaited_any_more_leaves_nothing_running() -> None:
    class Kernel:
        def __init__(self) -> None:
            self.health = PartHealth("processor")
            self.begun = asyncio.Event()
            self.ended = asyncio.Event()

        async def run(self) -> None:
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.ended.set()

    part = Kernel()
    starting = asyncio.create_task(KernelPart(part, Health()).start())
    await part.begun.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert part.ended.is_set()


def test_a_process_serves_while_its_parts_wait_and_not_when_one_failed() -> None:
    health = Health()
    assert not health.serving
    processor = PartHealth("processor")
    serving = {"working", "waiting"}
    health.follow("processor", processor.word, lambda: processor.state in serving)
    health.part("grpc").not_ready("the ports are not open yet")
    assert not health.serving
    processor.working()
    health.part("grpc").ready()
    assert health.serving
    processor.waiting("the store is away")
    assert health.serving
    assert not health.ready
    processor.failed("divergence")
    assert not health.serving


def test_who_keeps_a_health_of_its_own_serves_when_it_is_ready() -> None:
    health, words = Health(), ["behind the registry"]
    health.part("directory").ready()
    health.follow("directory", lambda: words[-1])
    assert not health.serving
    words.append("ready")
    assert health.serving
