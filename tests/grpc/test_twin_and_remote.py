"""The same calls over an in-process twin and over real gRPC: nobody can tell which it was."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem, Unavailable
from docaxis_proto import status_v1_pb2 as pb
from docaxis_proto.status_v1_pb2_grpc import (
    StatusServiceServicer,
    StatusServiceStub,
    add_StatusServiceServicer_to_server,
)
from docaxis_runtime.call_context import CallContext, calling, current_call
from docaxis_runtime.grpc_client import Connection, twin
from docaxis_runtime.grpc_server import GrpcServer
from tests.grpc.authority import Authority

if TYPE_CHECKING:
    from docaxis_proto.status_v1_pb2_grpc import StatusServiceAsyncStub

MANY = tuple(
    FieldProblem(f"/recipients/{n}", "unknown_organisation", {"organisation": f"H{n}"})
    for n in range(400)
)


class Servicer(StatusServiceServicer):
    """Does what the document id says."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def ReportStatuses(self, request: Any, context: Any) -> pb.ReportStatusesReply:
        """Answer with who called."""
        call = current_call()
        seen = dict(context.invocation_metadata())
        assert seen.get("x-request-id", "") == call.request_id
        reply = pb.ReportStatusesReply()
        reply.results.add(delivery_id=call.request_id, code=call.traceparent, result=call.actor)
        return reply

    async def GetTimeline(self, request: Any, context: Any) -> pb.GetTimelineReply:
        """Answer, refuse, fail or hang."""
        match request.document_id:
            case "refuse":
                raise DocaxisError(
                    "sender_not_served",
                    {"code": "Hà Nội"},
                    fields=(FieldProblem("/sender", "sender_not_served", {"code": "Hà Nội"}),),
                    retry_after_s=2.5,
                    suggestions=("H01", "H29"),
                )
            case "many":
                raise DocaxisError("no_valid_recipient", fields=MANY)
            case "unknown code":
                raise DocaxisError("not_in_the_table")
            case "away":
                raise Unavailable("the disk at /var/lib is full")
            case "fail":
                raise RuntimeError("password=hunter2")
            case "hang":
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise
            case "remaining":
                # gRPC rounds a deadline up on its way.
                remaining = f"{0 < context.time_remaining() < 3.5}"
                return pb.GetTimelineReply(timelines=[pb.Timeline(delivery_id=remaining)])
        timeline = pb.Timeline(delivery_id=request.document_id)
        return pb.GetTimelineReply(timelines=[timeline])

    async def ListUnmatched(self, request: Any, context: Any) -> pb.ListUnmatchedReply:
        """Nothing."""
        return pb.ListUnmatchedReply()

    async def GetStatistics(self, request: Any, context: Any) -> pb.GetStatisticsReply:
        """Nothing."""
        return pb.GetStatisticsReply()

    async def GetFeedback(self, request: Any, context: Any) -> pb.GetFeedbackReply:
        """Nothing."""
        return pb.GetFeedbackReply()


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()


@pytest.fixture(params=["twin", "unix", "tcp"])
async def client(
    request: pytest.FixtureRequest, servicer: Servicer, tmp_path: Path
) -> AsyncIterator["StatusServiceAsyncStub"]:
    if request.param == "twin":
        yield twin(servicer, StatusServiceStub)
        return
    address = f"unix:{tmp_path}/status.sock" if request.param == "unix" else "127.0.0.1:0"
    server = serve(address, servicer)
    await server.start()
    connection = Connection(address.replace(":0", f":{server.port}"))
    yield connection.client(StatusServiceStub)
    await connection.close()
    await server.stop()


def serve(address: str, servicer: Servicer, **options: Any) -> GrpcServer:
    registrations = [(add_StatusServiceServicer_to_server, servicer)]
    return GrpcServer("status", address, registrations, grace_s=0.2, **options)


async def ask(
    client: "StatusServiceAsyncStub", document_id: str, timeout_s: float | None = None
) -> str:
    request = pb.GetTimelineRequest(document_id=document_id)
    reply = await client.GetTimeline(request, timeout=timeout_s)
    return reply.timelines[0].delivery_id


async def refusal(client: "StatusServiceAsyncStub", document_id: str) -> DocaxisError:
    with pytest.raises(DocaxisError) as caught:
        await ask(client, document_id)
    return caught.value


async def test_replies_come_back(client: "StatusServiceAsyncStub") -> None:
    assert await ask(client, "văn bản") == "văn bản"


async def test_the_error_is_the_one_that_was_raised(client: "StatusServiceAsyncStub") -> None:
    error = await refusal(client, "refuse")
    assert error.code == "sender_not_served"
    assert error.params == {"code": "Hà Nội"}
    assert error.fields == (FieldProblem("/sender", "sender_not_served", {"code": "Hà Nội"}),)
    assert error.retry_after_s == 2.5
    assert error.suggestions == ("H01", "H29")


async def test_long_errors_come_whole(client: "StatusServiceAsyncStub") -> None:
    assert (await refusal(client, "many")).fields == MANY


async def test_nothing_internal_leaves(
    client: "StatusServiceAsyncStub", capsys: pytest.CaptureFixture[str]
) -> None:
    with calling(CallContext("request-77")):
        error = await refusal(client, "fail")
    assert (error.code, error.params, error.fields) == ("internal", {}, ())
    assert "hunter2" not in str(error)
    # The log knows it, under the id that the caller can name.
    told = capsys.readouterr()
    assert "hunter2" in told.out + told.err
    assert "request-77" in told.out + told.err
    assert (await refusal(client, "unknown code")).code == "internal"


async def test_failing_surroundings_are_told_as_such(client: "StatusServiceAsyncStub") -> None:
    error = await refusal(client, "away")
    assert (error.code, error.params) == ("unavailable", {})


async def test_the_callers_context_goes_along(client: "StatusServiceAsyncStub") -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with calling(CallContext("r-1", traceparent, "system-1")):
        reply = await client.ReportStatuses(pb.ReportStatusesRequest())
    result = reply.results[0]
    assert (result.delivery_id, result.code, result.result) == ("r-1", traceparent, "system-1")
    reply = await client.ReportStatuses(pb.ReportStatusesRequest())
    assert reply.results[0].delivery_id == ""


async def test_deadlines_end_both_sides(
    client: "StatusServiceAsyncStub", servicer: Servicer
) -> None:
    with pytest.raises(DocaxisError) as caught:
        await ask(client, "hang", 0.1)
    assert caught.value.code == "deadline_exceeded"
    await asyncio.wait_for(servicer.cancelled.wait(), 2)
    assert await ask(client, "remaining", 3.0) == "True"


async def test_whoever_gives_up_ends_the_call(
    client: "StatusServiceAsyncStub", servicer: Servicer
) -> None:
    task = asyncio.create_task(ask(client, "hang"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(servicer.cancelled.wait(), 2)


async def test_calls_beside_each_other_do_not_mix(client: "StatusServiceAsyncStub") -> None:
    found = await asyncio.gather(*(ask(client, str(number)) for number in range(50)))
    assert found == [str(number) for number in range(50)]


async def test_a_method_that_a_servicer_lacks() -> None:
    assert (await refusal(twin(object(), StatusServiceStub), "x")).code == "internal"


async def test_nobody_listens(tmp_path: Path) -> None:
    connection = Connection(f"unix:{tmp_path}/nobody.sock")
    client = connection.client(StatusServiceStub)
    assert (await refusal(client, "x")).code == "unavailable"
    await connection.close()


async def test_a_closed_connection_is_unavailable(servicer: Servicer, tmp_path: Path) -> None:
    server = serve(f"unix:{tmp_path}/s.sock", servicer)
    await server.start()
    connection = Connection(server.address)
    client = connection.client(StatusServiceStub)
    task = asyncio.create_task(ask(client, "hang"))
    await asyncio.sleep(0.1)
    await connection.close()
    with pytest.raises(DocaxisError) as caught:
        await task
    assert caught.value.code == "unavailable"
    await server.stop()


async def test_the_socket_is_private(servicer: Servicer, tmp_path: Path) -> None:
    server = serve(f"unix:{tmp_path}/s.sock", servicer)
    await server.start()
    assert stat.S_IMODE(os.stat(tmp_path / "s.sock").st_mode) == 0o600
    await server.stop()


@pytest.mark.parametrize("address", ["0.0.0.0:5000", "10.0.0.1:5000", "[::]:5000", "routing:5000"])
def test_no_clear_text_across_a_network(address: str, servicer: Servicer) -> None:
    with pytest.raises(ValueError, match="TLS"):
        serve(address, servicer)
    with pytest.raises(ValueError, match="TLS"):
        Connection(address)


class TestTls:
    """Mutual TLS between services."""

    async def test_services_of_one_authority_speak_and_others_do_not(
        self, servicer: Servicer, tmp_path: Path
    ) -> None:
        ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
        server = serve("127.0.0.1:0", servicer, tls=ours.issue("server"))
        await server.start()
        address = f"127.0.0.1:{server.port}"
        good = Connection(address, tls=ours.issue("gateway"))
        assert await ask(good.client(StatusServiceStub), "x") == "x"
        stranger = Connection(address, tls=theirs.issue("stranger", authority=ours.path))
        assert (await refusal(stranger.client(StatusServiceStub), "x")).code == "unavailable"
        nameless = grpc.aio.secure_channel(
            address, grpc.ssl_channel_credentials(ours.path.read_bytes())
        )
        with pytest.raises(grpc.aio.AioRpcError):
            await StatusServiceStub(nameless).GetTimeline(pb.GetTimelineRequest())
        await nameless.close()
        for each in (good, stranger):
            await each.close()
        await server.stop()

    async def test_certificates_are_read_again_when_they_change(
        self, servicer: Servicer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("docaxis_runtime.grpc_client._CERTIFICATE_CHECK_S", 0.0)
        old = Authority(tmp_path, "old")
        server = serve("127.0.0.1:0", servicer, tls=old.issue("server"))
        await server.start()
        connection = Connection(f"127.0.0.1:{server.port}", tls=old.issue("gateway"))
        client = connection.client(StatusServiceStub)
        assert await ask(client, "x") == "x"
        # A new authority under the old paths: nothing of before would pass with it.
        new = Authority(tmp_path, "old")
        new.issue("server")
        new.issue("gateway")
        assert await ask(client, "y") == "y"
        await connection.close()
        await server.stop()
