"""A document's way as traces, by OTLP to a real receiver, on both forms of an axis."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
import pytest_asyncio

from docaxis_client.models import Submission
from docaxis_client.tracking import InboxItem, StatusReport
from docaxis_proto import registry_events_v1_pb2 as registry_events
from docaxis_proto import registry_v1_pb2 as registry
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import Connection
from tests.otlp import Collector, Received, collecting, paths, tree
from tests.system.forms import FORMS, AxisForm, running_form
from tests.system.traffic import sample_document, sample_files

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
WITHIN_S = 90.0
SETTLED_S = 5.0
"""A trace to which nothing was added for so long is whole."""
CALLERS_TRACE = uuid.uuid4().hex


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def collector() -> AsyncIterator[Collector]:
    with collecting() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=FORMS)
async def axis(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    collector: Collector,
) -> AsyncIterator[AxisForm]:
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    }
    folder = tmp_path_factory.mktemp(request.param)
    async with running_form(request.param, folder, told) as running:
        yield running


async def _until(ready: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            if ready():
                return
            await asyncio.sleep(0.1)


async def _whole(collector: Collector, trace_id: str) -> list[Received]:
    """A trace once nothing more comes."""
    spans: list[Received] = []
    since = time.monotonic()
    async with asyncio.timeout(WITHIN_S):
        while not spans or time.monotonic() - since < SETTLED_S:
            found = collector.trace(trace_id)
            if len(found) != len(spans):
                spans, since = found, time.monotonic()
            await asyncio.sleep(0.1)
    return spans


async def _submitted(axis: AxisForm, *recipients: str) -> tuple[Submission, str]:
    """A document, and the id of its trace once the timeline tells it."""
    async with axis.client("office") as office:
        document = sample_document(f"trace-{uuid.uuid4()}")
        document.recipients = list(recipients)
        sent = await office.submit(document, sample_files(1))
        trace_id = (await office.timeline(sent.id)).trace_id
    assert trace_id is not None
    return sent, trace_id


async def _arrived(axis: AxisForm, name: str, document_id: str) -> InboxItem:
    async with axis.client(name) as client, asyncio.timeout(WITHIN_S):
        while True:
            for each in (await client.inbox(limit=500)).items:
                if each.document.id == document_id:
                    return each
            await asyncio.sleep(0.2)
    raise AssertionError


def _missing(wanted: set[tuple[str, ...]], found: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Ways that nobody went; a batch's span names all that it decided, so it may say more."""

    def is_there(way: tuple[str, ...]) -> bool:
        return any(
            len(each) == len(way)
            and all(set(a.split()) <= set(b.split()) for a, b in zip(way, each, strict=True))
            for each in found
        )

    return {way for way in wanted if not is_there(way)}


async def test_submit_to_ready_is_one_trace_through_every_service(
    axis: AxisForm, collector: Collector
) -> None:
    sent, trace_id = await _submitted(axis, "H26", "H27")
    await _arrived(axis, "hanoi", sent.id)
    submit = ("gateway POST /api/v1/documents", "routing SubmitDocument")
    decided = (*submit, "routing decide SubmitDocument")
    made = (*decided, "routing react own DocumentSubmitted", "routing decide MakeDeliveries")
    verdict = (
        *decided,
        "signature effect verify DocumentSubmitted",
        "signature decide RecordVerdict",
    )
    wanted = {
        (*made, "routing project routing_documents"),
        (*made, "status react routing DeliveriesMade", "status decide OpenTimelines"),
        (*verdict, "routing react signature DocumentVerified", "routing decide NoteVerdict"),
        (*decided, "signature effect seal DocumentSubmitted", "signature decide RecordReceipts"),
        (*decided, "notification project notification_documents"),
    }
    with contextlib.suppress(TimeoutError):
        await _until(lambda: not _missing(wanted, paths(collector.trace(trace_id))))
    spans = collector.trace(trace_id)
    assert not _missing(wanted, paths(spans)), paths(spans)
    (root,) = tree(spans)[""]
    assert root.name == "POST /api/v1/documents" and root.parent == ""
    assert {each.service.removeprefix("docaxis-") for each in spans} >= {
        "gateway",
        "routing",
        "signature",
        "status",
        "notification",
    }
    assert not any(each.error for each in spans)


async def test_fetch_acknowledgement_and_status_are_traces_of_their_own_linked_to_it(
    axis: AxisForm, collector: Collector
) -> None:
    sent, trace_id = await _submitted(axis, "H26")
    item = await _arrived(axis, "hanoi", sent.id)
    async with axis.client("hanoi") as hanoi:
        await hanoi.document(sent.id)
        await hanoi.acknowledge([item.delivery_id])
        report = StatusReport(item.delivery_id, "03")
        async with asyncio.timeout(WITHIN_S):
            while True:
                (told,) = await hanoi.report_statuses([report])
                if told.result != "held":
                    break
                await asyncio.sleep(0.2)
    wanted = {
        "GET /api/v1/inbox",
        "GET /api/v1/documents/{document_id}",
        "POST /api/v1/deliveries:acknowledge",
        "POST /api/v1/statuses",
    }

    def roots() -> set[str]:
        linked = collector.traces_linked_to(trace_id)
        return {e.name for e in collector.all() if e.trace in linked and e.parent == ""}

    await _until(lambda: roots() >= wanted)
    own = {each.name for each in collector.trace(trace_id)}
    assert not own & wanted


async def test_a_callers_trace_goes_on(axis: AxisForm, collector: Collector) -> None:
    parent = "b7ad6b7169203331"
    headers = {"traceparent": f"00-{CALLERS_TRACE}-{parent}-01", "x-request-id": "the-request"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{axis.url}/api/v1/keys", headers=headers) as answer:
            assert answer.status == 200
    await _until(lambda: any(each.parent == parent for each in collector.trace(CALLERS_TRACE)))
    (span,) = tree(collector.trace(CALLERS_TRACE))[""]
    assert (span.parent, span.attributes["docaxis.request_id"]) == (parent, "the-request")


async def test_a_document_to_a_thousand_recipients_makes_fewer_than_100_spans(
    axis: AxisForm, collector: Collector
) -> None:
    codes = [f"T{number:04}" for number in range(1, 1001)]
    await _register(axis, codes)
    sent, trace_id = await _submitted(axis, *codes)
    async with axis.client("office") as office, asyncio.timeout(WITHIN_S):
        made, cursor = 0, None
        while made < len(codes):
            page = await office.deliveries(sent.id, limit=500, cursor=cursor)
            made = len(page.items) + (500 if cursor else 0)
            cursor = page.next
            await asyncio.sleep(0.2)
    spans = await _whole(collector, trace_id)
    decided = [each.name.split() for each in spans if each.name.startswith("decide ")]
    assert any("MakeDeliveries" in names for names in decided), "a batch names all it decided"
    assert len(tree(spans)[""]) == 1
    assert 10 < len(spans) < 100


async def _register(axis: AxisForm, codes: list[str]) -> None:
    connection = Connection(axis.grpc_address("registry"))
    try:
        for start in range(0, len(codes), 500):
            entries = [
                registry_events.OrganisationEntry(code=code, name=code, level=3, kind="sample")
                for code in codes[start : start + 500]
            ]
            await connection.client(RegistryStub).RegisterOrganisations(
                registry.RegisterOrganisationsRequest(entries=entries, actor="test")
            )
    finally:
        await connection.close()


async def test_every_service_tells_its_figures(axis: AxisForm, collector: Collector) -> None:
    wanted = {
        "docaxis.documents.accepted",
        "docaxis.consumer.lag",
        "docaxis.request.duration",
        "docaxis.call.duration",
        "docaxis.verification.duration",
        "docaxis.commands.dead",
    }
    await _until(lambda: set[str]().union(*collector.metrics.values()) >= wanted)
