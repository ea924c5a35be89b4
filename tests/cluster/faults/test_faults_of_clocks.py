"""The clock of one service is an hour off, and nothing is decided by it (L5)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import ProblemError
from tests.cluster.faults.figures import Figures
from tests.cluster.faults.site import Site
from tests.cluster.faults.under_load import UnderLoad, under_load

pytestmark = [pytest.mark.faults, pytest.mark.cluster, pytest.mark.timeout(480)]

HOUR_S = 3600
NEAR = timedelta(minutes=30)
"""Longer than any test takes, and well below the hour."""
_SENT = 5
_ENOUGH_S = 60.0

Tell = Callable[[Figures], None]


def restart_all(load: UnderLoad, service: str, offset_s: int) -> None:
    """One replica after the other, with another clock."""
    for index in range(load.axis.replicas(service)):
        load.axis.restart(service, index, clock_offset_s=offset_s)


async def newly_finished(load: UnderLoad) -> list[str]:
    """Documents that went all their way from now on."""
    known = set(load.traffic.calls.due)
    finished = load.traffic.calls.finished
    waited = 0.0
    while len(new := [each for each in finished if each not in known]) < _SENT:
        assert waited < _ENOUGH_S, f"{len(new)} documents in {waited} s"
        await load.flow(0.5)
        waited += 0.5
    return new


async def times_of(office: DocaxisClient, document_id: str) -> dict[str, datetime | None]:
    """All times that the axis tells of a document, but those of its seals."""
    document = await office.document(document_id)
    times = {"accepted": document.accepted_at}
    for delivery in (await office.deliveries(document_id)).items:
        times[f"{delivery.code} ready"] = delivery.ready_at
        times[f"{delivery.code} handed over"] = delivery.handed_over_at
    for copy in (await office.timeline(document_id)).items:
        times.update({f"{copy.code} {each.code}": each.recorded_at for each in copy.entries})
    return times


@pytest.mark.parametrize("offset_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
async def test_L5_nothing_is_decided_by_the_clock_of_routing(
    site: Site, tell: Tell, offset_s: int
) -> None:
    """Its sweep of unclaimed files runs by that clock, every five seconds here: none is missed."""
    words = "ahead" if offset_s > 0 else "behind"
    async with under_load(site, f"routing's clock an hour {words}", tell=tell) as load:
        try:
            await load.fault("clock wrong", restart_all, load, "routing", offset_s)
            shifted = [each.clock_offset_s for each in load.axis.processes("routing")]
            assert shifted == [offset_s] * load.axis.replicas("routing")
            sent = await newly_finished(load)
            await load.flow(6.0)
            async with load.axis.client("office") as office:
                for document_id in sent:
                    times = await times_of(office, document_id)
                    now = datetime.now(UTC)
                    wrong = {
                        what: at for what, at in times.items() if at is None or abs(at - now) > NEAR
                    }
                    assert wrong == {}
        finally:
            await load.fault("clock right", restart_all, load, "routing", 0)
    assert site.events.farthest_s["routing"] < NEAR.total_seconds()


@pytest.mark.parametrize(
    ("offset_s", "refusal"),
    [(HOUR_S, "assertion_expired"), (-HOUR_S, "assertion_not_yet_valid")],
    ids=["ahead", "behind"],
)
async def test_a_gateway_whose_clock_is_off_lets_nobody_in(
    site: Site, tell: Tell, offset_s: int, refusal: str
) -> None:
    """Tokens end by its clock, and who has none proves himself by one that is right.

    Who has a token when it is behind goes on with it; nothing else is decided there.
    """
    words = "ahead" if offset_s > 0 else "behind"
    async with under_load(site, f"the gateway's clock an hour {words}", tell=tell) as load:
        load.traffic.bear_with = frozenset({refusal})
        try:
            await load.fault("clock wrong", restart_all, load, "gateway", offset_s)
            async with load.axis.client("office", attempts=1) as newcomer:
                with pytest.raises(ProblemError) as refused:
                    await newcomer.me()
            assert refused.value.code == refusal
            await load.flow(3.0)
        finally:
            await load.fault("clock right", restart_all, load, "gateway", 0)
            load.traffic.bear_with = frozenset()
