"""Hand-over of partitions under load: members join, leave and are killed, and nothing shows."""

import pytest

from tests.cluster.kafka_copying import copying
from tests.cluster.kafka_worker import WorkerSettings
from tests.contract.kafka_log import fresh_topics, kafka_log

pytestmark = pytest.mark.cluster

_PARTITIONS = 4
_COMMANDS = 20_000
_FAULTS = 8


@pytest.mark.timeout(300)
async def test_L12_members_come_and_go_and_each_command_is_decided_once(kafka: str) -> None:
    async with fresh_topics() as prefix:
        log = await kafka_log(prefix, partitions=_PARTITIONS)
        settings = WorkerSettings(kafka, prefix, "", partitions=_PARTITIONS)
        async with copying(log, settings) as found:
            copiers = found.copiers

            async def kill_and_start_again(name: str) -> None:
                await copiers.kill(name)
                await copiers.join(name)

            for fault in (
                lambda: kill_and_start_again("a"),
                lambda: copiers.leave("b"),
                lambda: kill_and_start_again("c"),
                lambda: copiers.join("b"),
                lambda: copiers.join("d"),
                lambda: kill_and_start_again("b"),
                lambda: copiers.leave("d"),
                lambda: copiers.leave("a"),
            ):
                await found.under(_COMMANDS // _FAULTS, fault)
            found.check()
            assert found.acknowledged >= _COMMANDS
        await log.close()
