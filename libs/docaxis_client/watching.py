"""The live stream: what happens, as it happens; cut connections are taken up where they ended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp
import msgspec

from docaxis_client.calls import Calls
from docaxis_client.errors import DocaxisClientError
from docaxis_client.models import Answer
from docaxis_client.transport import TRANSIENT, Request

RESTARTED = "restarted"
"""Type of the event that tells: the axis was restored, read inbox and timelines once."""
_LONGEST_LINE = 1024 * 1024
_PAUSE_S = 0.5


class EventIds(Answer, frozen=True, kw_only=True):
    """What an event is about."""

    organisation_id: str = ""
    document_id: str = ""
    delivery_id: str = ""


class Event(Answer, frozen=True, kw_only=True):
    """Something that happened. Store `cursor` once it is worked off, and resume behind it."""

    id: str = ""
    type: str = ""
    timestamp: datetime | None = None
    data: EventIds = EventIds()
    cursor: str = ""


class Message(NamedTuple):
    """One message of a stream of Server-Sent Events; `id` is the last one that was told."""

    event: str
    id: str
    data: str


class Watching(Calls):
    """Following what happens to the organisations that the system serves."""

    async def events(
        self,
        *,
        types: Sequence[str] = (),
        organisations: Sequence[str] = (),
        cursor: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Follow what happens for ever: from now on, or from behind a cursor.

        Nothing is skipped, whichever connection or process goes on from a cursor. An event with
        the type `RESTARTED` and no ids tells that the axis was restored from a copy. Raises
        `ProblemError`, and `AxisUnavailable` where the axis stays away.
        """
        query = urlencode(
            [("type", each) for each in types] + [("organisation", each) for each in organisations]
        )
        path = f"/events?{query}" if query else "/events"
        at = cursor or ""
        while True:
            heard = False
            try:
                async with await self._open_stream(path, at) as response:
                    async for message in messages(response.value.content.iter_any()):
                        heard = True
                        at = message.id or at
                        if event := _event(message):
                            yield event
            except TRANSIENT:
                heard = False
            if not heard:
                await asyncio.sleep(_PAUSE_S)

    async def _open_stream(self, path: str, at: str) -> "_Opened":
        headers = {"Accept": "text/event-stream"}
        if at:
            headers["Last-Event-ID"] = at

        async def attempt() -> _Opened:
            stack = AsyncExitStack()
            request = Request("GET", path, headers)
            response = await stack.enter_async_context(self._transport.open(request))
            return _Opened(response, stack)

        try:
            return await attempt()
        except TRANSIENT as failure:
            return await self._transport.again(attempt, failure)


class _Opened:
    """An answer that is being read, closed at the end of an `async with`."""

    def __init__(self, value: aiohttp.ClientResponse, stack: AsyncExitStack) -> None:
        self.value = value
        self._stack = stack

    async def __aenter__(self) -> "_Opened":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.value.close()  # what is unread is not waited for: it has no end
        await self._stack.aclose()


async def messages(chunks: AsyncIterable[bytes]) -> AsyncIterator[Message]:
    """Read a stream of Server-Sent Events (WHATWG HTML, 9.2.6), messages without data too.

    Those move the last id alone. Raises `DocaxisClientError` for a line without end.
    """
    event, last_id = "", ""
    data: list[str] = []
    async for line in _lines(chunks):
        if not line:
            yield Message(event, last_id, "\n".join(data))
            event, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                event = value
            case "id" if "\0" not in value:
                last_id = value
            case "data":
                data.append(value)


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Lines end with CR LF, LF or CR; one that is cut by the stream's end is no line."""
    rest = b""
    first = True
    async for chunk in chunks:
        rest += chunk
        if first:
            if len(rest) < 3 and b"\xef\xbb\xbf".startswith(rest):
                continue
            rest, first = rest.removeprefix(b"\xef\xbb\xbf"), False
        # A CR at the very end may be half of a CR LF: it waits for the next chunk.
        held = rest[-1:] == b"\r"
        whole = (rest[:-1] if held else rest).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        rest += b"\r" if held else b""
        if len(rest) > _LONGEST_LINE:
            raise DocaxisClientError("the axis sent a line without end")
        for line in lines:
            yield line.decode("utf-8", "replace")


def _event(message: Message) -> Event | None:
    if message.event == RESTARTED:
        return Event(type=RESTARTED, cursor=message.id)
    if not message.data or message.event not in ("", "message"):
        return None
    content: Mapping[str, object] = msgspec.json.decode(message.data)
    return msgspec.convert({**content, "cursor": message.id}, Event, strict=False)
