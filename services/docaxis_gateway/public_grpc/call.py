"""One call: what its metadata says, and requests to the app on its behalf."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.languages import choose_language
from docaxis_gateway.public_grpc.exchange import Answer, Header, Request, Take, exchange

_PASSED_ON = frozenset(
    {
        "accept-language",
        "authorization",
        "client-cert",  # RFC 9440: the app believes it of the proxies that it knows alone
        "idempotency-key",
        "traceparent",
        "x-request-id",
    }
)
"""Metadata that are headers of REST; nothing else of a call reaches the app by that way."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks as far as metadata tell; the app decides what to believe."""

    app: ASGIApp
    headers: tuple[Header, ...]
    request_id: str
    language: str
    client: tuple[str, int] | None
    certificate: bytes = b""
    """DER, of the connection's client."""

    async def ask(self, request: Request, body: bytes = b"") -> tuple[Answer, bytes]:
        """A request with a small body; its answer with the whole body."""
        pieces = bytearray()

        async def take(_: Answer, piece: bytes) -> None:
            pieces.extend(piece)

        answer = await self.stream(request, whole(body), take)
        return answer, bytes(pieces)

    async def stream(self, request: Request, receive: Receive, take: Take) -> Answer:
        """A request whose body `receive` gives, and whose answer goes to `take` as it comes."""
        headers = (*self.headers, *request.headers)
        sent = Request(request.method, request.path, request.query, headers)
        return await exchange(self.app, sent, self.client, receive, take, self.certificate)


def call_of(app: ASGIApp, context: Any) -> Call:
    """The call that a servicer's context stands for."""
    headers: list[Header] = []
    request_id = language = ""
    for key, value in context.invocation_metadata() or ():
        if key not in _PASSED_ON or not isinstance(value, str):
            continue
        if key == "x-request-id":
            request_id = value if _REQUEST_ID.fullmatch(value) else ""
            continue
        if key == "accept-language":
            language = value
        headers.append((key.encode(), value.encode("latin-1", "replace")))
    request_id = request_id or new_id()
    headers.append((b"x-request-id", request_id.encode()))
    return Call(
        app,
        tuple(headers),
        request_id,
        choose_language(language),
        _client(context.peer()),
        _certificate(context.auth_context()),
    )


def whole(body: bytes) -> Receive:
    """An ASGI `receive` of a body that is there. It never tells of a client that went away: the
    call is cancelled then, and the request with it."""
    return pieces_of(_once(body))


def pieces_of(pieces: AsyncIterator[bytes]) -> Receive:
    """The same for a body that comes in pieces."""
    ended = False

    async def receive() -> Message:
        nonlocal ended
        if ended:
            await asyncio.Event().wait()
        piece = await anext(pieces, None)
        ended = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not ended}

    return receive


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


def _certificate(connection: Mapping[str, Sequence[bytes]]) -> bytes:
    """What the peer showed and TLS checked; empty where it was asked for none."""
    shown = connection.get("x509_pem_cert")
    return ssl.PEM_cert_to_DER_cert(shown[0].decode()) if shown else b""


def _client(peer: str) -> tuple[str, int] | None:
    """Address and port of `ipv4:10.0.0.1:5000` or `ipv6:%5B::1%5D:5000`."""
    kind, _, address = peer.replace("%5B", "[").replace("%5D", "]").partition(":")
    if kind not in ("ipv4", "ipv6"):
        return None
    try:
        parts = urlsplit(f"//{address}")
        return (parts.hostname or "", parts.port or 0)
    except ValueError:
        return None
