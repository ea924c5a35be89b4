"""Streams: pages without end that skip nothing, and calls that are given up free what they held."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.public_grpc import watching
from docaxis_proto import gateway_v1_pb2 as pb
from docaxis_proto import routing_v1_pb2
from docaxis_proto.routing_v1_pb2_grpc import RoutingServicer, RoutingStub
from docaxis_runtime.grpc_client import twin
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.fake_registry import NOW_MS, organisation_id
from tests.unit.docaxis_gateway.public_grpc import Rpc, refusal, rpc_of, until


@dataclass
class Mailbox(RoutingServicer):
    """An inbox whose cursor is a number, and which waits for news."""

    deliveries: list[str] = field(default_factory=list)
    waiting: int = 0
    asked: list[routing_v1_pb2.GetInboxRequest] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, *deliveries: str) -> None:
        self.deliveries += deliveries
        self.news.set()
        self.news = asyncio.Event()

    async def GetInbox(self, request: Any, context: Any) -> routing_v1_pb2.GetInboxReply:
        self.asked.append(request)
        start = int(request.cursor or 0)
        if start >= len(self.deliveries) and request.wait_s:
            self.waiting += 1
            try:
                async with asyncio.timeout(request.wait_s):
                    await self.news.wait()
            except TimeoutError:
                pass
            finally:
                self.waiting -= 1
        found = self.deliveries[start : start + request.limit]
        return routing_v1_pb2.GetInboxReply(
            deliveries=[
                routing_v1_pb2.Delivery(
                    delivery_id=each, code="H29", organisation_id=organisation_id("H29"),
                    state="ready", ready_at=NOW_MS,
                )
                for each in found
            ],
            next=str(start + len(found)),
        )  # fmt: skip


@pytest.fixture
def mailbox(world: World) -> Mailbox:
    made = Mailbox()  # type: ignore[abstract]
    world.gateway.services = replace(world.gateway.services, routing=twin(made, RoutingStub))
    return made


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[Rpc]:
    async with rpc_of(world) as made:
        yield made


class Watcher:
    """Reads a stream in the background, as a client that keeps its cursor."""

    def __init__(self, rpc: Rpc, cursor: str = "", limit: int = 2, system: Any = None) -> None:
        self.ids: list[str] = []
        self.sizes: list[int] = []
        self.cursor = cursor
        self.ended: grpc.aio.AioRpcError | None = None
        request = pb.WatchInboxRequest(cursor=cursor, limit=limit)
        metadata = rpc.metadata(system or rpc.world.receiver)
        self.call = rpc.stub.WatchInbox(request, metadata=metadata)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for page in self.call:
                self.ids += [each.delivery_id for each in page.items]
                self.sizes.append(len(page.items))
                self.cursor = page.next
        except grpc.aio.AioRpcError as error:
            self.ended = error


async def test_a_watch_brings_all_that_is_open_and_then_the_news(
    rpc: Rpc, mailbox: Mailbox
) -> None:
    mailbox.add("1", "2", "3", "4", "5")
    watcher = Watcher(rpc)
    await until(lambda: len(watcher.ids) == 5)
    assert watcher.sizes == [2, 2, 1]
    await until(lambda: mailbox.waiting == 1)
    for number in range(6, 30):
        mailbox.add(str(number))
        await asyncio.sleep(0)
    await until(lambda: len(watcher.ids) == 29)
    assert watcher.ids == [str(number) for number in range(1, 30)]
    watcher.call.cancel()
    await until(lambda: mailbox.waiting == 0)


async def test_whoever_comes_again_with_the_cursor_has_skipped_nothing(
    rpc: Rpc, mailbox: Mailbox
) -> None:
    received: list[str] = []
    cursor = ""
    for round_ in range(5):
        mailbox.add(*(f"{round_}-{number}" for number in range(3)))
        watcher = Watcher(rpc, cursor)
        await until(lambda watcher=watcher: len(watcher.ids) >= 3)
        watcher.call.cancel()
        await asyncio.gather(watcher.task, return_exceptions=True)
        received += watcher.ids
        cursor = watcher.cursor
    assert received == mailbox.deliveries


async def test_an_empty_inbox_is_told_once_with_its_cursor(rpc: Rpc, mailbox: Mailbox) -> None:
    watcher = Watcher(rpc)
    await until(lambda: watcher.sizes == [0])
    assert watcher.cursor == "0"
    await until(lambda: mailbox.waiting == 1)
    assert mailbox.asked[-1].wait_s == watching.LONGEST_WAIT_S
    watcher.call.cancel()


async def test_quiet_rounds_write_nothing(
    rpc: Rpc, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LONGEST_WAIT_S", 0.02)
    watcher = Watcher(rpc)
    await until(lambda: len(mailbox.asked) > 5)
    assert watcher.sizes == [0]
    mailbox.add("1")
    await until(lambda: watcher.ids == ["1"])
    watcher.call.cancel()


async def test_a_lock_ends_a_watch_with_its_code(world: World, rpc: Rpc, mailbox: Mailbox) -> None:
    watcher = Watcher(rpc)
    await until(lambda: mailbox.waiting == 1)
    await world.lock(world.receiver)
    mailbox.add("secret")
    await until(lambda: watcher.ended is not None)
    assert watcher.ended is not None
    assert refusal(watcher.ended).code == "system_locked"
    assert watcher.ids == []


async def test_a_stop_ends_watches_at_once_and_says_come_again(
    world: World, rpc: Rpc, mailbox: Mailbox
) -> None:
    watcher = Watcher(rpc)
    await until(lambda: mailbox.waiting == 1)
    began = asyncio.get_running_loop().time()
    await rpc.server.stop()
    assert asyncio.get_running_loop().time() - began < 1.0
    await until(lambda: watcher.ended is not None)
    assert watcher.ended is not None
    told = refusal(watcher.ended)
    assert (told.grpc, told.code, told.retry_s) == ("UNAVAILABLE", "unavailable", 1.0)


async def test_a_cancelled_long_poll_frees_what_it_held(rpc: Rpc, mailbox: Mailbox) -> None:
    request = pb.GetInboxRequest(cursor="0", wait=50)
    call = rpc.stub.GetInbox(request, metadata=rpc.metadata(rpc.world.receiver))
    await until(lambda: mailbox.waiting == 1)
    call.cancel()
    await until(lambda: mailbox.waiting == 0)
    await until(lambda: in_flight(rpc.world) == 0)


async def test_a_deadline_that_passes_frees_what_was_held(rpc: Rpc, mailbox: Mailbox) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await rpc.call(
            "GetInbox", pb.GetInboxRequest(cursor="0", wait=50), rpc.world.receiver, timeout_s=0.3
        )
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: mailbox.waiting == 0)
    await until(lambda: in_flight(rpc.world) == 0)


def in_flight(world: World) -> int:
    count: int = world.gateway.in_flight._all
    return count + sum(world.gateway.in_flight._by_system.values())


async def test_a_long_poll_and_a_request_of_rest_are_counted_together(
    world: World, mailbox: Mailbox
) -> None:
    world.gateway.in_flight._limit_per_system = 3
    async with rpc_of(world, max_requests_per_system=3) as rpc:
        polls = [
            asyncio.create_task(
                rpc.call("GetInbox", pb.GetInboxRequest(cursor="0", wait=50), world.receiver)
            )
            for _ in range(3)
        ]
        await until(lambda: mailbox.waiting == 3)
        refused = await rpc.refused("GetInbox", pb.GetInboxRequest(), world.receiver)
        assert (refused.grpc, refused.code) == ("RESOURCE_EXHAUSTED", "busy")
        assert refused.retry_s == 1.0
        status, _, headers = await world.call("GET", "/inbox", world.receiver)
        assert (status, headers["Retry-After"]) == (429, "1")
        assert (await rpc.call("GetMe", pb.GetMeRequest(), world.sender)).system_id
        mailbox.add("1")
        for poll in polls:
            assert [each.delivery_id for each in (await poll).items] == ["1"]


async def test_a_system_has_a_number_of_streams(world: World, mailbox: Mailbox) -> None:
    async with rpc_of(world, max_requests_per_system=2) as rpc:
        first = [Watcher(rpc), Watcher(rpc)]
        await until(lambda: mailbox.waiting == 2)
        third = Watcher(rpc)
        await until(lambda: third.ended is not None)
        assert third.ended is not None
        assert refusal(third.ended).code == "busy"
        first[0].call.cancel()
        await until(lambda: mailbox.waiting == 1)
        fourth = Watcher(rpc)
        await until(lambda: mailbox.waiting == 2)
        for each in (first[1], fourth):
            each.call.cancel()


async def test_an_upload_that_is_cut_leaves_nothing(world: World, rpc: Rpc) -> None:
    began = asyncio.Event()

    async def sent() -> AsyncIterator[pb.UploadFileRequest]:
        digest = hashlib.sha256(b"whole").hexdigest()
        yield pb.UploadFileRequest(start=pb.UploadStart(upload_id=new_id(), digest=digest))
        yield pb.UploadFileRequest(piece=b"who")
        began.set()
        await asyncio.Event().wait()

    call = rpc.stub.UploadFile(sent(), metadata=rpc.metadata())
    await began.wait()
    await until(lambda: in_flight(world) > 0)
    call.cancel()
    await until(lambda: in_flight(world) == 0)
    await until(lambda: world.staged() == [])


async def test_an_upload_that_stands_still_is_given_up(world: World) -> None:
    world.gateway.settings = replace(world.gateway.settings, body_idle_s=0.3)

    async def sent() -> AsyncIterator[pb.UploadFileRequest]:
        yield pb.UploadFileRequest(start=pb.UploadStart(upload_id=new_id(), digest="0" * 64))
        yield pb.UploadFileRequest(piece=b"a byte")
        await asyncio.Event().wait()

    async with rpc_of(world) as rpc:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await rpc.stub.UploadFile(sent(), metadata=rpc.metadata(), timeout=20)
        told = refusal(raised.value)
        assert (told.grpc, told.code) == ("DEADLINE_EXCEEDED", "request_timed_out")
        await until(lambda: in_flight(world) == 0)
    await until(lambda: world.staged() == [])


async def test_a_download_goes_no_faster_than_its_reader_and_ends_with_it(
    world: World, rpc: Rpc, document: Any
) -> None:
    content = bytes(8 * 1024 * 1024)
    digest, upload_id = hashlib.sha256(content).hexdigest(), new_id()
    size = 1024 * 1024
    await rpc.upload(
        upload_id, digest, [content[at : at + size] for at in range(0, 8 * size, size)]
    )
    file = {"name": "0.bin", "media_type": "application/x-zeroes", "upload": upload_id}
    sent = await rpc.call(
        "SubmitDocument", ParseDict({**document, "files": [file]}, pb.SubmitDocumentRequest())
    )
    asked = pb.DownloadFileRequest(document_id=sent.id, digest=digest)
    call = rpc.stub.DownloadFile(asked, metadata=rpc.metadata())
    assert (await call.read()).start.size == len(content)
    await call.read()
    await asyncio.sleep(0.3)
    assert in_flight(world) > 0  # it waits for its reader
    call.cancel()
    await until(lambda: in_flight(world) == 0)
    received = await rpc.download(asked)
    assert hashlib.sha256(received[1]).hexdigest() == digest
