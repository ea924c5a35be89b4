"""One request to the app, made in this process, and its answer.

The app is the one that REST serves, with its outermost layer: request id, limits, the last resort.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.answers import PREFIX
from docaxis_gateway.edge import SYSTEM
from docaxis_gateway.http_protocol import CERTIFICATE
from docaxis_gateway.problems import ERROR

Header = tuple[bytes, bytes]
Take = Callable[["Answer", bytes], Awaitable[None]]
"""Told each piece of a body, with the head of its answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a route is asked. `path` is below `/api/v1`, with its fields percent-encoded."""

    method: str
    path: str
    query: bytes = b""
    headers: Sequence[Header] = ()


@dataclass(slots=True)
class Answer:
    """Head of an answer that is no problem, and for whom it was."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    system_id: str = ""


async def exchange(
    app: ASGIApp,
    request: Request,
    client: tuple[str, int] | None,
    receive: Receive,
    take: Take,
    certificate: bytes = b"",
) -> Answer:
    """Ask the app. `take` gets the body as it comes; it may wait, and the app then waits too.

    `client` is who holds the connection, `certificate` (DER) what TLS knows of it.

    Raises what the route refuses with, or `unavailable` where an answer broke off.
    """
    path = PREFIX + request.path
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "2",
        "method": request.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": request.query,
        "headers": list(request.headers),
        "client": client,
        "server": None,
        "extensions": {},
    }
    if certificate:
        scope[CERTIFICATE] = certificate
    answer = Answer()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = dict(message.get("headers", ()))
            answer.system_id = scope.get(SYSTEM, "")
        elif answer.status < 300 and (piece := message.get("body", b"")):
            await take(answer, piece)

    try:
        await app(scope, receive, send)
    except DocaxisError:
        raise  # of `take`, or of the one who sends
    except Exception:  # noqa: BLE001 - it is told as a broken answer
        # The app has logged why; what was taken so far is no whole answer.
        raise DocaxisError("unavailable", retry_after_s=1.0) from None
    if 200 <= answer.status < 300:
        return answer
    error = scope.get(ERROR)
    raise error if isinstance(error, DocaxisError) else DocaxisError("internal")
