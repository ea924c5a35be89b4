"""Views rebuilt while traffic flows: the new build takes over, and no query sees a gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from tests.system.traffic import Traffic, check_exactly_once


@dataclass(frozen=True, slots=True)
class InProcess:
    """An axis in the test's own process, whose views are at hand."""

    axis: Axis

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        credentials = Credentials.load(self.axis.folder.clients / f"{name}.json")
        return DocaxisClient(self.axis.url, credentials, attempts=attempts, patience_s=patience_s)

    @property
    def views(self) -> list[ViewRunner]:
        return [view for each in self.axis.services.values() for view in each.views.values()]


@asynccontextmanager
async def axis_at_work(data: Path) -> AsyncIterator[InProcess]:
    async with running_axis(data) as axis:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        yield InProcess(axis)


@pytest.mark.timeout(240)
async def test_views_rebuilt_as_a_new_version_take_over_while_traffic_flows(
    tmp_path: Path,
) -> None:
    async with axis_at_work(tmp_path / "data") as here:
        traffic = Traffic(here, seed=1)
        running = asyncio.create_task(traffic.run(senders=2))
        watching = asyncio.create_task(watch(here, traffic))
        for view in here.views:
            before = view.reader.space
            version = view.view.version + 1
            space = await view.rebuild(replace(view.view, version=version))
            assert view.reader.space == space != before
            assert f"_v{version}_" in space
        traffic.stop()
        await running
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        assert traffic.failed_calls == 0
        await check_exactly_once(here, traffic.told)
        for view in here.views:
            await check_same_bytes(here, view)


async def watch(here: InProcess, traffic: Traffic) -> None:
    """What was acknowledged once is found at every moment, whichever build serves."""
    async with here.client("office", attempts=1) as office:
        while True:
            for document_id in list(traffic.told.contents)[-5:]:
                found = await office.document(document_id)
                assert found.id == document_id
            await asyncio.sleep(0)


async def check_same_bytes(here: InProcess, view: ViewRunner) -> None:
    """One more build of the quiet log has the bytes of the one that was built under traffic."""
    ports = here.axis.ports
    for partition in range(ports.log.partitions):
        await view.reader.pass_end(partition, 10.0)
    before = await space_digest(ports.store, view.reader.space, view.view.tables)
    space = await view.rebuild()
    assert await space_digest(ports.store, space, view.view.tables) == before
