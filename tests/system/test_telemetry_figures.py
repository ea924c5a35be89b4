"""Figures in a scrape, and a telemetry backend that is away: neither costs the axis anything."""

import asyncio
import json
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import ProblemError
from docaxis_client.tracking import InboxItem, StatusReport
from tests.system.axis_process import ROOT, AxisProcess, free_port, running_process
from tests.system.traffic import sample_document, sample_files

pytestmark = pytest.mark.timeout(300)
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
WITHIN_S = 60.0
_METRIC = re.compile(r"\b(docaxis_[a-z_]+|process_[a-z_]+)\b")


async def _exchange(axis: AxisProcess) -> None:
    """A letter there, taken over and reported on."""
    async with axis.client("office") as office, axis.client("hanoi") as hanoi:
        document = sample_document(f"figures-{uuid.uuid4()}")
        document.recipients = ["H26"]
        sent = await office.submit(document, sample_files(1))
        item = await _arrived(hanoi, sent.id)
        (taken,) = await hanoi.acknowledge([item.delivery_id])
        assert taken.result == "handed_over"
        async with asyncio.timeout(WITHIN_S):  # the hand-over reaches the timelines
            while True:
                (timeline,) = (await office.timeline(sent.id)).items
                if timeline.entries and await office.verdict(sent.id):
                    break
                await asyncio.sleep(0.1)
        (told,) = await hanoi.report_statuses([StatusReport(item.delivery_id, "03")])
        assert told.result == "recorded"


async def _arrived(client: DocaxisClient, document_id: str) -> InboxItem:
    async with asyncio.timeout(WITHIN_S):
        while True:
            for each in (await client.inbox(limit=500)).items:
                if each.document.id == document_id:
                    return each
            await asyncio.sleep(0.1)
    raise AssertionError


async def _scrape(port: int) -> str:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()


def _shown(dashboard: Path) -> set[str]:
    """Every metric that a dashboard's panels ask for."""
    model = json.loads(dashboard.read_text())
    expressions = [target["expr"] for panel in model["panels"] for target in panel["targets"]]
    assert len(expressions) >= 10
    return {name for each in expressions for name in _METRIC.findall(each)}


@pytest.mark.parametrize("dashboard", sorted(DASHBOARDS.glob("*.json")), ids=lambda each: each.name)
async def test_every_metric_of_a_dashboard_is_in_a_scrape(dashboard: Path, tmp_path: Path) -> None:
    port = free_port()
    told = {"DOCAXIS_METRICS_LISTEN": f"127.0.0.1:{port}"}
    async with running_process(tmp_path, environment=told) as axis:
        await _exchange(axis)
        async with aiohttp.ClientSession() as session:  # never where the world comes in
            async with session.get(f"{axis.url}/metrics") as answer:
                assert answer.status == 404
        shown = _shown(dashboard)
        seen: set[str] = set()
        text = ""
        until = time.monotonic() + WITHIN_S
        while not seen >= shown and time.monotonic() < until:  # the lag is looked up now and then
            text = await _scrape(port)
            seen = {line.split("{")[0].split(" ")[0] for line in text.splitlines()}
            await asyncio.sleep(0.2)
    assert not shown - seen
    assert _value(text, "docaxis_documents_accepted_total") == 1
    assert _value(text, "docaxis_deliveries_made_total") == 1
    assert _value(text, "docaxis_deliveries_handed_over_total") == 1
    assert _value(text, "docaxis_hand_over_duration_seconds_count") == 1
    assert _value(text, "docaxis_first_status_duration_seconds_count") == 1
    assert 'docaxis_commands_dead_total{service="routing"} 0.0' in text
    assert "G22" not in text and "figures-" not in text


def _value(text: str, name: str) -> float:
    (line,) = (line for line in text.splitlines() if re.match(rf"{name}[ {{]", line))
    return float(line.rpartition(" ")[2])


@contextmanager
def _black_hole() -> Iterator[str]:
    """Takes connections and never says a word."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _nobody() -> Iterator[str]:
    """Where nobody listens."""
    yield f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("backend", [_black_hole, _nobody], ids=["hangs", "is_away"])
async def test_the_axis_does_not_care_for_its_telemetry_backend(
    backend: type[object], tmp_path: Path
) -> None:
    with backend() as endpoint:  # type: ignore[attr-defined]
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BSP_MAX_QUEUE_SIZE": "16",  # full at once
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
        }
        async with running_process(tmp_path, environment=told) as axis:
            for _ in range(3):
                await _exchange(axis)
            async with axis.client("office") as office:
                with pytest.raises(ProblemError):
                    await office.document(str(uuid.uuid4()))
            began = time.monotonic()
            assert await axis.stop() == 0
            assert time.monotonic() - began < 15.0
