"""`WatchInbox`: the inbox as a stream, by a cursor that never skips; over a twin and real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_proto.routing_v1_pb2_grpc import RoutingStub, add_RoutingServicer_to_server
from docaxis_runtime.grpc_client import Connection, twin
from docaxis_runtime.grpc_server import GrpcServer
from tests.unit.docaxis_routing.running_routing import Running, running

__all__ = ["running"]  # the fixture
WITHIN_S = 60.0


@asynccontextmanager
async def client_of(axis: Running, kind: str, folder: Path) -> AsyncIterator[Any]:
    """Routing's methods, in process or over a socket."""
    if kind == "twin":
        yield in_process(axis)
        return
    address = f"unix:{folder / 'routing.sock'}"
    server = GrpcServer("routing", address, [(add_RoutingServicer_to_server, axis.rpc)], grace_s=0)
    await server.start()
    connection = Connection(address)
    try:
        yield connection.client(RoutingStub)
    finally:
        await connection.close()
        await server.stop()


def in_process(axis: Running) -> Any:
    """Routing's methods called in this process."""
    return twin(axis.rpc, RoutingStub)


def asked(axis: Running, *codes: str, **fields: Any) -> pb.GetInboxRequest:
    organisations = [axis.organisations[code] for code in codes]
    return pb.GetInboxRequest(organisation_ids=organisations, **fields)


async def take(
    replies: AsyncIterator[pb.GetInboxReply], count: int, seen: Callable[[str], None]
) -> list[str]:
    """The documents of the next so many deliveries; `seen` is told each cursor."""
    found: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while len(found) < count:
            reply = await anext(replies)
            found += [each.document_id for each in reply.deliveries]
            seen(reply.next)
    return found


@pytest.mark.parametrize("kind", ["twin", "remote"])
async def test_a_watch_tells_all_that_is_open_then_what_comes_and_resumes_without_a_gap(
    running: Running, kind: str, tmp_path: Path
) -> None:
    sent = [(await running.submit("H26", sender_document_id=f"d{n}")).document_id for n in range(3)]
    cursors: list[str] = []
    async with client_of(running, kind, tmp_path) as routing:
        async with aclosing(routing.WatchInbox(asked(running, "H26", limit=2))) as replies:
            assert await take(replies, 3, cursors.append) == sent
            more = (await running.submit("H26", sender_document_id="d3")).document_id
            assert await take(replies, 1, cursors.append) == [more]
        # Cut here: what came meanwhile is told behind the last cursor, and nothing twice.
        missed = [
            (await running.submit("H26", "H27", sender_document_id=f"d{n}")).document_id
            for n in range(4, 7)
        ]
        resumed = asked(running, "H26", cursor=cursors[-1])
        async with aclosing(routing.WatchInbox(resumed)) as replies:
            assert await take(replies, 3, cursors.append) == missed
        # An organisation that is newly served is told from its start.
        resumed = asked(running, "H26", "H27", cursor=cursors[-1])
        async with aclosing(routing.WatchInbox(resumed)) as replies:
            assert await take(replies, 3, cursors.append) == missed


async def test_a_watch_says_now_and_then_that_it_lives(running: Running) -> None:
    async with aclosing(
        in_process(running).WatchInbox(asked(running, "H26", wait_s=0.05))
    ) as replies:
        for _ in range(2):
            async with asyncio.timeout(WITHIN_S):
                reply = await anext(replies)
            assert (list(reply.deliveries), bool(reply.next)) == ([], True)


@pytest.mark.parametrize("kind", ["twin", "remote"])
async def test_a_watch_refuses_a_hostile_cursor(
    running: Running, kind: str, tmp_path: Path
) -> None:
    async with client_of(running, kind, tmp_path) as routing:
        for fields in ({"cursor": "x" * 100}, {"limit": 501}, {"wait_s": 51.0}):
            with pytest.raises(DocaxisError) as caught:
                async with aclosing(routing.WatchInbox(asked(running, "H26", **fields))) as replies:
                    await anext(replies)
            assert caught.value.code in ("cursor_invalid", "limit_invalid")
