import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from docaxis_client import (
    AxisUnavailable,
    DigestMismatch,
    DocaxisClient,
    OutgoingFile,
    ProblemError,
    StatusReport,
)
from docaxis_client.sync import DocaxisClient as WaitingClient
from tests.unit.docaxis_client.conftest import letter
from tests.unit.docaxis_client.sample_axis import SampleAxis

PDF = b"%PDF-1.7 " + bytes(range(256)) * 12_000
DIGEST = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
async def document_id(office: DocaxisClient) -> str:
    return (await office.submit(letter(), [OutgoingFile("thư.pdf", PDF)])).id


async def test_the_inbox_holds_whole_documents(hatinh: DocaxisClient, document_id: str) -> None:
    page = await hatinh.inbox("H29")
    assert [item.document.id for item in page.items] == [document_id]
    assert page.items[0].organisation == "H29"
    assert page.items[0].document.signer.full_name == "Người ký mẫu"


async def test_a_long_poll_ends_with_the_news(
    office: DocaxisClient, hatinh: DocaxisClient, document_id: str
) -> None:
    cursor = (await hatinh.inbox()).next
    waiting = asyncio.create_task(hatinh.inbox(cursor=cursor, wait=20))
    await asyncio.sleep(0.1)
    sent = await office.submit(letter("2"), [OutgoingFile("b.pdf", b"%PDF-2")])
    page = await asyncio.wait_for(waiting, 5)
    assert [item.document.id for item in page.items] == [sent.id]


async def test_the_stream_goes_on_over_cut_connections(
    axis: SampleAxis, office: DocaxisClient, hatinh: DocaxisClient, document_id: str
) -> None:
    stream = hatinh.inbox_stream(wait=1)
    assert (await anext(stream)).document.id == document_id
    axis.fail("GET", "/inbox", "gone")
    sent = await office.submit(letter("2"), [OutgoingFile("b.pdf", b"%PDF-2")])
    assert (await asyncio.wait_for(anext(stream), 10)).document.id == sent.id


async def test_an_acknowledgement_keeps_its_key_over_retries(
    axis: SampleAxis, hatinh: DocaxisClient, document_id: str
) -> None:
    delivery = (await hatinh.inbox()).items[0].delivery_id
    axis.fail("POST", "/deliveries:acknowledge", "lost")
    (result,) = await hatinh.acknowledge([delivery])
    assert result.done
    assert result.receipt
    assert len(axis.idempotency_keys) == 2
    assert len(set(axis.idempotency_keys)) == 1


async def test_results_are_told_one_by_one(hatinh: DocaxisClient, document_id: str) -> None:
    delivery = (await hatinh.inbox()).items[0].delivery_id
    known, unknown = await hatinh.acknowledge([delivery, "no-such-delivery"])
    assert known.done
    assert (unknown.done, unknown.result) == (False, "unknown_delivery")
    reports = [StatusReport(delivery, "03"), StatusReport(delivery, "02")]
    first, second = await hatinh.report_statuses(reports)
    assert first.done
    assert second.result == "reason_required"


async def test_a_download_is_verified(
    hatinh: DocaxisClient, document_id: str, tmp_path: Path
) -> None:
    seen: list[int] = []
    await hatinh.download(document_id, DIGEST, tmp_path / "a.pdf", progress=seen.append)
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert sum(seen) == len(PDF)
    assert await hatinh.fetch(document_id, DIGEST) == PDF


async def test_a_cut_download_goes_on_where_it_was_cut(
    axis: SampleAxis, hatinh: DocaxisClient, document_id: str, tmp_path: Path
) -> None:
    axis.fail("GET", f"/documents/{document_id}/files", "half")
    seen: list[int] = []
    await hatinh.download(document_id, DIGEST, tmp_path / "a.pdf", progress=seen.append)
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    second = axis.calls[-1].headers["Range"]
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 0
    assert sum(seen) == len(PDF)


async def test_a_download_of_a_former_run_goes_on(
    axis: SampleAxis, document_id: str, tmp_path: Path
) -> None:
    axis.fail("GET", f"/documents/{document_id}/files", "half")
    axis.fail("GET", f"/documents/{document_id}/files", "away")
    credentials = axis.new_system("H29")
    async with DocaxisClient(None, credentials, attempts=1) as client:
        with pytest.raises(AxisUnavailable):
            await client.download(document_id, DIGEST, tmp_path / "a.pdf")
        assert not (tmp_path / "a.pdf").exists()
        await client.download(document_id, DIGEST, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert "Range" in axis.calls[-1].headers


async def test_wrong_bytes_are_not_kept(
    axis: SampleAxis, hatinh: DocaxisClient, document_id: str, tmp_path: Path
) -> None:
    axis.fail("GET", f"/documents/{document_id}/files", "swapped")
    with pytest.raises(DigestMismatch):
        await hatinh.download(document_id, DIGEST, tmp_path / "a.pdf")
    assert [each for each in os.listdir(tmp_path) if not each.startswith("axis-")] == []
    axis.fail("GET", f"/documents/{document_id}/files", "swapped")
    with pytest.raises(DigestMismatch):
        await hatinh.fetch(document_id, DIGEST)


async def test_wrong_bytes_of_a_former_run_are_dropped(
    hatinh: DocaxisClient, document_id: str, tmp_path: Path
) -> None:
    from docaxis_client.downloads import _hidden

    _hidden(tmp_path / "a.pdf", DIGEST).write_bytes(PDF + b"more than there is")
    await hatinh.download(document_id, DIGEST, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == PDF


async def test_an_unknown_file_is_a_problem(
    hatinh: DocaxisClient, document_id: str, tmp_path: Path
) -> None:
    with pytest.raises(ProblemError) as refused:
        await hatinh.download(document_id, "0" * 64, tmp_path / "a.pdf")
    assert refused.value.code == "unknown_file"


async def test_the_waiting_client_has_the_same_methods(axis: SampleAxis, document_id: str) -> None:
    credentials = axis.new_system("H29")

    def take_over() -> str:
        with WaitingClient(None, credentials) as client:
            item = next(client.inbox_stream())
            assert client.fetch(item.document.id, DIGEST) == PDF
            (result,) = client.acknowledge([item.delivery_id])
            with pytest.raises(ProblemError):
                client.document("no-such-document")
            return result.result

    assert await asyncio.to_thread(take_over) == "handed_over"
    missing = {name for name in vars(DocaxisClient) | _inherited() if name[0] != "_"}
    assert missing - {"aclose", "inbox_pages"} <= set(dir(WaitingClient))


def _inherited() -> dict[str, object]:
    return {
        name: value for each in DocaxisClient.__mro__[1:-1] for name, value in vars(each).items()
    }
