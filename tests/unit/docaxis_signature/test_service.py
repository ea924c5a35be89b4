"""The composed signature service on the embedded adapters, with really signed files."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import fpdf
import pytest

from docaxis_adapters.sqlite_log import Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.receipt_ids import (
    accepted_receipt_id,
    delivery_id,
    handed_over_receipt_id,
)
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import signature_v1_pb2 as rpc
from docaxis_signature import grpc_servicer
from docaxis_signature.service import compose
from docaxis_signature.settings import SignatureSettings
from docaxis_signature.views import TOPICS
from docaxis_trust.demo_pki import DemoPki, create_demo_pki
from docaxis_trust.pades import sign_pdf
from docaxis_trust.receipts import verify_receipt
from tests.embedded import ports_in
from tests.unit.docaxis_signature.calls import (
    RECIPIENT,
    SENDER,
    STRANGER,
    SYSTEM,
    brief,
    collected,
    document,
    handed_over,
    page,
    place,
    put,
    receipt,
    signed_at,
    stage,
    submitted,
    verdict,
)
from tests.unit.docaxis_signature.embedded import (
    EVENT_TIME,
    PARTITIONS,
    Compose,
    RoutingEvents,
    running,
    stored,
)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return create_demo_pki(tmp_path_factory.mktemp("pki") / "demo")


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory, pki: DemoPki) -> dict[str, bytes]:
    """A letter unsigned, signed, and changed after it was signed."""
    folder = tmp_path_factory.mktemp("letters")
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(0, text="Kinh gui cac don vi (mau)")
    unsigned, signed = folder / "unsigned.pdf", folder / "signed.pdf"
    unsigned.write_bytes(bytes(pdf.output()))
    sign_pdf(unsigned, signed, pki.person, field_name="NguoiKy")
    content = signed.read_bytes()
    return {
        "unsigned": unsigned.read_bytes(),
        "signed": content,
        "tampered": content.replace(b"/MediaBox", b"/MediaBix", 1),
        "attachment": "Phụ lục".encode(),
    }


@pytest.fixture
def composed(tmp_path: Path, pki: DemoPki) -> Compose:
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    (anchors / "root.pem").write_bytes(pki.root_path.read_bytes())
    settings = SignatureSettings(trust_anchors_folder=anchors, workers=1, deadline_s=60.0)
    return lambda ports: compose(ports, settings)


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path, Unkindness(seed=11)) as opened:
        yield opened


@pytest.fixture
async def service(ports: Ports, composed: Compose) -> AsyncIterator[RunningService]:
    async with running(ports, composed) as started:
        yield started


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_servicer, "SOON_S", 0.05)


async def test_verdicts_of_signed_unsigned_and_changed_letters(
    ports: Ports, service: RunningService, letters: dict[str, bytes]
) -> None:
    events = RoutingEvents(ports)
    cases = {
        "valid": (letters["signed"], letters["attachment"]),
        "unsigned": (letters["unsigned"],),
        "tampered": (letters["signed"], letters["tampered"]),
    }
    for number, contents in enumerate(cases.values()):
        await put(ports, document(number), *contents)
        event = submitted(document(number), *contents)
        await events.append(event, place(document(number)), signed_at(ports))
    for number, (status, contents) in enumerate(cases.items()):
        found = await verdict(service, document(number))
        if status == "tampered":
            assert found.status in ("tampered", "indeterminate")
        else:
            assert found.status == status
        assert [each.digest for each in found.files] == [sha256(c).hexdigest() for c in contents]
        assert found.verified_at > 0
    (signature,) = (await verdict(service, document(0))).files[0].signatures
    assert (signature.kind, signature.code) == ("pades", "signature_valid")
    assert "mẫu" in signature.signer_name


async def test_the_time_of_the_event_decides_not_that_of_the_check(
    ports: Ports, service: RunningService, letters: dict[str, bytes]
) -> None:
    long_ago = 1_000_000_000_000
    await put(ports, document(1), letters["signed"])
    await RoutingEvents(ports).append(
        submitted(document(1), letters["signed"]), place(document(1)), long_ago
    )
    assert (await verdict(service, document(1))).code == "certificate_expired"


async def test_files_that_were_deleted_meanwhile_are_a_verdict_not_a_fault(
    ports: Ports, service: RunningService, letters: dict[str, bytes]
) -> None:
    event = submitted(document(1), letters["signed"])
    await RoutingEvents(ports).append(event, place(document(1)))
    assert (await verdict(service, document(1))).status == "indeterminate"


async def test_receipts_state_what_was_accepted_and_handed_over(
    ports: Ports, service: RunningService
) -> None:
    events = RoutingEvents(ports)
    await events.append(submitted(document(1)), place(document(1)))
    added = routing.RecipientsAdded(brief=brief(document(1)), recipients_digest="more")
    await events.append(added, place(document(1)))
    at = organisation_partition(RECIPIENT, PARTITIONS)
    await events.append(handed_over(RECIPIENT, document(1), document(2)), at)
    delivery = delivery_id(document(1), RECIPIENT)
    ids = (
        accepted_receipt_id(document(1), "rd"),
        accepted_receipt_id(document(1), "more"),
        handed_over_receipt_id(delivery),
    )
    keys = json.loads((await service.servicer.GetKeySet(rpc.GetKeySetRequest(), None)).jwk_set)
    common = {
        "iss": "docaxis",
        "iat": EVENT_TIME // 1000,
        "at": "2026-11-21T22:26:40.123Z",
        "document_id": document(1),
        "content_digest": "cd" * 32,
        "sender": SENDER,
    }
    told = {"sender_document_id": "G22,2026/11/22,1/CV", "kind": "accepted"}
    for receipt_id, own in zip(
        ids,
        (
            {**told, "recipients_digest": "rd"},
            {**told, "recipients_digest": "more"},
            {"kind": "handed_over", "recipient": RECIPIENT, "delivery_id": delivery},
        ),
        strict=True,
    ):
        found = await receipt(service, receipt_id, SENDER)
        assert verify_receipt(found.jws, keys) == {**common, **own, "jti": receipt_id}
        assert (found.organisation_id, found.kind) == (SENDER, own["kind"])
    receipts, _ = await collected(service, 4)
    of_document = await page(service, document_id=document(1))
    assert {each.receipt_id for each in of_document.receipts} == set(ids)
    assert len({each.receipt_id for each in receipts}) == 4


async def test_who_may_see_a_receipt(
    ports: Ports, service: RunningService, impatient: None
) -> None:
    events = RoutingEvents(ports)
    at = organisation_partition(RECIPIENT, PARTITIONS)
    await events.append(handed_over(RECIPIENT, document(1)), at)
    await collected(service, 1)
    receipt_id = handed_over_receipt_id(delivery_id(document(1), RECIPIENT))
    for asking in ((SENDER,), (STRANGER, RECIPIENT)):
        assert (await receipt(service, receipt_id, *asking)).receipt_id == receipt_id
    for unknown, who in ((receipt_id, (STRANGER,)), (receipt_id, ()), (new_id(), (SENDER,))):
        with pytest.raises(DocaxisError) as refused:
            await receipt(service, unknown, *who)
        assert refused.value.code == "unknown_receipt"
    own = await page(service, document_id=document(1), organisation_ids=[RECIPIENT])
    assert [each.receipt_id for each in own.receipts] == [receipt_id]
    others = await page(service, document_id=document(1), organisation_ids=[STRANGER])
    assert not others.receipts
    assert not (await page(service, organisation_ids=[])).receipts


async def test_L3_a_cursor_never_skips(ports: Ports, service: RunningService) -> None:
    events = RoutingEvents(ports)
    for number in range(40):
        await events.append(submitted(document(number)), place(document(number)))
    first, cursor = await collected(service, 40, limit=7)
    for number in range(40, 60):
        await events.append(submitted(document(number)), place(document(number)))
    second, cursor = await collected(service, 20, cursor, limit=7)
    ids = [each.receipt_id for each in (*first, *second)]
    assert sorted(ids) == sorted(accepted_receipt_id(document(n), "rd") for n in range(60))
    assert not (await page(service, cursor=cursor)).receipts
    # A cursor of another epoch (L4) or of other organisations starts anew.
    both = await page(service, cursor=cursor, organisation_ids=[SENDER, STRANGER], limit=500)
    assert len(both.receipts) == 60
    service.servicer._epoch += 1
    assert len((await page(service, cursor=cursor, limit=500)).receipts) == 60


async def test_a_page_of_a_document_goes_on_behind_its_cursor(
    ports: Ports, service: RunningService
) -> None:
    events = RoutingEvents(ports)
    for number in range(12):
        organisation = derived_id("organisation", number)
        at = organisation_partition(organisation, PARTITIONS)
        await events.append(handed_over(organisation, document(1)), at)
    found, _ = await collected(service, 12, document_id=document(1), limit=5)
    assert len({each.receipt_id for each in found}) == 12


async def test_a_list_waits_for_news(ports: Ports, service: RunningService) -> None:
    waiting = asyncio.create_task(page(service, wait_s=20))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await RoutingEvents(ports).append(submitted(document(1)), place(document(1)))
    async with asyncio.timeout(10):
        assert len((await waiting).receipts) == 1
    empty = await page(service, organisation_ids=[STRANGER], wait_s=0.05)
    assert (len(empty.receipts), bool(empty.next)) == (0, True)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"limit": 501}, "limit_invalid"),
        ({"wait_s": 51.0}, "limit_invalid"),
        ({"wait_s": float("nan")}, "limit_invalid"),
        ({"cursor": "!"}, "cursor_invalid"),
        ({"cursor": "AAAA"}, "cursor_invalid"),
    ],
)
async def test_unsound_lists_are_refused(
    service: RunningService, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(DocaxisError) as refused:
        await page(service, **asked)
    assert refused.value.code == code


async def test_a_restart_gives_the_same_bytes_and_no_doubles(
    ports: Ports, composed: Compose, letters: dict[str, bytes]
) -> None:
    events = RoutingEvents(ports)
    written = []
    await put(ports, document(0), letters["signed"])
    at = organisation_partition(RECIPIENT, PARTITIONS)
    for number in range(8):
        event = submitted(document(number), *([letters["signed"]] if number == 0 else []))
        written.append((event, await events.append(event, place(document(number))), number))
    async with running(ports, composed) as first:
        before, _ = await collected(first, 3)  # stopped in the middle of the work
    for event, envelope, number in written:
        await events.append_again(event, envelope, place(document(number)))
    await events.append(handed_over(RECIPIENT, document(1)), at)
    async with running(ports, composed) as second:
        after, _ = await collected(second, 9)
        bytes_of = {each.receipt_id: each.jws for each in after}
        assert len(bytes_of) == len(after) == 9
        assert all(bytes_of[each.receipt_id] == each.jws for each in before)
        await verdict(second, document(0))
        await asyncio.sleep(0.3)
        sealed = [
            (record.envelope.type, record.envelope.causation_id)
            for record in await stored(ports, TOPICS.events)
        ]
        assert len(sealed) == 9 + 8  # receipts, and a verdict for each submission
        await second.views["signature_receipts"].rebuild()
        again, _ = await collected(second, 9)
        assert {each.receipt_id: each for each in again} == {
            each.receipt_id: each for each in after
        }


async def test_uploads_are_checked_before_they_are_submitted(
    ports: Ports, service: RunningService, letters: dict[str, bytes]
) -> None:
    uploads = [await stage(ports, letters[name]) for name in ("signed", "unsigned")]
    reply = await service.servicer.VerifyUploads(
        rpc.VerifyUploadsRequest(
            system_id=SYSTEM,
            uploads=[rpc.UploadToVerify(upload_id=each) for each in uploads],
        ),
        None,
    )
    assert [each.status for each in reply.verdicts] == ["valid", "unsigned"]
    assert (reply.status, reply.code) == ("valid", "signature_valid")
    unknown = rpc.UploadToVerify(upload_id=uploads[0], signature_upload_id=new_id())
    with pytest.raises(DocaxisError) as refused:
        await service.servicer.VerifyUploads(
            rpc.VerifyUploadsRequest(system_id=SYSTEM, uploads=[unknown]), None
        )
    (problem,) = refused.value.fields
    assert (problem.code, problem.pointer) == (
        "upload_unknown",
        "/uploads/0/signature_upload_id",
    )


async def test_L28_an_unknown_document_is_told_only_behind_the_end(
    service: RunningService, impatient: None
) -> None:
    for unknown in (document(1), "not an id"):
        with pytest.raises(DocaxisError) as refused:
            await service.servicer.GetVerdict(rpc.GetVerdictRequest(document_id=unknown), None)
        assert refused.value.code == "unknown_document"


async def test_retired_keys_are_published_and_private_ones_never(
    ports: Ports, tmp_path: Path
) -> None:
    folder = tmp_path / "retired"
    folder.mkdir()
    old = {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "old"}
    (folder / "old.json").write_text(json.dumps(old))
    settings = SignatureSettings(retired_keys_folder=folder)
    service = compose(ports, settings)
    reply = await service.servicer.GetKeySet(rpc.GetKeySetRequest(), None)
    keys = json.loads(reply.jwk_set)["keys"]
    assert [each["kid"] for each in keys] == [ports.signer.key_id, "old"]
    (folder / "older.json").write_text(json.dumps({**old, "d": "secret"}))
    with pytest.raises(ValueError, match=r"older\.json"):
        compose(ports, settings)
