"""Rule 22: a check answers as the submit would, and nothing is sent."""

from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto import routing_v1_pb2 as pb
from tests.unit.docaxis_routing.running_routing import CONTEXT, Running, running

__all__ = ["running"]


async def test_rule_22_a_check_answers_as_the_submit_would_and_changes_nothing(
    running: Running,
) -> None:
    request = await running.request("H26", "H72")
    before = [await running.ports.log.end("docaxis.routing.events", p) for p in range(4)]
    checked = await running.rpc.CheckDocument(request, CONTEXT)
    assert checked.first
    assert [each.code for each in checked.recipients] == ["H26"]
    assert "H27" in checked.refused[0].suggestions
    after = [await running.ports.log.end("docaxis.routing.events", p) for p in range(4)]
    assert after == before
    assert await running.ports.files.documents() == []
    with pytest.raises(DocaxisError) as caught:
        await running.rpc.GetDocument(
            pb.GetDocumentRequest(
                document_id=checked.document_id,
                for_organisation_ids=[running.organisations["G22"]],
            ),
            CONTEXT,
        )
    assert caught.value.code == "unknown_document"
    sent = await running.rpc.SubmitDocument(request, CONTEXT)
    assert (sent.document_id, sent.first) == (checked.document_id, True)
    assert list(sent.recipients) == list(checked.recipients)
    assert list(sent.refused) == list(checked.refused)
    again = await running.rpc.CheckDocument(request, CONTEXT)
    assert not again.first
    assert list(again.recipients) == list(sent.recipients)


@pytest.mark.parametrize(
    ("codes", "changes", "code"),
    [
        (("H26",), {"subject": "Nội dung khác"}, "content_conflict"),
        (("H72",), {"sender_document_id": "other"}, "no_valid_recipient"),
        (("H26",), {"system_id": "01990000-0000-7000-8000-000000000000"}, "upload_unknown"),
        (("H26",), {"business_type": "recall"}, "business_type_not_supported"),
    ],
)
async def test_rule_22_a_check_is_refused_as_the_submit_would_be_and_leaves_no_refusal(
    running: Running, codes: tuple[str, ...], changes: dict[str, Any], code: str
) -> None:
    await running.submit("H26")
    request = await running.request(*codes, **changes)
    for call in (running.rpc.CheckDocument, running.rpc.SubmitDocument):
        with pytest.raises(DocaxisError) as caught:
            await call(request, CONTEXT)
        assert caught.value.code == code


async def test_rule_22_a_check_of_many_recipients_names_those_who_seem_refused(
    running: Running,
) -> None:
    unknown = [f"Y{number:04}" for number in range(600)]
    checked = await running.rpc.CheckDocument(await running.request("H26", *unknown), CONTEXT)
    assert (checked.first, checked.recipient_count) == (True, 601)
    assert [each.code for each in checked.refused] == unknown[:500]
    assert {each.reason for each in checked.refused} == {"unknown_organisation"}
