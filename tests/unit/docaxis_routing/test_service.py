"""Routing composed on the embedded adapters, beside a real registry: from upload to hand-over."""

import asyncio
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_eventsourcing.cursors import encode_cursor
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.topics import Lane
from docaxis_proto import registry_events_v1_pb2 as registry_pb
from docaxis_proto import registry_v1_pb2 as registry_rpc
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_registry import service as registry
from docaxis_registry.settings import RegistrySettings
from docaxis_routing import service as routing
from docaxis_routing.card import Cards
from docaxis_routing.file_sweep import FileSweep
from docaxis_routing.folder_marks import FolderMarks
from docaxis_routing.settings import RoutingSettings
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.embedded_ports import embedded_ports
from docaxis_standalone.settings import StandaloneSettings
from tests.embedded import at_work
from tests.unit.docaxis_routing.running_routing import CONTEXT, SIGNATURE_EVENTS, Running, running

__all__ = ["running"]


async def test_a_document_reaches_both_recipients_and_is_handed_over(running: Running) -> None:
    reply = await running.submit("H26", "H27")
    assert reply.decided
    assert reply.first
    assert [each.code for each in reply.recipients] == ["H26", "H27"]
    for code in ("H26", "H27"):
        page = await running.inbox(code)
        (delivery,) = page.deliveries
        assert delivery.mailbox_number == 1
        assert delivery.document.subject == "Về việc tiếp nhận văn bản điện tử"
        assert delivery.document.files[0].name == "Công văn.pdf"
        assert delivery.document.content_digest
        done = await running.rpc.AcknowledgeDeliveries(
            pb.AcknowledgeDeliveriesRequest(
                system_id=running.system_id,
                organisation_ids=[running.organisations[code]],
                delivery_ids=[delivery.delivery_id],
                idempotency_key=new_id(),
            ),
            CONTEXT,
        )
        assert [each.result for each in done.results] == ["handed_over"]
        assert done.results[0].receipt_id
        again = await running.inbox(code, cursor=page.next, wait_s=0)
        assert list(again.deliveries) == []
    listed = await running.rpc.ListDeliveries(
        pb.ListDeliveriesRequest(
            document_id=reply.document_id, for_organisation_ids=[running.organisations["G22"]]
        ),
        CONTEXT,
    )
    assert {each.state for each in listed.deliveries} <= {"ready", "handed_over"}


async def test_a_page_of_deliveries_is_never_empty_before_the_last(running: Running) -> None:
    sent = await running.submit("H26", "H27")
    for code in ("H26", "H27"):
        await running.inbox(code)

    async def pages(*askers: str) -> list[list[str]]:
        found, cursor = [], ""
        while True:
            request = pb.ListDeliveriesRequest(
                document_id=sent.document_id,
                for_organisation_ids=[running.organisations[each] for each in askers],
                limit=1,
                cursor=cursor,
            )
            reply = await running.rpc.ListDeliveries(request, CONTEXT)
            found.append([each.code for each in reply.deliveries])
            if not (cursor := reply.next):
                return found

    both = await pages("G22")
    assert sorted(both) == [["H26"], ["H27"]]
    assert await pages("H26", "H27") == both, "in the same order, whoever asks"
    assert await pages("H26") == [["H26"]]
    assert await pages("H27") == [["H27"]]


async def test_a_repeat_has_the_same_answer_and_makes_nothing(running: Running) -> None:
    first = await running.submit("H26")
    again = await running.submit("H26")
    assert again.document_id == first.document_id
    assert again.receipt_id == first.receipt_id
    assert again.accepted_at == first.accepted_at
    assert again.decided
    assert not again.first
    page = await running.inbox("H26")
    assert len(page.deliveries) == 1


async def test_many_repeats_at_once_make_one_document(running: Running) -> None:
    replies = await asyncio.gather(*(running.submit("H26") for _ in range(20)))
    assert len({each.document_id for each in replies}) == 1
    assert sum(each.first for each in replies) == 1
    page = await running.inbox("H26")
    assert len(page.deliveries) == 1


async def test_the_same_id_with_other_content_is_a_conflict(running: Running) -> None:
    await running.submit("H26")
    with pytest.raises(DocaxisError) as caught:
        await running.submit("H26", subject="Nội dung khác")
    assert caught.value.code == "content_conflict"
    assert caught.value.fields[0].pointer == "/id"


async def test_an_unknown_recipient_is_refused_with_a_suggestion(running: Running) -> None:
    reply = await running.submit("H26", "H72")
    assert [(each.code, each.reason) for each in reply.refused] == [("H72", "unknown_organisation")]
    assert "H27" in reply.refused[0].suggestions
    with pytest.raises(DocaxisError) as caught:
        await running.submit("H72", sender_document_id="other")
    assert caught.value.code == "no_valid_recipient"
    assert caught.value.fields[0].pointer == "/recipients/0"
    assert "H27" in caught.value.suggestions


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"sender_code": "H99"}, "sender_not_served", "/sender"),
        ({"served_organisation_ids": []}, "sender_not_served", "/sender"),
        ({"business_type": "recall"}, "business_type_not_supported", "/business_type"),
        ({"content_bytes": b""}, "file_empty", "/files/0"),
        ({"files": []}, "field_required", "/files"),
    ],
)
async def test_what_the_door_refuses_names_the_field(
    running: Running, changes: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(DocaxisError) as caught:
        await running.submit("H26", **changes)
    assert caught.value.code == code
    assert caught.value.fields[0].pointer == pointer


async def test_a_wrong_digest_or_an_unknown_upload_is_refused(running: Running) -> None:
    for changes, code in (
        ({"digest": "0" * 64}, "digest_mismatch"),
        ({"upload_id": new_id()}, "upload_unknown"),
    ):
        request = await running.request("H26")
        request.files[0].MergeFrom(pb.UploadedFile(**cast(Any, changes)))
        with pytest.raises(DocaxisError) as caught:
            await running.rpc.SubmitDocument(request, CONTEXT)
        assert caught.value.code == code


async def test_a_required_signature_holds_the_copy_until_the_verdict(running: Running) -> None:
    await running.registry.SetSignaturePolicy(
        registry_rpc.SetSignaturePolicyRequest(
            organisation_id=running.organisations["H26"], policy="required", actor="test"
        ),
        CONTEXT,
    )
    signed = await running.submit("H26", sender_document_id="signed")
    unsigned = await running.submit("H26", sender_document_id="unsigned")
    assert [each.held for each in signed.recipients] == [True]
    with pytest.raises(DocaxisError) as caught:
        await running.rpc.GetDocument(
            pb.GetDocumentRequest(
                document_id=signed.document_id,
                for_organisation_ids=[running.organisations["H26"]],
            ),
            CONTEXT,
        )
    assert caught.value.code == "unknown_document"
    both = await running.submit("H26", "H27", sender_document_id="both")
    await running.inbox("H27")  # ready there, held at H26: whoever serves both sees the one
    listed = await running.rpc.ListDeliveries(
        pb.ListDeliveriesRequest(
            document_id=both.document_id,
            for_organisation_ids=[running.organisations[code] for code in ("H26", "H27")],
        ),
        CONTEXT,
    )
    assert [each.code for each in listed.deliveries] == ["H27"]
    await running.verified(signed.document_id, "valid", "signature_valid")
    await running.verified(unsigned.document_id, "unsigned", "file_unsigned")
    page = await running.inbox("H26")
    assert [each.document_id for each in page.deliveries] == [signed.document_id]
    states: list[tuple[str, str]] = []
    while states != [("refused", "file_unsigned")]:
        listed = await running.rpc.ListDeliveries(
            pb.ListDeliveriesRequest(
                document_id=unsigned.document_id,
                for_organisation_ids=[running.organisations["G22"]],
            ),
            CONTEXT,
        )
        states = [(each.state, each.reason) for each in listed.deliveries]


async def test_only_those_concerned_see_a_document(running: Running) -> None:
    reply = await running.submit("H26")
    await running.inbox("H26")
    with pytest.raises(DocaxisError) as by_nobody:
        await running.rpc.GetDocument(pb.GetDocumentRequest(document_id=reply.document_id), CONTEXT)
    assert by_nobody.value.code == "unknown_document"
    for code, seen in (("G22", True), ("H26", True), ("H27", False)):
        request = pb.GetDocumentRequest(
            document_id=reply.document_id, for_organisation_ids=[running.organisations[code]]
        )
        if seen:
            found = await running.rpc.GetDocument(request, CONTEXT)
            assert bool(found.receipt_ids) == (code == "G22")
        else:
            with pytest.raises(DocaxisError) as caught:
                await running.rpc.GetDocument(request, CONTEXT)
            assert caught.value.code == "unknown_document"


async def test_a_long_poll_wakes_up_for_news(running: Running) -> None:
    empty = await running.inbox("H26", "H27", wait_s=0)
    waiting = asyncio.create_task(running.inbox("H26", "H27", cursor=empty.next, wait_s=30.0))
    await running.submit("H27")
    page = await asyncio.wait_for(waiting, 10.0)
    assert [each.code for each in page.deliveries] == ["H27"]


async def test_a_damaged_card_costs_its_own_words_alone(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cards, "remember", lambda *_: None)  # as after a restart
    damaged = await running.submit("H26", sender_document_id="damaged")
    sound = await running.submit("H26", sender_document_id="sound")
    for path in (tmp_path / "files" / "documents").rglob("*"):
        if damaged.document_id in path.parts and path.is_file():
            path.write_bytes(b"x" * len(path.read_bytes()))
    subjects: dict[str, str] = {}
    while len(subjects) < 2:
        page = await running.inbox("H26")
        subjects = {each.document_id: each.document.subject for each in page.deliveries}
    assert subjects == {
        damaged.document_id: "",
        sound.document_id: "Về việc tiếp nhận văn bản điện tử",
    }


@pytest.mark.parametrize("meanwhile", ["uploaded again", "discarded"])
async def test_L31_an_upload_that_is_another_when_it_is_taken_makes_no_document(
    running: Running, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document's id was computed from the digests; files of others are never under it."""
    files = running.ports.files
    take = files.take

    async def too_late(system_id: str, uploads: list[str], document_id: str) -> Any:
        await files.discard(system_id, uploads[0])
        if meanwhile == "uploaded again":
            staged = await files.stage(system_id, uploads[0])
            await staged.write(b"%PDF-1.7 another")
            await staged.finish()
        return await take(system_id, uploads, document_id)

    monkeypatch.setattr(files, "take", too_late)
    with pytest.raises(DocaxisError) as refused:
        await running.submit("H26")
    expected = {"uploaded again": "digest_mismatch", "discarded": "upload_unknown"}
    assert refused.value.code == expected[meanwhile]
    assert refused.value.fields[0].pointer.startswith("/files/0")
    monkeypatch.undo()
    assert (await running.submit("H26")).first


def not_decided_in(door: FrontDoor, lane: Lane) -> Any:
    """A door whose commands in one lane are not decided within the wait."""
    ask = door.ask

    async def asked(*args: Any, **options: Any) -> Any:
        return None if options.get("lane", Lane.NORMAL) is lane else await ask(*args, **options)

    return asked


async def test_L31_a_folder_without_a_document_is_removed_when_nobody_claims_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await running.submit("H26")
    with pytest.raises(DocaxisError):
        await running.submit("H26", subject="Nội dung khác")  # refused: its folder stays behind
    assert len(await running.ports.files.documents()) == 2
    now = running.ports.clock()
    clock = [now]
    sweep = FileSweep(
        running.ports.files,
        running.service.views["routing_documents"].reader,
        next(part for part in running.service.parts if isinstance(part, FrontDoor)),
        FolderMarks(),
        running.ports.log.partitions,
        lambda: clock[0],
        keep_hours=24.0,
        every_s=3600.0,
    )
    assert await sweep.sweep() == 0
    clock[0] = now + 23 * 3_600_000
    assert await sweep.sweep() == 0
    clock[0] = now + 25 * 3_600_000
    door = next(part for part in running.service.parts if isinstance(part, FrontDoor))
    for lane in (Lane.URGENT, Lane.NORMAL):  # L10: a submission may still stand in either
        monkeypatch.setattr(door, "ask", not_decided_in(door, lane))
        assert await sweep.sweep() == 0
        monkeypatch.undo()
    assert await sweep.sweep() == 1
    assert await running.ports.files.documents() == [accepted.document_id]


async def test_a_cursor_of_hundreds_of_mailboxes_fits_a_request(running: Running) -> None:
    many = {uuid4().bytes: 1_000_000 for _ in range(500)}
    cursor = encode_cursor(running.ports.log.epoch, many)
    assert len(cursor) < 16_384
    await running.submit("H26")
    page = await running.inbox("H26", cursor=cursor)
    assert len(page.deliveries) == 1
    for hostile in ({b"short": 1}, {uuid4().bytes: -1}, {"text": 1}):
        with pytest.raises(DocaxisError) as refused:
            await running.inbox("H26", cursor=encode_cursor(running.ports.log.epoch, hostile))
        assert refused.value.code == "cursor_invalid"


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """The states and views folder may be lost: the log alone brings all back."""
    folder = DataFolder(tmp_path)
    settings = StandaloneSettings(partitions=4)
    log = await SqliteEventLog.open(folder.log, 4)
    await log.close()
    for run in range(2):
        async with embedded_ports(folder, settings) as ports:
            composed = [
                registry.compose(ports, RegistrySettings()),
                routing.compose(ports, RoutingSettings()),
            ]
            async with at_work(ports, *composed, topics=[SIGNATURE_EVENTS]):
                told = await composed[0].servicer.RegisterOrganisations(
                    registry_rpc.RegisterOrganisationsRequest(
                        entries=[
                            registry_pb.OrganisationEntry(
                                code=code, name=code, level=1, kind="sample"
                            )
                            for code in ("G22", "H26", "H27")
                        ],
                        idempotency_key="same",
                        actor="test",
                    ),
                    CONTEXT,
                )
                organisations = {each.code: each.organisation_id for each in told.results}
                system = await composed[0].servicer.RegisterSystem(
                    registry_rpc.RegisterSystemRequest(
                        name="Mẫu",
                        connection="direct",
                        organisation_ids=list(organisations.values()),
                        idempotency_key="same",
                        actor="test",
                    ),
                    CONTEXT,
                )
                here = Running(
                    ports,
                    composed[1].servicer,
                    composed[0].servicer,
                    system.system_id,
                    organisations,
                    composed[1],
                )
                reply = await here.submit("H26")
                assert reply.first == (run == 0)
                page = await here.inbox("H26")
                assert [each.mailbox_number for each in page.deliveries] == [1]
        folder.store.unlink()
