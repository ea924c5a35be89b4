"""A group's coordinator moves to another broker while its old one goes on living."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.cluster.kafka_worker import GROUP, WorkerSettings
from tests.cluster.kafka_worker_process import running
from tests.cluster.private_servers import eventually, private
from tests.contract.messages import outgoing
from tests.servers import KafkaCluster, require_servers

pytestmark = pytest.mark.cluster

_QUESTIONS = 30


def coordinator(cluster: KafkaCluster) -> int:
    """The number of the broker that coordinates the workers' group, 0 where nobody tells."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    try:
        offsets = admin.list_topics("__consumer_offsets", timeout=3).topics["__consumer_offsets"]
    except KafkaException:
        return 0
    return int(offsets.partitions[_java_hash(GROUP) % len(offsets.partitions)].leader)


def _java_hash(text: str) -> int:
    """Of a string, as a broker places a group: never negative."""
    number = 0
    for sign in text:
        number = (31 * number + ord(sign)) % 2**32
    return number % 2**31


@pytest.mark.timeout(300)
async def test_who_asks_a_broker_that_coordinates_no_more_is_told_by_the_next(
    tmp_path: Path,
) -> None:
    """The client library's admin client takes its process down then."""
    require_servers("kafka")
    cluster = KafkaCluster(tmp_path)
    with private(cluster):
        settings = WorkerSettings(cluster.bootstrap, "", "worker", replication=3)
        async with running(settings) as (worker,):
            log = await settings.open()
            await log.append([outgoing("command")])
            assert await worker.ask("poll") == ["command"]
            assert await worker.ask("decide") == "committed"
            first = coordinator(cluster)
            assert first > 0
            cluster.pause(first)
            eventually(lambda: coordinator(cluster) not in (-1, 0, first), "another coordinator")
            cluster.resume(first)
            for _ in range(_QUESTIONS):  # it takes a moment to hear that it was replaced
                assert await worker.ask("committed") == 1
                await asyncio.sleep(0.2)
            await log.close()
            assert worker.ended is None
