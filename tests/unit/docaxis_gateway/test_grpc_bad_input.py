"""What comes in over gRPC and should not: each has its code, none is UNKNOWN or INTERNAL."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.public_grpc.routes import ROUTES
from docaxis_proto import gateway_v1_pb2 as pb
from docaxis_runtime.error_table import ERRORS
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.public_grpc import Rpc, refusal, rpc_of, until

_OURS_OR_TRANSPORT = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
_UNARY = sorted(
    name for name, each in ROUTES.items() if not (each.takes_stream or each.gives_stream)
)


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[Rpc]:
    async with rpc_of(world) as made:
        yield made


async def answered(rpc: Rpc, method: str, sent: bytes) -> None:
    """Either an answer, or a refusal with a code of the table that is nobody's fault of ours."""
    try:
        await rpc.raw(method, sent)
    except grpc.aio.AioRpcError as error:
        assert error.code() not in _OURS_OR_TRANSPORT, (method, sent, error)
        assert ERRORS[refusal(error).code].http < 500


async def test_garbage_is_refused_by_every_method(rpc: Rpc) -> None:
    """Bytes of every kind, hypothesis's own and such as look like fields."""
    examples: list[tuple[str, bytes]] = []

    @settings(
        max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(_UNARY), st.one_of(st.binary(max_size=200), _fields()))
    def collect(method: str, sent: bytes) -> None:
        examples.append((method, sent))

    collect()
    for method, sent in examples:
        await answered(rpc, method, sent)
    assert len(examples) >= 300


def _fields() -> st.SearchStrategy[bytes]:
    """Wire format that holds together: tags of known numbers with text, numbers, messages."""
    text = st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda each: each.encode()))

    def tagged(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    return st.lists(
        st.one_of(
            st.builds(tagged, st.integers(1, 15), text),
            st.builds(lambda n, v: bytes([n << 3, v]), st.integers(1, 15), st.integers(0, 127)),
        ),
        max_size=6,
    ).map(b"".join)


async def test_GM1_what_is_no_message_is_malformed(rpc: Rpc) -> None:
    for sent in (b"\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"):  # cut, cut, not UTF-8
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await rpc.raw("GetDocument", sent)
        refused = refusal(raised.value)
        assert (refused.grpc, refused.code) == ("INVALID_ARGUMENT", "malformed_message")


async def test_GM1_a_large_message_is_refused_and_a_huge_one_by_the_transport(
    world: World, document: Any
) -> None:
    limit = 64 * 1024
    async with rpc_of(world, grpc_message_bytes=limit) as rpc:
        request = ParseDict(document, pb.SubmitDocumentRequest(parts={"file0": b"x" * limit}))
        refused = await rpc.refused("SubmitDocument", request)
        assert (refused.code, refused.params["limit"]) == ("body_too_large", str(limit))
        request.parts["file0"] = b"x" * 3 * limit
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await rpc.call("SubmitDocument", request)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    await until(lambda: world.staged() == [])


async def test_GM2_fields_that_nobody_knows_are_refused_wherever_they_are(
    rpc: Rpc, document: Any
) -> None:
    unknown = b"\xa2\x06\x01x"  # field 100, a text
    request = ParseDict(document, pb.SubmitDocumentRequest(parts={"file0": b"x"}))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await rpc.raw("SubmitDocument", request.SerializeToString() + unknown)
    assert refusal(raised.value).fields == [("/100", "unknown_field")]
    request.files[0].MergeFromString(unknown)
    request.signer.MergeFromString(unknown)
    refused = await rpc.refused("SubmitDocument", request)
    assert refused.code == "unknown_field"
    assert refused.fields == [("/signer/100", "unknown_field"), ("/files/0/100", "unknown_field")]


async def test_GM3_a_field_of_the_path_is_required_and_cannot_lead_elsewhere(rpc: Rpc) -> None:
    refused = await rpc.refused("GetDocument", pb.GetDocumentRequest())
    assert (refused.code, refused.fields) == (
        "field_required",
        [("/document_id", "field_required")],
    )
    for hostile in ("../me", "a/deliveries", "%2e%2e%2fme", "?x=1", "#", "{code}", "a\0b", "ế"):
        refused = await rpc.refused("GetDocument", pb.GetDocumentRequest(document_id=hostile))
        assert refused.code == "unknown_document", hostile
        found = await rpc.refused("GetOrganisation", pb.GetOrganisationRequest(code=hostile))
        assert found.code == "unknown_organisation", hostile


async def test_credentials_are_those_of_rest(world: World, rpc: Rpc) -> None:
    cases = {
        (): "unauthenticated",
        (("authorization", "Basic abc"),): "unauthenticated",
        (("authorization", "Bearer x"),): "token_malformed",
        (("authorization", "Bearer " + "x" * 5000),): "token_malformed",
    }
    for metadata, code in cases.items():
        refused = await rpc.refused("GetMe", pb.GetMeRequest(), metadata=metadata)
        assert (refused.grpc, refused.code) == ("UNAUTHENTICATED", code)
        refused = await rpc.refused("GetInbox", pb.GetInboxRequest(), metadata=metadata)
        assert refused.code == code
    assertion = pb.IssueTokenRequest(client_assertion=world.sender.assertion())
    await rpc.call("IssueToken", assertion, metadata=())
    assert (await rpc.refused("IssueToken", assertion)).code == "assertion_replayed"
    empty = await rpc.refused("IssueToken", pb.IssueTokenRequest(), metadata=())
    assert empty.fields == [("/client_assertion", "field_required")]
    await world.lock(world.sender)
    assert (await rpc.refused("GetMe", pb.GetMeRequest())).code == "system_locked"


async def test_metadata_that_would_be_other_headers_change_nothing(world: World, rpc: Rpc) -> None:
    hostile = [
        *rpc.metadata(),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("accept", "application/jose"),
        ("range", "bytes=1-"),
        ("host", "elsewhere"),
        ("x-forwarded-for", "10.0.0.1"),
        ("docaxis-actor", "registry"),
        ("data-bin", b"\0\xff"),
    ]
    me = await rpc.call("GetMe", pb.GetMeRequest(), metadata=hostile)  # type: ignore[arg-type]
    assert me.system_id == world.sender.system_id


async def test_a_list_of_faults_fits_into_what_clients_take(rpc: Rpc, document: Any) -> None:
    """gRPC takes 8 KiB of metadata: the code arrives, and how many faults were left out."""
    codes = [f"H9{'ế' * 8}{number}" for number in range(200)]
    request = ParseDict({**document, "recipients": codes}, pb.SubmitDocumentRequest())
    request.parts["file0"] = b"x"
    refused = await rpc.refused("SubmitDocument", request)
    assert refused.fields[0][0] == "/recipients/0"
    assert int(refused.params["omitted_fields"]) == 200 - len(refused.fields)


async def test_the_services_behind_are_not_served(rpc: Rpc) -> None:
    for method in (
        "/docaxis.registry.v1.Registry/LockSystem",
        "/docaxis.registry.v1.Registry/SnapshotSystems",
        "/docaxis.routing.v1.Routing/AcknowledgeDeliveries",
        "/docaxis.gateway.v1.Gateway/NoSuch",
    ):
        channel: Any = rpc.channel
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary(method)(b"", metadata=rpc.metadata())
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


DIGEST = hashlib.sha256(b"content").hexdigest()


async def refused_upload(rpc: Rpc, *sent: pb.UploadFileRequest | bytes) -> Any:
    """By the client that has threads: that of asyncio sometimes loses the status of a call which
    ends while it still sends ("Internal error from Core")."""
    messages = [each if isinstance(each, bytes) else each.SerializeToString() for each in sent]
    path = "/docaxis.gateway.v1.Gateway/UploadFile"

    def call() -> None:
        with grpc.insecure_channel(f"127.0.0.1:{rpc.server.port}") as channel:
            untyped: Any = channel
            untyped.stream_unary(path)(iter(messages), metadata=rpc.metadata(), timeout=20)

    with pytest.raises(grpc.RpcError) as raised:
        await asyncio.to_thread(call)
    return refusal(cast(Any, raised.value))


async def test_uploads_that_are_none(world: World, rpc: Rpc) -> None:
    def start(**changes: str) -> pb.UploadFileRequest:
        fields = {"upload_id": new_id(), "digest": DIGEST, **changes}
        return pb.UploadFileRequest(start=pb.UploadStart(**fields))

    piece = pb.UploadFileRequest(piece=b"content")
    cases: list[tuple[str, list[tuple[str, str]], tuple[Any, ...]]] = [
        ("field_required", [("/start", "field_required")], ()),
        ("field_required", [("/start", "field_required")], (piece,)),
        ("field_invalid", [("/start/digest", "field_invalid")], (start(digest="x"), piece)),
        ("field_required", [("/upload_id", "field_required")], (start(upload_id=""), piece)),
        ("field_invalid", [("/upload_id", "field_invalid")], (start(upload_id="../x"), piece)),
        ("digest_mismatch", [], (start(digest="0" * 64), piece)),
        ("file_empty", [], (start(),)),
        ("field_invalid", [("/start", "field_invalid")], (start(), piece, start())),
        ("malformed_message", [], (start(), piece, b"\xff")),
        ("malformed_message", [], (b"\xff",)),
    ]
    for code, fields, sent in cases:
        refused = await refused_upload(rpc, *sent)
        assert (refused.code, refused.fields) == (code, fields), (code, sent)
    await until(lambda: world.staged() == [])
    kept = start()
    await rpc.upload(kept.start.upload_id, DIGEST, [b"content"])
    other = start(upload_id=kept.start.upload_id, digest=hashlib.sha256(b"other").hexdigest())
    refused = await refused_upload(rpc, other, pb.UploadFileRequest(piece=b"other"))
    assert (refused.grpc, refused.code) == ("ABORTED", "upload_conflict")


async def test_downloads_beyond_the_end_and_of_others(
    world: World, rpc: Rpc, document: Any
) -> None:
    request = ParseDict(document, pb.SubmitDocumentRequest(parts={"file0": b"content"}))
    sent = await rpc.call("SubmitDocument", request)
    asked = pb.DownloadFileRequest(document_id=sent.id, digest=DIGEST)
    for offset, code in (
        (7, "range_not_satisfiable"),
        (10**17, "range_not_satisfiable"),
        (-1, "field_invalid"),
        (2**63 - 1, "field_invalid"),
    ):
        asked.offset = offset
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await rpc.download(asked, world.receiver)
        assert refusal(raised.value).code == code
    for digest, code in (("0" * 64, "unknown_file"), ("x", "unknown_file"), ("", "field_required")):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await rpc.download(pb.DownloadFileRequest(document_id=sent.id, digest=digest))
        assert refusal(raised.value).code == code


async def test_a_file_above_the_limit_ends_the_stream(world: World) -> None:
    world.gateway.settings = replace(world.gateway.settings, max_file_bytes=100_000)
    async with rpc_of(world) as rpc:
        start = pb.UploadFileRequest(start=pb.UploadStart(upload_id=new_id(), digest=DIGEST))
        pieces = [pb.UploadFileRequest(piece=b"x" * 50_000)] * 20
        refused = await refused_upload(rpc, start, *pieces)
        assert (refused.code, refused.params["limit"]) == ("file_too_large", "100000")
    await until(lambda: world.staged() == [])
