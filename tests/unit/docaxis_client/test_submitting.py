import hashlib
import time
from pathlib import Path

import pytest

from docaxis_client import (
    AxisUnavailable,
    DocaxisClient,
    OutgoingFile,
    ProblemError,
)
from tests.unit.docaxis_client.conftest import letter
from tests.unit.docaxis_client.sample_axis import SampleAxis

PDF = b"%PDF-1.7 " + bytes(range(256)) * 400
FILES = [OutgoingFile("Thư mời họp trực tuyến.pdf", PDF)]


async def test_small_files_ride_along(axis: SampleAxis, office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    assert (sent.status, sent.first) == ("accepted", True)
    assert axis.count("PUT", "/uploads") == 0
    document = await office.document(sent.id)
    assert document.files[0].name == "Thư mời họp trực tuyến.pdf"
    assert axis.files[sent.id, document.files[0].digest] == PDF


async def test_a_detached_signature_rides_along(axis: SampleAxis, office: DocaxisClient) -> None:
    sent = await office.submit(letter(), [OutgoingFile("a.pdf", PDF, signature=b"\x30\x00")])
    assert sent.status == "accepted"


async def test_larger_files_are_uploaded_first(
    axis: SampleAxis, office: DocaxisClient, tmp_path: Path
) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(PDF * 30)
    seen: list[int] = []
    sent = await office.submit(letter(), [OutgoingFile("large.pdf", path)], progress=seen.append)
    assert axis.count("PUT", "/uploads") == 1
    digest = hashlib.sha256(PDF * 30).hexdigest()
    assert axis.files[sent.id, digest] == PDF * 30
    assert sum(seen) == len(PDF) * 30


async def test_a_cut_upload_is_sent_again_under_the_same_id(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    axis.fail("PUT", "/uploads", "lost")
    await office.submit(letter(), [OutgoingFile("large.pdf", PDF * 30)])
    assert axis.count("PUT", "/uploads") == 2
    assert len(axis.uploads) == 1


async def test_the_same_again_is_the_same_document(office: DocaxisClient) -> None:
    first = await office.submit(letter(), FILES)
    again = await office.submit(letter(), FILES)
    assert (again.id, again.first) == (first.id, False)


async def test_other_content_under_the_same_id_is_a_conflict(office: DocaxisClient) -> None:
    await office.submit(letter(), FILES)
    with pytest.raises(ProblemError) as refused:
        await office.submit(letter(), [OutgoingFile("b.pdf", PDF + b"!")])
    assert (refused.value.status, refused.value.code) == (409, "content_conflict")


async def test_a_refusal_names_fields_and_suggests(office: DocaxisClient) -> None:
    with pytest.raises(ProblemError) as refused:
        await office.submit(letter(recipients=("H99",)), FILES)
    problem = refused.value
    assert problem.errors[0].pointer == "/recipients/0"
    assert "H29" in problem.suggestions
    assert problem.request_id == "request-1"
    assert not problem.retryable


async def test_a_lost_answer_leads_to_one_document(axis: SampleAxis, office: DocaxisClient) -> None:
    axis.fail("POST", "/documents", "lost")
    sent = await office.submit(letter(), FILES)
    assert list(axis.documents) == [sent.id]
    assert axis.count("POST", "/documents") == 2


@pytest.mark.parametrize("kind", ["gone", "away", "page"])
async def test_what_passes_is_tried_again(
    axis: SampleAxis, office: DocaxisClient, kind: str
) -> None:
    axis.fail("POST", "/documents", kind)
    axis.fail("POST", "/documents", kind)
    assert (await office.submit(letter(), FILES)).status == "accepted"
    assert axis.count("POST", "/documents") == 3


async def test_retry_after_is_waited_for(axis: SampleAxis, office: DocaxisClient) -> None:
    axis.fail("POST", "/documents", "busy", retry_after="1")
    begun = time.monotonic()
    await office.submit(letter(), FILES)
    assert time.monotonic() - begun >= 1


async def test_patience_ends_before_a_wait_that_is_too_long(axis: SampleAxis) -> None:
    axis.fail("GET", "/me", "busy", retry_after="3600")
    begun = time.monotonic()
    async with DocaxisClient(None, axis.new_system("G22"), patience_s=5) as client:
        with pytest.raises(AxisUnavailable) as failure:
            await client.me()
    assert time.monotonic() - begun < 2
    assert failure.value.problem is not None
    assert failure.value.problem.code == "busy"


async def test_attempts_end(axis: SampleAxis) -> None:
    for _ in range(3):
        axis.fail("GET", "/me", "away")
    async with DocaxisClient(None, axis.new_system("G22"), attempts=3) as client:
        with pytest.raises(AxisUnavailable):
            await client.me()
    assert axis.count("GET", "/me") == 3


async def test_nobody_at_home_is_unavailable(axis: SampleAxis) -> None:
    async with DocaxisClient("http://127.0.0.1:1", axis.new_system("G22"), attempts=2) as client:
        with pytest.raises(AxisUnavailable, match=r"127\.0\.0\.1:1"):
            await client.me()


async def test_an_undecided_submit_is_waited_for(axis: SampleAxis, office: DocaxisClient) -> None:
    axis.fail("POST", "/documents", "undecided")
    sent = await office.submit(letter(recipients=("H29", "H99")), FILES)
    assert sent.status == "accepted"
    assert [each.code for each in sent.recipients] == ["H29"]
    assert [each.code for each in sent.refused] == ["H99"]
    assert sent.receipt is not None


async def test_an_undecided_submit_that_is_refused_is_a_problem(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    axis.fail("POST", "/documents", "undecided")
    axis.refuse_undecided = True
    with pytest.raises(ProblemError) as refused:
        await office.submit(letter(), FILES)
    assert refused.value.code == "no_valid_recipient"


async def test_an_undecided_submit_is_safe_when_time_is_over(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    axis.fail("POST", "/documents", "undecided")
    sent = await office.submit(letter(), FILES, decide_within_s=0)
    assert sent.status == "pending"


async def test_a_document_is_found_by_the_senders_id(office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    found = await office.find_documents("G22", "G22,2026/11/22,1/VPCP-KSTT")
    assert [each.id for each in found.items] == [sent.id]


async def test_a_check_sends_nothing(axis: SampleAxis, office: DocaxisClient) -> None:
    checked = await office.check(letter(), [OutgoingFile("a.pdf", b"%PDF-1.7")])
    assert checked.status == "would_be_accepted"
    assert [each.code for each in checked.recipients] == ["H29"]
    assert [(each.name, each.code) for each in checked.files] == [("a.pdf", "file_unsigned")]
    assert axis.documents == {}


async def test_dead_letters_are_found_and_sent_again(office: DocaxisClient) -> None:
    page = await office.find_deliveries("expired")
    assert [(each.state, each.document_id) for each in page.items] == [("expired", "sent")]
    assert page.next == "c"
    assert (await office.resend("d")).state == "ready"
    with pytest.raises(ProblemError) as caught:
        await office.resend("refused")
    assert caught.value.code == "resend_refused_by_policy"
    refused = await office.refused_recipients("x")
    assert [each.code for each in refused.items] == ["H98"]
