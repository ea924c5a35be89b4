"""A part whose start waits for another service, beside the others."""

import asyncio

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_process.patient_part import PatientPart
from docaxis_runtime.health import Health
from docaxis_runtime.lifecycle import Lifecycle, PartDied
from tests.unit.docaxis_process.polling import eventually


class Directory:
    """Fails to start while `away`; dies when told to."""

    name = "system_directory"

    def __init__(self) -> None:
        self.away: Exception | None = DocaxisError("unavailable")
        self.starts = self.stops = 0
        self.death = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        if self.away:
            raise self.away

    async def wait(self) -> None:
        await self.death.wait()

    async def stop(self) -> None:
        self.stops += 1

    def word(self) -> str:
        return "ready"


async def test_it_starts_when_what_it_needs_is_there() -> None:
    directory, health = Directory(), Health()
    patient = PatientPart(directory, "registry", "dns:///registry:1")
    lifecycle = Lifecycle([patient], health=health)
    await lifecycle.start()
    await eventually(lambda: directory.starts > 1, "a second attempt")
    assert health.words() == {"system_directory": "waiting for registry"}
    assert directory.stops >= 1  # what a failed start left behind
    directory.away = None
    await eventually(lambda: health.ready, "ready")
    stops = directory.stops
    await lifecycle.stop()
    assert directory.stops == stops + 1


async def test_it_can_be_stopped_while_it_waits() -> None:
    directory = Directory()
    lifecycle = Lifecycle([PatientPart(directory, "registry", "")])
    await lifecycle.start()
    await eventually(lambda: directory.starts > 0, "an attempt")
    await lifecycle.stop()
    starts = directory.starts
    assert directory.stops == starts
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others == set()


@pytest.mark.parametrize("failure", [None, ValueError("divergence")])
async def test_its_death_is_the_processs(failure: Exception | None) -> None:
    directory = Directory()
    directory.away = failure
    directory.death.set()
    with pytest.raises(PartDied, match="system_directory"):
        await Lifecycle([PatientPart(directory, "registry", "")]).run(signals=False)
