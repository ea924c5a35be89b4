"""Parts of a process: start, stop, death."""

import asyncio
import os
import signal

import pytest

from docaxis_eventsourcing.parts import PartHealth
from docaxis_runtime.background import Background, SupervisedTask
from docaxis_runtime.health import Health
from docaxis_runtime.kernel_part import KernelPart
from docaxis_runtime.lifecycle import Lifecycle, PartDied


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
