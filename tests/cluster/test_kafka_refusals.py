"""A cluster that cannot carry an axis, or carries another one, is refused at start, with words."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from docaxis_adapters.kafka_log import ClientBroken, KafkaEventLog, KafkaSettings, event_log
from docaxis_eventsourcing.errors import Unavailable
from tests.cluster.private_servers import private
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import COMMANDS, OUTCOMES, WAIT_S
from tests.servers import KafkaCluster, require_servers

pytestmark = pytest.mark.cluster

_RIGHT = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "min.insync.replicas": "1",
    "unclean.leader.election.enable": "false",
}


@pytest.fixture(scope="module")
def unfit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker without the group protocol, that forgets groups within the hour."""
    require_servers("kafka")
    cluster = KafkaCluster(
        tmp_path_factory.mktemp("unfit"),
        brokers=1,
        features={"group.version": 0},
        extra={
            "offsets.retention.minutes": "60",
            "group.coordinator.rebalance.protocols": "classic",
        },
    )
    with private(cluster):
        yield cluster.bootstrap


async def opened(servers: str, copies: int = 1) -> KafkaEventLog:
    settings = KafkaSettings(
        kafka_servers=servers, kafka_replication=copies, kafka_min_insync=copies
    )
    return await KafkaEventLog.open(settings, replica="test", partitions=1)


def without_settings_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "check_settings", lambda administration: None)


async def test_L17_all_settings_that_are_not_good_enough_are_told_at_once(unfit: str) -> None:
    with pytest.raises(ValueError, match="cannot carry an axis") as refused:
        await opened(unfit)
    assert "KIP-848" in str(refused.value)
    assert "rebalance.protocols=classic" in str(refused.value)
    assert "offsets.retention.minutes=60" in str(refused.value)


async def test_a_cluster_whose_group_protocol_is_switched_off_is_refused(
    unfit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_settings_check(monkeypatch)
    with pytest.raises(ValueError, match=r"KIP-848.*group\.version"):
        await opened(unfit)


async def test_L34_unchecked_its_members_would_break_at_their_first_poll(
    unfit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_settings_check(monkeypatch)
    monkeypatch.setattr(event_log, "check_group_protocol", lambda *given: None)
    log = await opened(unfit)
    await log.declare((COMMANDS,))
    member = await log.join("group", (COMMANDS,))
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(ClientBroken, match="API version not supported"):
            while True:
                await member.poll(1, 1)
    await log.close()


async def test_too_few_brokers_are_waited_for_by_name(
    unfit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_settings_check(monkeypatch)
    monkeypatch.setattr(event_log, "INSTALLATION_TOPIC", "another.installation")
    with pytest.raises(Unavailable, match=r"only 1 broker.*DOCAXIS_KAFKA_REPLICATION is 3"):
        await opened(unfit, copies=3)


async def test_nobody_there_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docaxis_adapters.kafka_log.administration.OPERATION_S", 0.5)
    with pytest.raises(Unavailable, match="metadata"):
        await opened("127.0.0.1:1")


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    async with fresh_topics() as found:
        yield found


def made_by_others(kafka: str, name: str, partitions: int, config: Mapping[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
    topic = NewTopic(name, partitions, 1, config=dict(config))
    admin.create_topics([topic])[name].result()


@pytest.mark.parametrize(
    ("partitions", "config", "told"),
    [
        (3, {}, "has 3 partitions, not 2"),
        (2, {"retention.ms": "604800000"}, "has retention.ms=604800000, not -1"),
        (2, {"retention.bytes": "1000000"}, "has retention.bytes=1000000, not -1"),
        (2, {"min.insync.replicas": "2"}, "has min.insync.replicas=2, not 1"),
        (2, {"cleanup.policy": "compact"}, "has cleanup.policy=compact, not delete"),
        (2, {"message.timestamp.type": "CreateTime"}, "has message.timestamp.type=CreateTime"),
        (2, {"unclean.leader.election.enable": "true"}, "unclean.leader.election.enable=true"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_L17_a_topic_that_is_not_as_it_must_be_is_named(
    kafka: str, prefix: str, partitions: int, config: Mapping[str, str], told: str
) -> None:
    await asyncio.to_thread(
        made_by_others, kafka, prefix + COMMANDS, partitions, {**_RIGHT, **config}
    )
    log = await kafka_log(prefix, partitions=2)
    with pytest.raises(ValueError, match=f"{prefix}{COMMANDS}") as refused:
        await log.declare((COMMANDS,))
    assert told in str(refused.value)
    await log.close()


async def test_a_topic_that_others_made_as_it_must_be_is_taken(kafka: str, prefix: str) -> None:
    await asyncio.to_thread(made_by_others, kafka, prefix + COMMANDS, 2, _RIGHT)
    log = await kafka_log(prefix, partitions=2)
    await log.declare((COMMANDS,))
    await log.close()


async def test_all_topics_that_disagree_are_told_at_once(kafka: str, prefix: str) -> None:
    for topic in (COMMANDS, OUTCOMES):
        await asyncio.to_thread(made_by_others, kafka, prefix + topic, 5, _RIGHT)
    log = await kafka_log(prefix, partitions=2)
    with pytest.raises(ValueError, match=COMMANDS) as refused:
        await log.declare((COMMANDS, OUTCOMES))
    assert OUTCOMES in str(refused.value)
    await log.close()


async def test_L3_another_partition_count_than_the_installations_is_refused(prefix: str) -> None:
    log = await kafka_log(prefix, partitions=2)
    await log.close()
    with pytest.raises(ValueError, match=r"made with 2 partitions.*L3"):
        await kafka_log(prefix, partitions=4)


async def test_L3_processes_that_start_at_the_same_moment_agree(prefix: str) -> None:
    found = await asyncio.gather(
        *(kafka_log(prefix, f"test-{n}", partitions=2 + n) for n in range(3)),
        return_exceptions=True,
    )
    logs = [each for each in found if isinstance(each, KafkaEventLog)]
    refused = [each for each in found if isinstance(each, ValueError)]
    assert (len(logs), len(refused)) == (1, 2)
    await logs[0].close()
