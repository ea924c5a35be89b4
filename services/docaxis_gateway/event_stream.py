"""A live stream as an HTTP answer: Server-Sent Events (WHATWG HTML, 9.2), written as they come.

- E1 Whoever reads slowly is waited for; who takes nothing for a while is cut, and resumes from the
  last id that came. No more than one page is held for anybody.
- E2 Before each page it is asked whether the caller may still have it (G4); if not, it ends.
- E3 It ends by itself after a while, and at once where the process stops: a client comes back, with
  a fresh token, to whichever replica there is.
- E4 Where the service behind ends or goes away, the stream goes on from its cursor with the next.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any, cast

import msgspec
import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.answers import moment
from docaxis_gateway.authentication import Caller
from docaxis_gateway.http_protocol import ABORT
from docaxis_proto import notification_v1_pb2

Pages = AsyncGenerator[notification_v1_pb2.EventsPage, None]

_PATIENCE = 8
"""How often in a row a stream is asked for again before its client is left to do so."""
_RETRY_MS = 1000
_AWAY = ("unavailable", "busy", "deadline_exceeded")

_log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder()


async def resumed_pages(
    caller: Caller, request_from: Callable[[str], notification_v1_pb2.WatchEventsRequest]
) -> Pages:
    """The service's pages, asked for again from where they ended (E4).

    Raises `DocaxisError` where the first page does not come, or a later one never may.
    """
    cursor, failures = "", 0
    while True:
        replies = cast(Any, caller.services.notification.WatchEvents(request_from(cursor)))
        try:
            async with aclosing(replies):
                async for page in replies:
                    cursor, failures = page.cursor, 0
                    yield page
        except DocaxisError as error:
            if not cursor or error.code not in _AWAY:
                raise
        failures += 1
        if failures > _PATIENCE:
            return
        await asyncio.sleep(min(0.05 * 2**failures, 3.0))


class EventStream(Response):
    """Writes pages until one of the rules ends it."""

    media_type = "text/event-stream"

    def __init__(self, caller: Caller, first: notification_v1_pb2.EventsPage, pages: Pages) -> None:
        """`first` came already: what cannot be had is told by a problem, not by an empty stream."""
        super().__init__(
            b"",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type=self.media_type,
        )
        del self.headers["content-length"]
        self._caller = caller
        self._first = first
        self._pages = pages
        settings = caller.gateway.settings
        self._stalled_s = settings.stream_stalled_s
        # Spread, so that streams that began together do not come back together.
        self._longest_s = settings.stream_longest_s * random.uniform(0.8, 1.0)  # noqa: S311

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        writing = asyncio.ensure_future(self._write(scope, send))
        ends = (
            asyncio.ensure_future(self._caller.gateway.stopping.wait()),
            asyncio.ensure_future(asyncio.sleep(self._longest_s)),
        )
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((writing, gone, *ends), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, gone, *ends):
                task.cancel()
            results = await asyncio.gather(writing, gone, *ends, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stalled_s):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, scope: Scope, send: Send) -> None:
        async with aclosing(self._pages):
            await self._send(scope, send, b"retry: %d\n" % _RETRY_MS + sse_page(self._first))
            async for page in self._pages:
                try:
                    await self._caller.require_still_allowed()
                except DocaxisError as error:
                    _log.info("stream_ended", code=error.code, system_id=self._caller.system_id)
                    return
                await self._send(scope, send, sse_page(page))

    async def _send(self, scope: Scope, send: Send, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._stalled_s):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            _log.info("stream_stalled", system_id=self._caller.system_id)
            if abort := scope.get(ABORT):
                abort()  # closing would wait for a reader that does not read
            raise ClientDisconnect from None


def sse_page(page: notification_v1_pb2.EventsPage) -> bytes:
    """A page on the wire; the last id is behind all of it, also where it tells nothing.

    An id without data moves a client's `Last-Event-ID` and tells it nothing.
    """
    parts = []
    if page.restarted:
        parts.append(f"event: restarted\nid: {page.cursor}\ndata: {{}}\n\n".encode())
    parts += [
        b"id: %b\ndata: %b\n\n" % (each.cursor.encode(), _encoder.encode(event_content(each)))
        for each in page.events
    ]
    parts.append(f": \nid: {page.cursor}\n\n".encode())
    return b"".join(parts)


def event_content(event: notification_v1_pb2.PublicEvent) -> dict[str, Any]:
    """An event as JSON: its id, type, time and ids; the form of a webhook, and the id with it."""
    ids = {
        "organisation_id": event.organisation_id,
        "document_id": event.document_id,
        "delivery_id": event.delivery_id,
    }
    return {
        "id": event.event_id,
        "type": event.event_type,
        "timestamp": moment(event.occurred_at),
        "data": {name: each for name, each in ids.items() if each},
    }


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
