"""The live stream on the client's side: messages read as WHATWG says, cuts taken up."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from docaxis_client import sync
from docaxis_client.client import DocaxisClient
from docaxis_client.errors import DocaxisClientError, ProblemError
from docaxis_client.watching import RESTARTED, Event, Message, messages
from tests.unit.docaxis_client.sample_axis import SampleAxis


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(*chunks: bytes) -> list[Message]:
    return [each async for each in messages(chunked(*chunks))]


async def test_messages_are_read_as_the_standard_says() -> None:
    text = (
        b"\xef\xbb\xbf: hello\nretry: 10\nid: 1\ndata: a\ndata:b\n\nevent: x\ndata\n\n: \nid: 2\n\n"
    )
    assert await read(text) == [
        Message("", "1", "a\nb"),
        Message("x", "1", ""),
        Message("", "2", ""),
    ]
    assert await read(b"id: 1\0\ndata: a\n\ndata: cut off\n") == [Message("", "", "a")]


@given(st.integers(1, 7), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_it_does_not_matter_where_a_stream_is_cut_into_chunks(size: int, end: bytes) -> None:
    import asyncio

    text = "id: ü1\ndata: đường\n\n: \nid: 2\n\ndata: {}\n\n".encode().replace(b"\n", end) + b"x"
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert asyncio.run(read(*chunks)) == asyncio.run(read(text))
    assert len(asyncio.run(read(text))) == 3


async def test_a_line_without_end_is_an_error() -> None:
    with pytest.raises(DocaxisClientError):
        await read(*[b"data: " + b"x" * 500_000] * 3)


def told(number: int) -> bytes:
    return (
        f'id: c{number}\ndata: {{"id":"e{number}","type":"delivery.ready",'
        f'"timestamp":"2026-11-27T01:02:03.004Z","data":{{"delivery_id":"v{number}"}},"new":1}}\n\n'
    ).encode()


async def stream_on(axis: SampleAxis, parts: list[Any], asked: list[Any]) -> web.AppRunner:
    """A small axis whose stream gives these parts, one connection after the other."""

    async def events(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("Last-Event-ID"), request.query_string))
        part = parts.pop(0)
        if isinstance(part, web.Response):
            return part
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(part)
        if part.endswith(b"CUT"):
            assert request.transport is not None
            request.transport.abort()
        return response

    async def token(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 300})

    app = web.Application()
    app.router.add_get("/api/v1/events", events)
    app.router.add_post("/api/v1/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    axis.url = f"http://{host}:{port}"
    return runner


async def test_a_stream_that_is_cut_goes_on_behind_its_last_event(axis: SampleAxis) -> None:
    asked: list[Any] = []
    parts = [
        told(1) + told(2),
        told(3) + b"data: half of itCUT",
        web.Response(status=503, headers={"Retry-After": "0"}),
        b": \nid: c9\n\n",
        b"event: restarted\nid: d1\ndata: {}\n\n" + told(4),
    ]
    credentials = axis.new_system("H26")
    runner = await stream_on(axis, parts, asked)
    async with DocaxisClient(axis.url, credentials) as client:
        found: list[Event] = []
        stream = client.events(types=["a", "b"], organisations=["H26"], cursor="c0")
        async with aclosing(stream):
            async for event in stream:
                found.append(event)
                if event.id == "e4":
                    break
    await runner.cleanup()
    assert [(each.id, each.cursor) for each in found] == [
        ("e1", "c1"),
        ("e2", "c2"),
        ("e3", "c3"),
        ("", "d1"),
        ("e4", "c4"),
    ]
    assert found[3].type == RESTARTED
    assert found[0].data.delivery_id == "v1"
    assert [last for last, _ in asked] == ["c0", "c2", "c3", "c3", "c9"]
    assert {query for _, query in asked} == {"type=a&type=b&organisation=H26"}


async def test_a_refusal_is_an_error_and_not_asked_again(axis: SampleAxis) -> None:
    asked: list[Any] = []
    refusal = web.json_response({"code": "cursor_invalid"}, status=400)
    credentials = axis.new_system("H26")
    runner = await stream_on(axis, [refusal], asked)
    async with DocaxisClient(axis.url, credentials) as client:
        with pytest.raises(ProblemError) as refused:
            await anext(client.events(cursor="?"))
    await runner.cleanup()
    assert refused.value.code == "cursor_invalid"
    assert len(asked) == 1


async def test_the_same_without_an_event_loop(axis: SampleAxis) -> None:
    import asyncio

    asked: list[Any] = []
    credentials = axis.new_system("H26")
    runner = await stream_on(axis, [told(1), told(2), told(3)], asked)

    def follow() -> list[str]:
        with sync.DocaxisClient(axis.url, credentials) as client:
            found = []
            for event in client.events():
                found.append(event.id)
                if len(found) == 2:
                    return found
        return found

    assert await asyncio.to_thread(follow) == ["e1", "e2"]
    await runner.cleanup()
