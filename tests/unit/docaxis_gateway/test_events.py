"""The live stream over HTTP: what is on the wire, and each way in which it ends."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import event_stream
from docaxis_gateway.settings import GatewaySettings
from docaxis_proto import notification_v1_pb2 as notification
from docaxis_proto.notification_v1_pb2_grpc import NotificationStub
from docaxis_runtime.grpc_client import twin
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.fake_notification import FakeNotification
from tests.unit.docaxis_gateway.fake_registry import NOW_MS, organisation_id


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(port=0, stop_grace_s=1, stream_stalled_s=0.3, stream_heartbeat_s=1)


@pytest.fixture
def fake(world: World) -> FakeNotification:
    fake = FakeNotification()
    services = replace(world.gateway.services, notification=twin(fake, NotificationStub))
    world.gateway.services = services
    return fake


def page(cursor: str, *numbers: int, restarted: bool = False) -> notification.EventsPage:
    events = [
        notification.PublicEvent(
            event_id=f"e{number}",
            event_type="delivery.ready",
            organisation_id="o",
            document_id="d",
            delivery_id=f"v{number}",
            occurred_at=NOW_MS,
            cursor=f"c{number}",
        )
        for number in numbers
    ]
    return notification.EventsPage(events=events, cursor=cursor, restarted=restarted)


@asynccontextmanager
async def stream(
    world: World, headers: dict[str, str] | None = None, **query: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    sent = {**world.bearer(world.receiver), **(headers or {})}
    async with world.http.get(f"{world.base}/events", params=query, headers=sent) as answer:
        assert answer.status == 200, await answer.text()
        yield answer


async def lines_until(answer: aiohttp.ClientResponse, last: str) -> str:
    text = ""
    async with asyncio.timeout(10):
        while last not in text:
            text += (await answer.content.readline()).decode()
    return text


async def test_events_are_lines_as_the_standard_says(world: World, fake: FakeNotification) -> None:
    fake.pages = [[page("c0", restarted=True), page("c9", 1, 2)]]
    async with stream(world, type="delivery.ready", organisation="H29", cursor="old") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        text = await lines_until(answer, "id: c9\n")
    head, _, rest = text.partition("\n")
    restarted, _, first, second, sign = rest.split("\n\n")
    assert head == "retry: 1000"
    assert restarted == "event: restarted\nid: c0\ndata: {}"
    id_line, data_line = first.split("\n")
    assert id_line == "id: c1"
    assert json.loads(data_line.removeprefix("data: ")) == {
        "id": "e1",
        "type": "delivery.ready",
        "timestamp": "2026-11-18T11:06:40.123Z",
        "data": {"organisation_id": "o", "document_id": "d", "delivery_id": "v1"},
    }
    assert second.startswith("id: c2\n")
    assert sign.startswith(": \nid: c9")
    (asked,) = fake.watched
    assert list(asked.organisation_ids) == [organisation_id("H29")]
    assert (list(asked.event_types), asked.cursor) == (["delivery.ready"], "old")


async def test_the_last_id_counts_more_than_the_cursor(
    world: World, fake: FakeNotification
) -> None:
    fake.pages = [[page("c0")]]
    async with stream(world, {"Last-Event-ID": "new"}, cursor="old") as answer:
        await lines_until(answer, "id: c0\n")
    assert fake.watched[0].cursor == "new"
    assert set(fake.watched[0].organisation_ids) == {organisation_id("H01"), organisation_id("H29")}


async def test_rule_E4_a_service_that_goes_away_is_asked_again_from_the_cursor(
    world: World, fake: FakeNotification
) -> None:
    away = DocaxisError("unavailable", retry_after_s=1.0)
    fake.pages = [[page("c0"), page("c1", 1), away], [away], [page("c1"), page("c9", 2)]]
    async with stream(world) as answer:
        text = await lines_until(answer, "id: c9\n")
    assert text.count("data: ") == 2
    assert [each.cursor for each in fake.watched] == ["", "c1", "c1"]


async def test_what_cannot_be_had_is_a_problem_and_no_empty_stream(
    world: World, fake: FakeNotification
) -> None:
    for code, status in (("unavailable", 503), ("busy", 429), ("cursor_invalid", 400)):
        fake.pages = [[DocaxisError(code)]]
        answer, problem, _ = await world.call("GET", "/events", world.receiver)
        assert (answer, problem["code"]) == (status, code)


async def test_rule_E2_a_locked_system_is_told_nothing_more(
    world: World, fake: FakeNotification
) -> None:
    locked = asyncio.Event()

    async def watch(request: Any, context: Any) -> AsyncIterator[notification.EventsPage]:
        yield page("c0")
        await locked.wait()
        yield page("c1", 1)

    fake.WatchEvents = watch  # type: ignore[method-assign]
    services = replace(world.gateway.services, notification=twin(fake, NotificationStub))
    world.gateway.services = services
    async with stream(world) as answer:
        await lines_until(answer, "id: c0\n")
        await world.lock(world.receiver)
        locked.set()
        async with asyncio.timeout(10):
            assert b"e1" not in await answer.content.read()


@pytest.mark.parametrize("how", ["stop", "age"])
async def test_rule_E3_a_stream_ends_cleanly(
    world: World, fake: FakeNotification, how: str
) -> None:
    if how == "age":
        world.gateway.settings = replace(world.gateway.settings, stream_longest_s=0.3)
    fake.pages = [[page("c0")]]
    async with stream(world) as answer:
        await lines_until(answer, "id: c0\n")
        if how == "stop":
            world.gateway.stopping.set()
        async with asyncio.timeout(10):
            await answer.content.read()  # raises where it was cut


async def test_rule_E1_who_takes_nothing_is_cut_and_holds_nothing(
    world: World, fake: FakeNotification
) -> None:
    made = 0

    async def flood(request: Any, context: Any) -> AsyncIterator[notification.EventsPage]:
        nonlocal made
        while True:
            made += 1
            yield page("c0", *range(500))

    fake.WatchEvents = flood  # type: ignore[method-assign]
    services = replace(world.gateway.services, notification=twin(fake, NotificationStub))
    world.gateway.services = services
    bearer = world.bearer(world.receiver)["Authorization"]
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", world.port))
    reader.setblocking(False)
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(reader, request.encode())
    began = time.monotonic()
    before = -1
    while before != made or made == 0:
        assert time.monotonic() - began < 20
        before = made
        await asyncio.sleep(1.0)  # longer than `stream_stalled_s`
    assert made < 500, "it was not read without bound"
    assert world.gateway.in_flight._all == 0, "its place is free again"
    with pytest.raises(ConnectionError):
        while await asyncio.get_running_loop().sock_recv(reader, 65_536):
            continue
        raise ConnectionError("closed")
    reader.close()


async def test_many_times_asked_in_vain_it_is_left_to_the_client(
    world: World, fake: FakeNotification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "_PATIENCE", 2)
    away = DocaxisError("unavailable")
    fake.pages = [[page("c0"), away], [away], [away], [page("c5", 5)]]
    async with stream(world) as answer:
        async with asyncio.timeout(20):
            text = await answer.content.read()
    assert b"e5" not in text
