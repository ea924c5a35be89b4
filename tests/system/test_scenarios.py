"""The same scenarios on both forms of an axis, the standalone and the distributed one."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
import pytest_asyncio

from docaxis_cli.demonstration.scenario import Play, play
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.errors import AxisUnavailable, ProblemError
from docaxis_client.models import Submission
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import Delivery, InboxItem, StatusReport, Timeline
from docaxis_proto import gateway_v1_pb2 as gateway
from docaxis_proto import registry_events_v1_pb2 as registry_events
from docaxis_proto import registry_v1_pb2 as registry
from docaxis_proto.gateway_v1_pb2_grpc import GatewayStub
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import Connection
from docaxis_trust.demo_pki import create_demo_pki
from tests.system.exactly_once import RECIPIENTS, check_exactly_once
from tests.system.forms import FORMS, AxisForm, running_form
from tests.system.front import CASES, Front, letters, pointers
from tests.system.large_files import write_file
from tests.system.traffic import Traffic, sample_document, sample_files

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
ENOUGH_DOCUMENTS = 20
WITHIN_S = 60.0
"""For what follows a decision; a machine under load takes its time."""
LOCKED_WITHIN_S = 5.0
"""L29: a locked system is out everywhere by then."""


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=FORMS)
async def axis(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AxisForm]:
    async with running_form(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def front(axis: AxisForm, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    pki = await asyncio.to_thread(create_demo_pki, axis.folder.demo_pki)
    made = await asyncio.to_thread(letters, tmp_path_factory.mktemp("letters"), pki)
    async with aiohttp.ClientSession() as session:
        yield Front(axis.url, axis.folder.clients, session, made)


async def test_a_large_file_goes_in_pieces_and_comes_back(axis: AxisForm, tmp_path: Path) -> None:
    """Above 16 MiB; cut on the way it is in `test_large_files`."""
    path, target = tmp_path / "lớn.bin", tmp_path / "nhận.bin"
    digest = await asyncio.to_thread(write_file, path, 20)
    outgoing = OutgoingFile(path.name, path, "application/octet-stream")
    async with axis.client("office") as office, axis.client("hanoi") as hanoi:
        document = sample_document(f"large-{uuid.uuid4()}")
        document.recipients = ["H26"]
        sent = await office.submit(document, [outgoing])
        (file,) = (await office.document(sent.id)).files
        assert (file.digest, file.size, file.name) == (digest, path.stat().st_size, path.name)
        found: list[InboxItem] = []
        async with asyncio.timeout(WITHIN_S):
            while not found:
                page = await hanoi.inbox(limit=500)
                found = [each for each in page.items if each.document.id == sent.id]
                await asyncio.sleep(0.2)
        await hanoi.download(sent.id, digest, target)
        await hanoi.acknowledge([found[0].delivery_id])
    assert await asyncio.to_thread(target.read_bytes) == await asyncio.to_thread(path.read_bytes)


async def test_the_demonstration_passes_each_of_its_checks(axis: AxisForm, tmp_path: Path) -> None:
    office, hanoi, hatinh = (
        Credentials.load(axis.folder.clients / f"{name}.json")
        for name in ("office", "hanoi", "hatinh")
    )
    pki = await asyncio.to_thread(create_demo_pki, axis.folder.demo_pki)
    report = await play(Play(axis.url, office, hanoi, hatinh, pki, tmp_path))
    assert [check for check in report.checks if not check.ok] == []
    assert len(report.checks) == 20


async def test_from_sending_over_both_recipients_to_receipts_that_prove_it(axis: AxisForm) -> None:
    document = sample_document(f"{uuid.uuid4()}/CV-MAU")
    async with clients_of(axis) as (office, hanoi, hatinh):
        sent = await office.submit(document, sample_files(1))
        assert sorted(each.code for each in sent.recipients) == sorted(RECIPIENTS.values())
        for client, codes in ((hanoi, ("03", "05", "06")), (hatinh, ("03",))):
            item = await arrived(client, sent)
            content = await client.fetch(sent.id, item.document.files[0].digest)
            assert content == sample_files(1)[0].content
            (taken,) = await client.acknowledge([item.delivery_id])
            assert taken.result == "handed_over"
            (again,) = await client.acknowledge([item.delivery_id])
            assert again.result == "already_handed_over"
            reports = [StatusReport(item.delivery_id, code) for code in codes]
            assert all(each.done for each in await client.report_statuses(reports))
        timeline = await told(office, sent, {"H26": "06", "H27": "03"})
        assert {each.state for each in timeline.items} == {"handed_over"}
        sources = {(e.code, e.source) for each in timeline.items for e in each.entries}
        assert ("01", "axis") in sources
        assert ("03", "recipient") in sources
        await check_receipts(office, sent)


async def test_the_same_again_is_the_same_document_and_other_content_a_conflict(
    axis: AxisForm,
) -> None:
    document = sample_document(f"{uuid.uuid4()}/CV-MAU")
    async with axis.client("office") as office:
        sent = await office.submit(document, sample_files(2))
        again = await office.submit(document, sample_files(2))
        assert (sent.first, again.first) == (True, False)
        assert (again.id, again.receipt) == (sent.id, sent.receipt)
        assert again.recipients == sent.recipients
        status, code = await refused(office, document, sample_files(3))
        assert (status, code) == (409, "content_conflict")


async def test_an_unknown_recipient_is_refused_and_the_others_get_theirs(axis: AxisForm) -> None:
    document = sample_document(f"{uuid.uuid4()}/CV-MAU")
    document.recipients = ["H26", "H266"]
    async with clients_of(axis) as (office, hanoi, _):
        sent = await office.submit(document, sample_files(4))
        assert [each.code for each in sent.recipients] == ["H26"]
        assert [(each.code, each.reason) for each in sent.refused] == [
            ("H266", "unknown_organisation")
        ]
        await arrived(hanoi, sent)


async def test_a_check_says_what_the_submit_then_says(axis: AxisForm) -> None:
    document = sample_document(f"{uuid.uuid4()}/CV-MAU")
    document.recipients = ["H26", "H266"]
    async with axis.client("office") as office:
        checked = await office.check(document, sample_files(4))
        assert checked.status == "would_be_accepted"
        assert (await office.find_documents("G22", document.id)).items == ()
        sent = await office.submit(document, sample_files(4))
        assert (sent.id, sent.first) == (checked.id, True)
        assert (sent.recipients, sent.refused) == (checked.recipients, checked.refused)
        again = await office.check(document, sample_files(4))
        assert (again.id, again.status) == (sent.id, "already_accepted")


async def test_L9_more_than_500_recipients_each_have_one_delivery(axis: AxisForm) -> None:
    codes = [f"Q{number:04}" for number in range(1, 702)]
    await register(axis, codes)
    document = sample_document(f"{uuid.uuid4()}/CV-MAU")
    document.recipients = [*codes, "Q9999"]
    async with axis.client("office") as office:
        sent = await office.submit(document, sample_files(1))
        assert (sent.recipient_count, sent.recipients, sent.refused) == (702, (), ())
        until = time.monotonic() + WITHIN_S
        while len(found := await all_deliveries(office, sent.id)) < len(codes):
            assert time.monotonic() < until, f"{len(found)} of {len(codes)}"
            await asyncio.sleep(0.2)
        assert sorted(each.code for each in found) == codes
        page = await office.refused_recipients(sent.id)
        assert [(each.code, each.reason) for each in page.items] == [
            ("Q9999", "unknown_organisation")
        ]
        again = await office.submit(document, sample_files(1))
        assert (again.first, again.receipt) == (False, sent.receipt)
        ready = await office.find_deliveries("ready", limit=500)
        assert len(ready.items) == 500
        assert ready.next


@pytest.mark.parametrize("case", CASES)
async def test_bad_input_has_its_code_status_and_pointer(front: Front, case: str) -> None:
    changes, status, code, pointer = CASES[case]
    found, problem = await front.post(front.form(**changes))
    assert (found, problem["code"]) == (status, code), problem
    assert any(each.startswith(pointer) for each in pointers(problem)), problem


async def test_a_letter_over_grpc_is_the_one_that_rest_knows(front: Front, axis: AxisForm) -> None:
    """Sent over gRPC, received over gRPC, and seen by the client that speaks REST."""
    notation = f"{uuid.uuid4()}/CV-MAU"
    content = front.letters["signed"]
    async with (
        grpc.aio.insecure_channel(axis.public_grpc) as channel,
        clients_of(axis) as (office, hanoi, _),
    ):
        stub = GatewayStub(channel)
        mine = [("authorization", f"Bearer {await front.token('office')}")]
        theirs = [("authorization", f"Bearer {await front.token('hanoi')}")]
        watch: Any = stub.WatchInbox(gateway.WatchInboxRequest(), metadata=theirs)
        seen = {each.delivery_id for each in (await watch.read()).items}
        request = gateway.SubmitDocumentRequest(
            sender="G22",
            recipients=["H26"],
            id=notation,
            number="1",
            notation="CV-MAU",
            place="Hà Nội",
            promulgated_on="2026-11-22",
            type=gateway.DocumentType(group=2, code=0, name="Công văn"),
            subject="Văn bản gửi qua gRPC",
            signer=gateway.Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký"),
            files=[gateway.DocumentFile(name="a.pdf", media_type="application/pdf", part="file")],
            parts={"file": content},
        )
        sent = await stub.SubmitDocument(request, metadata=mine, timeout=WITHIN_S)
        again = await stub.SubmitDocument(request, metadata=mine, timeout=WITHIN_S)
        assert (again.id, again.repeat) == (sent.id, True)
        async with asyncio.timeout(WITHIN_S):
            while True:
                page = await watch.read()
                assert not seen & {each.delivery_id for each in page.items}
                found = [each for each in page.items if each.document.id == sent.id]
                if found:
                    break
        watch.cancel()
        file = found[0].document.files[0]
        asked = gateway.DownloadFileRequest(document_id=sent.id, digest=file.digest, offset=100)
        pieces = [each.piece async for each in stub.DownloadFile(asked, metadata=theirs)]
        assert b"".join(pieces) == content[100:]
        taking = gateway.AcknowledgeDeliveriesRequest(deliveries=[found[0].delivery_id])
        taken = await stub.AcknowledgeDeliveries(taking, metadata=theirs, timeout=WITHIN_S)
        assert [each.result for each in taken.results] == ["handed_over"]
        (late,) = await hanoi.acknowledge([found[0].delivery_id])
        assert late.result == "already_handed_over"
        document = await office.document(sent.id)
        assert document.sender_document_id == notation


async def test_a_locked_system_is_out_at_once_and_back_when_it_is_unlocked(axis: AxisForm) -> None:
    async with axis.client("hatinh", attempts=1) as hatinh:
        assert (await hatinh.me()).organisations
        await set_lock(axis, hatinh, locked=True)
        by = time.monotonic() + LOCKED_WITHIN_S
        while not await is_out(hatinh):
            assert time.monotonic() < by, "a locked system is still served"
            await asyncio.sleep(0.05)
        await set_lock(axis, hatinh, locked=False)
        async with asyncio.timeout(WITHIN_S):
            while await is_out(hatinh):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)


async def test_traffic_is_all_there_exactly_once(axis: AxisForm) -> None:
    numbers_before = await emptied(axis)
    traffic = Traffic(axis, seed=7, series="77")
    traffic.told.numbers_before.update(numbers_before)
    running = asyncio.create_task(traffic.run(senders=2))
    async with asyncio.timeout(300):
        while len(traffic.told.contents) < ENOUGH_DOCUMENTS and not running.done():
            await asyncio.wait((running,), timeout=0.1)
        traffic.stop()
        await running
    assert len(traffic.told.contents) >= ENOUGH_DOCUMENTS
    await check_exactly_once(axis, traffic.told, WITHIN_S)


@asynccontextmanager
async def clients_of(
    axis: AxisForm,
) -> AsyncIterator[tuple[DocaxisClient, DocaxisClient, DocaxisClient]]:
    """The office, Hà Nội and Hà Tĩnh."""
    async with AsyncExitStack() as stack:
        office, hanoi, hatinh = [
            await stack.enter_async_context(axis.client(name))
            for name in ("office", "hanoi", "hatinh")
        ]
        yield office, hanoi, hatinh


async def arrived(client: DocaxisClient, sent: Submission) -> InboxItem:
    """The delivery of a document in its recipient's inbox."""
    async with asyncio.timeout(WITHIN_S):
        async for item in client.inbox_stream(wait=5):
            if item.document.id == sent.id:
                return item
    raise AssertionError("an inbox has no end")


async def told(office: DocaxisClient, sent: Submission, furthest: dict[str, str]) -> Timeline:
    """The sender's timeline, once each recipient has come so far."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            timeline = await office.timeline(sent.id)
            if {each.code: each.furthest for each in timeline.items} == furthest:
                return timeline
            await asyncio.sleep(0.1)


async def check_receipts(office: DocaxisClient, sent: Submission) -> None:
    """One for the acceptance and one for each hand-over, and each is genuine."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            receipts = await office.document_receipts(sent.id)
            if len(receipts) > len(RECIPIENTS):
                break
            await asyncio.sleep(0.1)
    assert sorted(each.kind for each in receipts) == ["accepted", "handed_over", "handed_over"]
    for receipt in receipts:
        claims = await office.verify_receipt(receipt.jws, document_id=sent.id)
        assert claims.kind == receipt.kind


async def refused(
    client: DocaxisClient, document: NewDocument, files: list[OutgoingFile]
) -> tuple[int, str]:
    """Status and code of a refusal."""
    with pytest.raises(ProblemError) as caught:
        await client.submit(document, files)
    return caught.value.status, caught.value.code


async def all_deliveries(office: DocaxisClient, document_id: str) -> list[Delivery]:
    """A document's deliveries, page by page."""
    page = await office.deliveries(document_id, limit=500)
    found = list(page.items)
    while page.next:
        page = await office.deliveries(document_id, limit=500, cursor=page.next)
        found += page.items
    return found


async def register(axis: AxisForm, codes: list[str]) -> None:
    """Agencies of the catalogue, as an operator does, over the registry's gRPC."""
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


async def set_lock(axis: AxisForm, client: DocaxisClient, *, locked: bool) -> None:
    """As an operator does, over the registry's gRPC."""
    connection = Connection(axis.grpc_address("registry"))
    try:
        await connection.client(RegistryStub).LockSystem(
            registry.LockSystemRequest(
                system_id=client.credentials.system_id,
                locked=locked,
                idempotency_key=str(uuid.uuid4()),
                actor="test",
            )
        )
    finally:
        await connection.close()


async def is_out(client: DocaxisClient) -> bool:
    """Whether a system is refused, or nobody can tell whether it may be served (503, L29)."""
    try:
        await client.inbox()
    except (ProblemError, AxisUnavailable):
        return True
    return False


async def emptied(axis: AxisForm) -> dict[str, int]:
    """Everything open is acknowledged; the last number of each recipient's mailbox."""
    last: dict[str, int] = {}
    async with clients_of(axis) as (office, hanoi, hatinh):
        sent = await office.submit(sample_document(f"{uuid.uuid4()}/CV-MAU"), sample_files(5))
        for name, client in (("hanoi", hanoi), ("hatinh", hatinh)):
            last[name] = (await arrived(client, sent)).mailbox_number
            while items := (await client.inbox(limit=100)).items:
                await client.acknowledge([each.delivery_id for each in items])
    return last
