"""SIGKILL at random moments under load: nothing acknowledged is lost, nothing is there twice."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_eventsourcing.ports.event_log import START
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.rebuild import rebuild_views
from tests.system.axis_process import AxisProcess
from tests.system.traffic import Traffic, check_exactly_once

KILLS = int(os.environ.get("DOCAXIS_TEST_KILLS", "50"))
SEED = int(os.environ.get("DOCAXIS_TEST_SEED", str(random.randrange(2**32))))
SERVICES = ("registry", "routing", "signature", "status", "notification")


@pytest.mark.timeout(900)
async def test_sigkill_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Then every view is rebuilt from the log and has the same bytes."""
    chance = random.Random(SEED)
    print(f"{KILLS} kills, seed {SEED} (DOCAXIS_TEST_KILLS, DOCAXIS_TEST_SEED)")
    axis = AxisProcess(tmp_path / "data")
    await axis.start()
    await axis.bootstrap()
    traffic = Traffic(axis, SEED)
    running = asyncio.create_task(traffic.run(senders=4))
    for _ in range(KILLS):
        await asyncio.wait((running,), timeout=chance.uniform(0.0, 1.2))
        if running.done():  # traffic ends only when it is told to: here it has failed
            await running
        assert not running.done()
        await axis.kill()
        await axis.start()
    traffic.stop()
    await running
    await check_exactly_once(axis, traffic.told)
    assert await axis.stop() == 0, axis.last_words()
    told = traffic.told
    print(
        f"{len(told.contents)} documents, {len(told.statuses)} statuses, all there once;"
        f" {traffic.failed_calls} calls were cut and repeated"
    )
    assert len(told.contents) > KILLS
    await check_versions(axis.folder)
    rebuilt = await rebuild_views(axis.data)
    assert [each.view for each in rebuilt if not each.same] == []
    assert len(rebuilt) >= len(SERVICES)


async def check_versions(folder: DataFolder) -> None:
    """In each partition of each service's events, versions run from 1 without gap or repeat."""
    log = await SqliteEventLog.open(folder.log)
    try:
        for service in SERVICES:
            topic = f"docaxis.{service}.events"
            for partition in range(log.partitions):
                end = await log.end(topic, partition)
                tail = log.tail(topic, {partition: START})
                versions: list[int] = []
                ids: Counter[str] = Counter()
                while tail.reached(partition).place < end.place:
                    for record in await tail.next(1000, 1.0):
                        versions.append(record.envelope.sequence)
                        ids[record.envelope.id] += 1
                await tail.close()
                assert versions == list(range(1, len(versions) + 1)), (topic, partition)
                assert set(ids.values()) <= {1}, (topic, partition)
    finally:
        await log.close()
