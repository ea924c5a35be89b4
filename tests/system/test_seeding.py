"""What `benchmarks.seed` writes beside an axis is what the axis would have written itself."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from benchmarks.exchange import prepare
from benchmarks.seed import derive, seed
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_standalone.rebuild import rebuild_views
from tests.system.axis_process import AxisProcess

DOCUMENTS = 30


@dataclass(frozen=True, slots=True)
class _Sent:
    document: NewDocument
    file: OutgoingFile


@pytest.mark.timeout(240)
async def test_a_seeded_document_answers_as_one_that_was_sent(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert await seed(data, DOCUMENTS, lambda _: None) == DOCUMENTS * 9
    axis = AxisProcess(data)
    await axis.start()
    try:
        async with axis.client("office") as office, axis.client("hatinh") as hatinh:
            seeded = await _as_sent(axis, "seed-00000005-0")
            again = await office.submit(seeded.document, [seeded.file])
            assert not again.first
            assert [each.code for each in again.recipients] == ["H27"]
            (found,) = (await office.find_documents("G22", "seed-00000005-0")).items
            assert found.id == again.id
            changed = msgspec.structs.replace(seeded.document, subject="Chuyện khác")
            with pytest.raises(Exception, match="content_conflict"):
                await office.submit(changed, [seeded.file])

            (timeline,) = (await office.timeline(again.id)).items
            assert [each.code for each in timeline.entries] == ["01"]
            verdict = await office.verdict(again.id)
            assert verdict.status == "valid"
            content = await hatinh.fetch(again.id, verdict.files[0].digest)
            assert content == seeded.file.content
            kinds = set()
            for receipt in await office.document_receipts(again.id):
                await office.verify_receipt(receipt.jws, document_id=again.id)
                kinds.add(receipt.kind)
            assert kinds == {"accepted", "handed_over"}

            assert not (await hatinh.inbox()).items  # all of them were taken
            (each,) = prepare(data / "demo-pki", 1, "after")
            after = msgspec.structs.replace(each.document, recipients=["H27"])
            sent = await office.submit(after, [each.file])
            (item,) = (await hatinh.inbox(wait=20)).items
            assert item.document.id == sent.id
    finally:
        await axis.stop()


async def test_a_second_seeding_goes_on_and_views_are_the_same_when_rebuilt(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        await seed(data, 6, lambda _: None)
        await derive(data)
    rebuilt = await rebuild_views(data)
    assert [each.view for each in rebuilt if not each.same] == []
    axis = AxisProcess(data)
    await axis.start()
    try:
        async with axis.client("office") as office:
            days = [str(date.today() + timedelta(days=each)) for each in (-1, 1)]
            figures = await office.statistics(*days)
            assert (figures.total.sent, figures.total.received) == (16, 16)
    finally:
        await axis.stop()


async def _as_sent(axis: AxisProcess, sender_document_id: str) -> _Sent:
    """The seeded document, with the bytes of the pattern's file."""
    async with axis.client("office") as office:
        (found,) = (await office.find_documents("G22", sender_document_id)).items
        whole = await office.document(found.id)
        (file,) = whole.files
        content = await office.fetch(found.id, file.digest)
    (each,) = prepare(axis.data / "demo-pki", 1, "unused")
    document = msgspec.structs.replace(
        each.document, id=sender_document_id, number=whole.number, recipients=["H27"]
    )
    return _Sent(document, OutgoingFile(each.file.name, content, each.file.media_type, None))
