"""SIGKILL of each broker of three in turn, under load: the coordinators' and the leaders', too."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.kafka_copying import copying
from tests.cluster.kafka_worker import WorkerSettings
from tests.cluster.private_servers import private
from tests.contract.messages import COMMANDS, read_to_end
from tests.servers import KafkaCluster, require_servers

pytestmark = pytest.mark.cluster

_PARTITIONS = 3
_COMMANDS = 2_000
"""For each broker twice: once when it goes, once when it comes back."""


@pytest.mark.timeout(400)
async def test_each_broker_is_killed_and_comes_back_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    require_servers("kafka")
    cluster = KafkaCluster(tmp_path)
    with private(cluster):
        settings = WorkerSettings(
            cluster.bootstrap, "", "test", partitions=_PARTITIONS, replication=3
        )
        log = await settings.open()
        async with copying(log, settings) as found:
            for broker in (node.number for node in cluster.nodes):
                await found.under(_COMMANDS, partial(asyncio.to_thread, cluster.kill, broker))
                await a_service_starts(replace(settings, replica=f"without-{broker}"))
                back = partial(asyncio.to_thread, cluster.start_again, broker)
                await found.under(_COMMANDS, back)
                await asyncio.to_thread(cluster.wait_in_sync)
            found.check()
        await log.close()


async def a_service_starts(settings: WorkerSettings) -> None:
    """While one broker of three is away: all that it needs is there."""
    log = await settings.open()
    assert await read_to_end(log, COMMANDS, 0)
    await log.close()
