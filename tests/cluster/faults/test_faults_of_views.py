"""All views of all services are made again while traffic flows, and nobody notices."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from docaxis_client.client import DocaxisClient
from tests.cluster.faults.figures import Figures
from tests.cluster.faults.site import Site
from tests.cluster.faults.under_load import under_load
from tools.cluster.axis import AxisCluster
from tools.cluster.service_process import SERVICES

pytestmark = [pytest.mark.faults, pytest.mark.cluster, pytest.mark.timeout(480)]

VIEWS = {
    "registry": ["registry_accounts", "registry_directory"],
    "routing": ["routing_documents", "routing_refusals", "routing_registry"],
    "signature": ["signature_receipts", "signature_verdicts"],
    "status": ["status_timelines", "status_statistics"],
    "notification": ["notification_systems", "notification_webhooks", "notification_documents"],
}
KEPT_S = 10.0
"""That the build before stays for the replicas: less than by default, more than they need."""
_WITHIN_S = 240.0
_SAMPLE = 8

Tell = Callable[[Figures], None]


def rebuild(axis: AxisCluster, service: str) -> str:
    """`python -m docaxis_<service> rebuild`, with a replica's settings; what it printed."""
    settings = axis.processes(service)[0].process.environment
    done = subprocess.run(
        [sys.executable, "-m", f"docaxis_{service}", "rebuild"],
        env={**os.environ, **settings, "DOCAXIS_VIEWS_KEPT_S": str(KEPT_S)},
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rebuild_all(axis: AxisCluster) -> dict[str, str]:
    """All services' at once."""
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        told = pool.map(lambda service: rebuild(axis, service), SERVICES)
        return dict(zip(SERVICES, told, strict=True))


async def answers(office: DocaxisClient, documents: Sequence[str]) -> list[object]:
    """What the axis tells of documents with which nothing happens any more."""
    return [
        answer
        for each in documents
        for answer in (
            await office.document(each),
            await office.deliveries(each),
            await office.timeline(each),
            sorted(await office.document_receipts(each), key=lambda receipt: receipt.id),
            await office.verdict(each),
        )
    ]


async def test_a_rebuild_of_all_views_changes_no_answer(site: Site, tell: Tell) -> None:
    """A query that finds nothing, or fails for good, would end the traffic."""
    async with under_load(site, "all views rebuilt", tell=tell) as load, asyncio.timeout(_WITHIN_S):
        async with load.axis.client("office") as office:
            finished = load.traffic.calls.finished
            while len(finished) < _SAMPLE:
                await load.flow(0.5)
            sample = list(finished)[:_SAMPLE]
            await load.flow(5.0)  # until receipts are sealed
            before = await answers(office, sample)
            told = await load.fault("rebuilt", rebuild_all, load.axis)
            assert await answers(office, sample) == before
    for service, views in VIEWS.items():
        for view in views:
            assert f"{view}: {view}_v" in told[service], told[service]
    assert sum(each.count(" serves; digest ") for each in told.values()) == sum(
        map(len, VIEWS.values())
    )
