"""A stream over an in-process twin and over real gRPC: nobody can tell which it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem, Unavailable
from docaxis_proto import notification_v1_pb2 as pb
from docaxis_proto.notification_v1_pb2_grpc import (
    NotificationServicer,
    NotificationStub,
    add_NotificationServicer_to_server,
)
from docaxis_runtime.call_context import CallContext, calling, current_call
from docaxis_runtime.grpc_client import Connection, twin
from docaxis_runtime.grpc_server import GrpcServer


class Servicer(NotificationServicer):
    """Streams what the cursor says."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.made = 0

    async def WatchEvents(self, request: Any, context: Any) -> AsyncIterator[pb.EventsPage]:
        try:
            match request.cursor:
                case "refuse":
                    problem = FieldProblem("/cursor", "cursor_invalid")
                    raise DocaxisError("cursor_invalid", fields=(problem,))
                case "fail later":
                    yield pb.EventsPage(cursor="1")
                    raise RuntimeError("password=hunter2")
                case "away":
                    raise Unavailable("the disk at /var/lib is full")
                case "end":
                    yield pb.EventsPage(cursor="1")
                case "who":
                    for _ in range(2):
                        yield pb.EventsPage(cursor=current_call().request_id)
                case _:
                    while True:
                        self.made += 1
                        yield pb.EventsPage(cursor="x" * 10_000)
        finally:
            self.ended.set()


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()  # type: ignore[abstract]


@pytest.fixture(params=["twin", "unix"])
async def client(
    request: pytest.FixtureRequest, servicer: Servicer, tmp_path: Path
) -> AsyncIterator[Any]:
    if request.param == "twin":
        yield twin(servicer, NotificationStub)
        return
    address = f"unix:{tmp_path}/n.sock"
    register = (add_NotificationServicer_to_server, servicer)
    server = GrpcServer("notification", address, [register], grace_s=0.2)
    await server.start()
    connection = Connection(address)
    yield connection.client(NotificationStub)
    await connection.close()
    await server.stop()


def watch(client: Any, cursor: str) -> Any:
    return aclosing(cast(Any, client.WatchEvents(pb.WatchEventsRequest(cursor=cursor))))


async def cursors(client: Any, cursor: str) -> list[str]:
    async with watch(client, cursor) as pages:
        return [page.cursor async for page in pages]


async def test_a_stream_ends_where_its_servicer_ends_it(client: Any) -> None:
    assert await cursors(client, "end") == ["1"]


async def test_the_callers_context_goes_along(client: Any) -> None:
    with calling(CallContext("request-1", "")):
        assert await cursors(client, "who") == ["request-1"] * 2


@pytest.mark.parametrize(
    ("cursor", "code"),
    [("refuse", "cursor_invalid"), ("fail later", "internal"), ("away", "unavailable")],
)
async def test_a_refusal_is_the_same_error(client: Any, cursor: str, code: str) -> None:
    with pytest.raises(DocaxisError) as refused:
        await cursors(client, cursor)
    assert refused.value.code == code
    assert "hunter2" not in repr(refused.value)
    if cursor == "refuse":
        assert refused.value.fields[0].pointer == "/cursor"


async def test_who_leaves_ends_it_and_who_is_slow_is_waited_for(
    client: Any, servicer: Servicer
) -> None:
    async with watch(client, "") as pages:
        await anext(pages)
        await asyncio.sleep(0.3)
        made = servicer.made
        await asyncio.sleep(0.3)
        assert servicer.made == made < 5_000, "no page is made that nobody takes"
    async with asyncio.timeout(5):
        await servicer.ended.wait()


async def test_a_service_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    connection = Connection(f"unix:{tmp_path}/nobody.sock")
    with pytest.raises(DocaxisError) as refused:
        await cursors(connection.client(NotificationStub), "end")
    assert refused.value.code == "unavailable"
    await connection.close()


async def test_a_connection_that_is_closed_under_a_stream_makes_it_unavailable(
    servicer: Servicer, tmp_path: Path
) -> None:
    address = f"unix:{tmp_path}/n.sock"
    register = (add_NotificationServicer_to_server, servicer)
    server = GrpcServer("notification", address, [register], grace_s=0.1)
    await server.start()
    connection = Connection(address)
    async with watch(connection.client(NotificationStub), "") as pages:
        await anext(pages)
        await server.stop()
        with pytest.raises(DocaxisError) as refused:
            while True:
                await anext(pages)
        assert refused.value.code == "unavailable"
    await connection.close()
