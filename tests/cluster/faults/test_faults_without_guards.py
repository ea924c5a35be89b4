"""With a guard taken away, the same faults do damage, and the same checks find it (L34).

The guards are taken away in the processes of routing by `hooks`. Both tests are on one axis, which
is of no use afterwards.
"""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import ProblemError
from tests.cluster.faults.site import SESSION_S, Site
from tests.cluster.faults.under_load import flowing
from tests.servers import require_servers
from tests.system.traffic import check_exactly_once

pytestmark = [pytest.mark.faults, pytest.mark.cluster, pytest.mark.timeout(480)]

_PENDING = 3
_DAMAGE = frozenset({"unknown_document"})
"""What callers may see of it: an answer that came before its document, or without one."""
_WITHIN_S = 60.0
_LOOKS_FOR_S = 10.0
"""More documents are lost than there are senders: none may look for one for ever."""
_GOES_ON_WITHIN_S = 160.0
"""After all brokers and routing were killed: as long as with the guards."""


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Without three guards at once."""
    require_servers()
    site = Site(tmp_path_factory.mktemp("unguarded"), without="durable,transaction,repeats")
    site.start()
    yield site
    site.axis.stop()


async def unknown(office: DocaxisClient, document_id: str) -> bool:
    """Whether its sender is told that there is no such document."""
    try:
        await office.document(document_id)
    except ProblemError as problem:
        return problem.status == 404
    return False


async def test_answered_before_it_is_durable_documents_are_lost(unguarded: Site) -> None:
    """With the guard: `test_all_brokers_and_routing_killed_at_once`."""
    site = unguarded
    async with flowing(
        site, "answered before it is durable", bear_with=_DAMAGE, looks_for_s=_LOOKS_FOR_S
    ) as load:
        told, calls = load.traffic.told, load.traffic.calls
        load.mark("killed")
        await load.do(site.axis.kafka.kill_all)
        before = set(told.pending)
        until = monotonic() + _WITHIN_S
        while len(told.pending - before) < _PENDING:
            assert monotonic() < until, "no answer of a document that is not durable"
            await load.flow(0.1)
        answered = told.pending - before  # some of them were on their way before all died
        for index in range(site.axis.replicas("routing")):
            await load.do(site.axis.kill, "routing", index)
        await load.do(site.axis.kafka.start)
        await load.do(site.axis.wait_ready)
        begun = monotonic()
        until = begun + _GOES_ON_WITHIN_S
        while not any(calls.due[each] > begun for each in calls.finished):
            assert monotonic() < until, "no document goes its way any more"
            await load.flow(0.2)
        async with load.axis.client("office") as office:
            lost = [
                each for each in answered - calls.finished.keys() if await unknown(office, each)
            ]
        assert lost, "all that was answered is there"
        with pytest.raises(AssertionError, match="lost deliveries"):
            await check_exactly_once(site.axis, told)


async def test_without_transaction_and_memory_a_zombie_decides_twice(unguarded: Site) -> None:
    """With the guards: `test_a_processor_stopped_past_its_session_that_wakes_up`."""
    site = unguarded
    await site.events.check()
    async with flowing(site, "events and positions apart", bear_with=_DAMAGE) as load:
        stopped = await load.do(site.stop_at_commit, "routing")
        load.mark("stopped")
        await load.flow(2 * SESSION_S)
        await load.do(site.axis.resume, "routing", stopped)
        until = monotonic() + _WITHIN_S
        with pytest.raises(AssertionError, match="its id is there twice"):
            while monotonic() < until:
                await site.events.check()
                await asyncio.sleep(0.5)
