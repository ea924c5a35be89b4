"""Services are killed, stopped, restarted, added and removed under load; nothing is lost."""

import os
import random
from collections.abc import Callable

import pytest

from tests.cluster.faults.figures import Figures
from tests.cluster.faults.site import SESSION_S, Site
from tests.cluster.faults.under_load import SEED, under_load
from tools.cluster.service_process import GATEWAY, SERVICES

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(480)]

KILLS = int(os.environ.get("DOCAXIS_TEST_KILLS", "6"))
Tell = Callable[[Figures], None]


async def test_sigkill_of_services_at_random(site: Site, tell: Tell) -> None:
    """The first kills are of all kinds, the gateway among them; the rest are of any."""
    chance = random.Random(SEED)
    kinds = [*SERVICES, GATEWAY]
    chance.shuffle(kinds)
    victims = [*kinds, *chance.choices(kinds, k=KILLS)][:KILLS]
    async with under_load(site, "services killed at random", tell=tell) as load:
        for victim in victims:
            index = chance.randrange(load.axis.replicas(victim))
            await load.fault(f"{victim} killed", load.axis.kill, victim, index)
            await load.flow(chance.uniform(0.5, 3.0))
            await load.do(load.axis.wait_ready)


async def test_a_processor_stopped_past_its_session_that_wakes_up(site: Site, tell: Tell) -> None:
    """A zombie: it has decided a batch, the group has given its partitions away, it commits."""
    async with under_load(site, "routing stopped past its session", tell=tell) as load:
        load.mark("stopped")
        stopped = await load.do(site.stop_at_commit, "routing")
        await load.flow(2 * SESSION_S)
        await load.fault("resumed", load.axis.resume, "routing", stopped)
        await load.flow(SESSION_S)


async def test_rolling_restart_of_every_service(site: Site, tell: Tell) -> None:
    async with under_load(site, "rolling restart", tell=tell) as load:
        for service in (*SERVICES, GATEWAY):
            await load.fault(f"{service} restarted", load.axis.restart_rolling, [service])


async def test_a_replica_of_routing_added_and_removed(site: Site, tell: Tell) -> None:
    async with under_load(site, "replica added and removed", tell=tell) as load:
        await load.fault("added", load.axis.add_replica, "routing")
        await load.recovered()
        await load.fault("removed", load.axis.remove_replica, "routing")
