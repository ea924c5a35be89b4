"""The same scenario over REST and over gRPC: the same ids, states, codes, pointers and words."""

import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.public_grpc.routes import ROUTES
from docaxis_proto import gateway_v1_pb2 as pb
from tests.unit.docaxis_gateway.conftest import FakeSystem, World, form
from tests.unit.docaxis_gateway.public_grpc import Rpc, rpc_of, until

CONTENT = b"%PDF-1.7 a letter"
REST_ONLY = {"links", "href", "signature_href"}


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[Rpc]:
    async with rpc_of(world) as made:
        yield made


def as_rest(message: Message) -> Any:
    """A message as its fields say it, for a comparison with REST's JSON."""
    return MessageToDict(message, preserving_proto_field_name=True)


def as_grpc(body: Any) -> Any:
    """REST's JSON without what gRPC has no words for: nulls, empty values, addresses."""
    if isinstance(body, list):
        return [as_grpc(each) for each in body]
    if not isinstance(body, dict):
        return body
    found = {}
    for name, value in body.items():
        if name in REST_ONLY:
            continue
        if name in ("receipt", "receipts"):
            ids = [
                each.rpartition("/")[2]
                for each in ([value] if name == "receipt" else value)
                if each
            ]
            name, value = (
                (f"{name}_id", ids[0] if ids else None)
                if name == "receipt"
                else ("receipt_ids", ids)
            )
        found[name] = as_grpc(value)
    return found


def plain(value: Any) -> Any:
    """Without empty values and with numbers as text: JSON of protobuf writes int64 so."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        found = {name: plain(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each not in (None, "", [], {})}
    if isinstance(value, bool):
        return value or None
    return str(value) if isinstance(value, int) and value else value or None


async def both(
    world: World, rpc: Rpc, name: str, request: Message, system: FakeSystem | None = None
) -> Any:
    """One call both ways; asserts that the answers are the same, and gives REST's."""
    route = ROUTES[name]
    fields = MessageToDict(request, preserving_proto_field_name=True)
    path = route.path.format_map(fields)
    rest = {name: each for name, each in fields.items() if name not in route.in_path}
    options = {"json": rest} if route.has_body else {"params": rest}
    status, body, _ = await world.call(route.method, path, system, **options)
    if status >= 400:
        refused = await rpc.refused(name, request, system)
        assert refused.code == body["code"]
        assert refused.fields == [(each["pointer"], each["code"]) for each in body["errors"]]
        assert (refused.retry_s is not None) == body["retryable"]
        assert refused.words == body["title"]
        return body
    answer = await rpc.call(name, request, system)
    assert plain(as_rest(answer)) == plain(as_grpc(body if isinstance(body, dict) else {}))
    return body


def submission(document: Any, **changes: Any) -> pb.SubmitDocumentRequest:
    request = ParseDict({**document, **changes}, pb.SubmitDocumentRequest())
    request.parts["file0"] = CONTENT
    return request


async def test_a_letter_from_submit_to_acknowledgement(
    world: World, rpc: Rpc, document: Any
) -> None:
    sent = await rpc.call("SubmitDocument", submission(document))
    assert (sent.status, sent.repeat) == ("accepted", False)
    again = await rpc.call("SubmitDocument", submission(document))
    assert again.repeat
    again.repeat = False
    assert again == sent
    status, body, _ = await world.call(
        "POST", "/documents", data=form(document, ("file0", CONTENT))
    )
    assert status == 200  # REST knows it as the same document
    assert plain(as_rest(sent)) == plain(as_grpc(body))
    await until(lambda: world.staged() == [])

    by_id = {"document_id": sent.id}
    await both(world, rpc, "GetDocument", pb.GetDocumentRequest(**by_id))
    await both(world, rpc, "GetDocument", pb.GetDocumentRequest(**by_id), world.receiver)
    found = await both(
        world, rpc, "FindDocuments", pb.FindDocumentsRequest(sender="G22", id=document["id"])
    )
    assert [each["id"] for each in found["items"]] == [sent.id]
    await both(world, rpc, "ListDeliveries", pb.ListDeliveriesRequest(**by_id))
    page = await both(world, rpc, "ListDeliveries", pb.ListDeliveriesRequest(limit=1, **by_id))
    await both(
        world,
        rpc,
        "ListDeliveries",
        pb.ListDeliveriesRequest(limit=1, cursor=page["next"], **by_id),
    )
    await both(world, rpc, "GetVerdict", pb.GetVerdictRequest(**by_id))
    await both(world, rpc, "ListDocumentReceipts", pb.ListDocumentReceiptsRequest(**by_id))

    inbox = await both(world, rpc, "GetInbox", pb.GetInboxRequest(), world.receiver)
    await both(
        world, rpc, "GetInbox", pb.GetInboxRequest(organisation="H01", limit=1), world.receiver
    )
    digest = inbox["items"][0]["document"]["files"][0]["digest"]
    start, content = await rpc.download(
        pb.DownloadFileRequest(digest=digest, **by_id), world.receiver
    )
    assert content == CONTENT
    assert (start.name, start.media_type, start.size) == (
        "123.pdf",
        "application/pdf",
        len(CONTENT),
    )

    ids = [each["delivery_id"] for each in inbox["items"]]
    taken = await rpc.call(
        "AcknowledgeDeliveries", pb.AcknowledgeDeliveriesRequest(deliveries=ids), world.receiver
    )
    assert {each.result for each in taken.results} == {"handed_over"}
    await both(
        world,
        rpc,
        "AcknowledgeDeliveries",
        pb.AcknowledgeDeliveriesRequest(deliveries=ids),
        world.receiver,
    )
    await both(
        world,
        rpc,
        "ReportStatus",
        pb.ReportStatusRequest(delivery_id=ids[0], code="03", organisation="H29"),
        world.receiver,
    )
    reports = [pb.StatusOfDelivery(delivery=ids[1], code="02", reason="Trả lại")]
    await both(
        world,
        rpc,
        "ReportStatuses",
        pb.ReportStatusesRequest(organisation="H01", statuses=reports),
        world.receiver,
    )
    timeline = await both(world, rpc, "GetTimeline", pb.GetTimelineRequest(**by_id))
    assert timeline["items"][0]["entries"]
    receipts = await both(world, rpc, "ListReceipts", pb.ListReceiptsRequest())
    assert len(receipts["items"]) == 3
    await both(
        world, rpc, "GetReceipt", pb.GetReceiptRequest(receipt_id=receipts["items"][1]["id"])
    )


async def test_access_and_organisations(world: World, rpc: Rpc) -> None:
    token = await rpc.call(
        "IssueToken", pb.IssueTokenRequest(client_assertion=world.sender.assertion()), metadata=()
    )
    mine = [("authorization", f"Bearer {token.access_token}")]
    me = await rpc.call("GetMe", pb.GetMeRequest(), metadata=mine)
    _, body, _ = await world.call("GET", "/me")
    assert (me.system_id, me.organisations[0].name) == (body["system_id"], "Văn phòng Chính phủ")
    assert abs(me.server_time.ToSeconds() - time.time()) < 60
    keys = await rpc.call("GetKeys", pb.GetKeysRequest(), metadata=())
    assert keys.jwk_set == '{"keys":[]}'
    await both(world, rpc, "GetOrganisation", pb.GetOrganisationRequest(code="000.00.00.G22"))
    page = await both(world, rpc, "ListOrganisations", pb.ListOrganisationsRequest(limit=2))
    assert page["next"]
    await both(world, rpc, "ListOrganisations", pb.ListOrganisationsRequest(query="hồ chí minh"))


async def test_subscriptions(world: World, rpc: Rpc) -> None:
    asked = pb.SubscribeRequest(
        url="https://example.vn/hook", organisations=["G22"], event_types=["delivery.ready"]
    )
    key = rpc.metadata(idempotency_key="one")
    made = await rpc.call("Subscribe", asked, metadata=key)
    again = await rpc.call("Subscribe", asked, metadata=key)
    assert made.secret
    assert again.id == made.id  # the key is that of REST
    await both(world, rpc, "ListSubscriptions", pb.ListSubscriptionsRequest())
    await both(
        world, rpc, "ListNotifications", pb.ListNotificationsRequest(subscription_id=made.id)
    )
    await rpc.call("EndSubscription", pb.EndSubscriptionRequest(subscription_id=made.id))
    await both(world, rpc, "EndSubscription", pb.EndSubscriptionRequest(subscription_id=made.id))
    await both(world, rpc, "EndSubscription", pb.EndSubscriptionRequest(subscription_id=new_id()))


@pytest.mark.parametrize(
    ("name", "request_message"),
    [
        ("GetDocument", pb.GetDocumentRequest(document_id=new_id())),
        ("GetDocument", pb.GetDocumentRequest(document_id="không có")),
        ("GetReceipt", pb.GetReceiptRequest(receipt_id=new_id())),
        ("GetOrganisation", pb.GetOrganisationRequest(code="H98")),
        ("FindDocuments", pb.FindDocumentsRequest(sender="G22")),
        ("GetInbox", pb.GetInboxRequest(organisation="H01")),
        ("GetInbox", pb.GetInboxRequest(limit=501, wait=99)),
        ("GetInbox", pb.GetInboxRequest(limit=-1)),
        ("ListOrganisations", pb.ListOrganisationsRequest(cursor="x")),
        ("AcknowledgeDeliveries", pb.AcknowledgeDeliveriesRequest(deliveries=["x", new_id()])),
        ("AcknowledgeDeliveries", pb.AcknowledgeDeliveriesRequest(deliveries=[new_id()] * 501)),
        ("ReportStatus", pb.ReportStatusRequest(delivery_id=new_id(), code="99")),
        ("ReportStatus", pb.ReportStatusRequest(delivery_id=new_id(), code="02")),
        ("ReportStatus", pb.ReportStatusRequest(delivery_id="x", code="03")),
        (
            "ReportStatuses",
            pb.ReportStatusesRequest(statuses=[pb.StatusOfDelivery(delivery="x", code="\0")]),
        ),
        ("Subscribe", pb.SubscribeRequest(url="ftp://example.vn")),
        ("Subscribe", pb.SubscribeRequest(url="https://example.vn", event_types=["no.such"])),
        ("SubmitDocument", pb.SubmitDocumentRequest(sender="G22", subject="Ề" * 501)),
    ],
)
async def test_refusals_are_the_same(
    name: str, request_message: Message, world: World, rpc: Rpc
) -> None:
    body = await both(world, rpc, name, request_message)
    assert "code" in body


async def test_a_document_is_refused_with_the_same_pointers(
    world: World, rpc: Rpc, document: Any
) -> None:
    cases: list[tuple[Any, bytes | None]] = [
        ({**document, "recipients": ["H98", "H97"]}, CONTENT),
        ({**document, "recipients": ["H29", "H29"]}, CONTENT),
        ({**document, "sender": "H01"}, CONTENT),
        ({**document, "business_type": "recall"}, CONTENT),
        ({**document, "secrecy": "Mật"}, CONTENT),
        ({**document, "promulgated_on": "22/11/2026", "number": "", "subject": "a\0b"}, CONTENT),
        ({**document, "files": [{"name": "a.pdf", "media_type": "application/pdf"}]}, None),
        ({**document, "files": [{**document["files"][0], "digest": "0" * 64}]}, CONTENT),
        ({**document, "files": [{"name": "a.pdf", "media_type": "x/y", "upload": new_id()}]}, None),
        ({**document, "require_signature": True}, CONTENT),
        (document, b""),
    ]
    for asked, content in cases:
        request = ParseDict(asked, pb.SubmitDocumentRequest())
        if content is None:
            _, body, _ = await world.call("POST", "/documents", json=asked)
        else:
            request.parts["file0"] = content
            _, body, _ = await world.call(
                "POST", "/documents", data=form(asked, ("file0", content))
            )
        refused = await rpc.refused("SubmitDocument", request)
        assert refused.code == body["code"], asked
        assert refused.fields == [(each["pointer"], each["code"]) for each in body["errors"]]
        told = [(e["pointer"], e["suggestions"]) for e in body["errors"] if "suggestions" in e]
        assert [each for each in refused.suggestions if each[0]] == told
        await until(lambda: world.staged() == [])
    await rpc.call("SubmitDocument", submission(document))
    refused = await rpc.refused("SubmitDocument", submission(document, subject="khác"))
    assert (refused.grpc, refused.code) == ("ABORTED", "content_conflict")


async def test_parts_that_the_document_does_not_name_are_refused(rpc: Rpc, document: Any) -> None:
    for name in ("other", "", 'a"b', "a\\", "a\r\nX: y", "document", "a;b"):
        request = submission(document)
        request.parts[name] = b"x"
        assert (await rpc.refused("SubmitDocument", request)).code == "part_unknown", name


async def test_a_part_may_have_a_vietnamese_name(rpc: Rpc, document: Any) -> None:
    name = "tệp; “một”"
    request = ParseDict(
        {**document, "files": [{"name": "a.pdf", "media_type": "x/y", "part": name}]},
        pb.SubmitDocumentRequest(parts={name: CONTENT}),
    )
    assert (await rpc.call("SubmitDocument", request)).status == "accepted"


async def test_an_upload_comes_as_a_stream_and_a_document_takes_it(
    world: World, rpc: Rpc, document: Any
) -> None:
    content = bytes(range(256)) * 4096
    digest, upload_id = hashlib.sha256(content).hexdigest(), new_id()
    pieces = [content[at : at + 100_000] for at in range(0, len(content), 100_000)]
    made = await rpc.upload(upload_id, digest, pieces)
    assert (made.id, made.digest, made.size, made.repeat) == (
        upload_id,
        digest,
        len(content),
        False,
    )
    assert (await rpc.upload(upload_id, digest, pieces)).repeat
    file = {"name": "lớn.bin", "media_type": "application/octet-stream", "upload": upload_id}
    request = ParseDict({**document, "files": [file]}, pb.SubmitDocumentRequest())
    sent = await rpc.call("SubmitDocument", request)
    for offset in (0, 1, 300_000, len(content) - 1):
        asked = pb.DownloadFileRequest(document_id=sent.id, digest=digest, offset=offset)
        start, received = await rpc.download(asked, world.receiver)
        assert received == content[offset:]
        assert (start.name, start.size, start.offset) == ("lớn.bin", len(content), offset)


async def test_words_follow_the_language_and_codes_never_do(rpc: Rpc) -> None:
    asked = pb.GetDocumentRequest(document_id=new_id())
    vi = await rpc.refused("GetDocument", asked)
    en = await rpc.refused("GetDocument", asked, metadata=rpc.metadata(accept_language="en;q=0.9"))
    assert (vi.locale, en.locale) == ("vi", "en")
    assert vi.words != en.words
    assert (vi.code, vi.grpc) == (en.code, en.grpc) == ("unknown_document", "NOT_FOUND")
    mine = await rpc.refused("GetDocument", asked, metadata=rpc.metadata(x_request_id="mine-1"))
    assert mine.request_id == "mine-1"
