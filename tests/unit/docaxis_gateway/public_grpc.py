"""The public gRPC beside the HTTP server of a `World`, and a client that knows the proto alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from docaxis_gateway.app import make_app
from docaxis_gateway.public_grpc.door import PublicGrpcServer
from docaxis_proto import gateway_v1_pb2 as pb
from docaxis_proto.gateway_v1_pb2_grpc import GatewayStub
from tests.unit.docaxis_gateway.conftest import FakeSystem, World

Details = Mapping[str, Any]


@dataclass
class Refusal:
    """What a client makes of a refused call."""

    grpc: str
    code: str
    params: dict[str, str]
    fields: list[tuple[str, str]]
    retry_s: float | None
    words: str
    locale: str
    request_id: str
    suggestions: list[tuple[str, list[str]]] = field(default_factory=list)


def refusal(error: grpc.aio.AioRpcError) -> Refusal:
    """Read the details; raises `AssertionError` where a status has none."""
    raw = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    assert isinstance(raw, bytes), f"{error.code()}: {error.details()}"
    status = status_pb2.Status.FromString(raw)
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    words = error_details_pb2.LocalizedMessage()
    asked = error_details_pb2.RequestInfo()
    suggestions = []
    retryable = False
    for each in status.details:
        further = pb.FieldSuggestions()
        if each.Unpack(further):
            suggestions.append((further.field, list(further.suggestions)))
        retryable |= each.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
        for message in (info, bad, retry, words, asked):
            each.Unpack(message)
    assert info.domain == "docaxis"
    assert status.code == error.code().value[0]
    return Refusal(
        error.code().name,
        info.reason,
        dict(info.metadata),
        [(each.field, each.reason) for each in bad.field_violations],
        retry.retry_delay.ToMilliseconds() / 1000 if retryable else None,
        words.message,
        words.locale,
        asked.request_id,
        suggestions,
    )


@dataclass
class Rpc:
    """A client over a real connection."""

    world: World
    server: PublicGrpcServer
    channel: grpc.aio.Channel
    stub: Any

    def metadata(self, system: FakeSystem | None = None, **further: str) -> list[tuple[str, str]]:
        bearer = self.world.bearer(system or self.world.sender)["Authorization"]
        return [
            ("authorization", bearer),
            *((name.replace("_", "-"), value) for name, value in further.items()),
        ]

    async def call(
        self,
        method: str,
        request: Message,
        system: FakeSystem | None = None,
        metadata: Sequence[tuple[str, str]] | None = None,
        timeout_s: float = 20.0,
    ) -> Any:
        sent = self.metadata(system) if metadata is None else metadata
        return await getattr(self.stub, method)(request, metadata=sent, timeout=timeout_s)

    async def refused(
        self,
        method: str,
        request: Message,
        system: FakeSystem | None = None,
        metadata: Sequence[tuple[str, str]] | None = None,
    ) -> Refusal:
        try:
            answer = await self.call(method, request, system, metadata)
        except grpc.aio.AioRpcError as error:
            return refusal(error)
        raise AssertionError(f"not refused: {answer}")

    async def raw(self, method: str, sent: bytes, timeout_s: float = 20.0) -> bytes:
        """A unary call with bytes as they are."""
        path = f"/docaxis.gateway.v1.Gateway/{method}"
        channel: Any = self.channel
        answer: bytes = await channel.unary_unary(path)(
            sent, metadata=self.metadata(), timeout=timeout_s
        )
        return answer

    async def upload(
        self, upload_id: str, digest: str, pieces: Sequence[bytes], system: FakeSystem | None = None
    ) -> pb.Upload:
        async def sent() -> AsyncIterator[pb.UploadFileRequest]:
            yield pb.UploadFileRequest(start=pb.UploadStart(upload_id=upload_id, digest=digest))
            for piece in pieces:
                yield pb.UploadFileRequest(piece=piece)

        reply: pb.Upload = await self.stub.UploadFile(
            sent(), metadata=self.metadata(system), timeout=20
        )
        return reply

    async def download(
        self, request: pb.DownloadFileRequest, system: FakeSystem | None = None
    ) -> tuple[pb.FileStart, bytes]:
        start, content = pb.FileStart(), bytearray()
        async for each in self.stub.DownloadFile(
            request, metadata=self.metadata(system), timeout=20
        ):
            if each.HasField("start"):
                start = each.start
            content += each.piece
        return start, bytes(content)


@asynccontextmanager
async def rpc_of(world: World, **changes: Any) -> AsyncIterator[Rpc]:
    """Serve the world's gateway over gRPC."""
    settings = replace(world.gateway.settings, **changes)
    server = PublicGrpcServer(
        make_app(world.gateway), settings, world.gateway.health, world.gateway.stopping
    )
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
    try:
        yield Rpc(world, server, channel, GatewayStub(channel))
    finally:
        await channel.close()
        await server.stop()


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never was"
        await asyncio.sleep(0.01)
