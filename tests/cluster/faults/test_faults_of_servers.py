"""Kafka, MongoDB and the object store die under load and come back; nothing is lost or doubled."""

from collections.abc import Callable

import pytest

from tests.cluster.faults.figures import Figures
from tests.cluster.faults.site import Site
from tests.cluster.faults.under_load import under_load

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(480)]

_AWAY_S = 6.0

Tell = Callable[[Figures], None]


async def test_sigkill_of_a_kafka_broker_and_its_return(site: Site, tell: Tell) -> None:
    """The active controller: it leads a third of the partitions besides."""
    async with under_load(site, "Kafka broker killed", tell=tell) as load:
        kafka = load.axis.kafka
        number = await load.do(kafka.controller)
        assert number, "no controller"
        await load.fault("killed", kafka.kill, number)
        await load.flow(_AWAY_S)
        await load.recovered()
        await load.fault("back", kafka.start_again, number)
        await load.do(kafka.wait_in_sync)
        assert await load.do(kafka.controller) != number, "it was not the controller that died"


async def test_a_kafka_broker_stopped_past_its_session_that_wakes_up(
    site: Site, tell: Tell
) -> None:
    """All that it led and coordinated is another's, and who remembers it still asks it."""
    async with under_load(site, "Kafka broker stopped past its session", tell=tell) as load:
        kafka = load.axis.kafka
        number = next(each for each in kafka.processes if each != kafka.controller())
        await load.fault("stopped", kafka.pause, number)
        await load.flow(_AWAY_S)
        await load.fault("resumed", kafka.resume, number)
        await load.do(kafka.wait_in_sync)


async def test_all_brokers_and_routing_killed_at_once(site: Site, tell: Tell) -> None:
    """What was answered was durable: routing has no memory that could send it again."""
    async with under_load(site, "all Kafka brokers and routing killed", tell=tell) as load:
        await load.fault("killed", load.axis.kafka.kill_all)
        await load.flow(3.0)
        for index in range(load.axis.replicas("routing")):
            await load.do(load.axis.kill, "routing", index)
        await load.fault("back", load.axis.kafka.start)
        await load.do(load.axis.kafka.wait_in_sync)
        await load.do(load.axis.wait_ready)


async def test_sigkill_of_the_mongodb_server_and_its_return(site: Site, tell: Tell) -> None:
    async with under_load(site, "MongoDB server killed", tell=tell) as load:
        await load.fault("killed", load.axis.mongo.kill)
        await load.flow(_AWAY_S)
        await load.fault("back", load.axis.mongo.start_again)


async def test_sigkill_of_the_object_store_and_its_return(site: Site, tell: Tell) -> None:
    async with under_load(site, "object store killed", tell=tell) as load:
        await load.fault("killed", load.axis.s3.kill)
        await load.flow(_AWAY_S)
        await load.fault("back", load.axis.s3.start_again)
