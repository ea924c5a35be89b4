"""The outermost layer that every request passes: its id, its limits, its headers, the last resort.

Plain ASGI, because each layer of convenience here would be paid by every request.
"""

import re
import time
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.answers import PREFIX
from docaxis_gateway.gateway import Gateway
from docaxis_gateway.languages import choose_language
from docaxis_gateway.limits import PatientReceive
from docaxis_gateway.problems import CODE, problem_response
from docaxis_gateway.request_log import Entry
from docaxis_runtime.call_context import CallContext
from docaxis_runtime.grpc_errors import public_error
from docaxis_runtime.telemetry import Answered, serving_request

SYSTEM = "docaxis.system"
"""Where a request's scope keeps the system that it was counted for."""

REQUESTER = "docaxis.requester"
"""Where it keeps the system whose request it is, also where it was refused."""
BODY = "docaxis.body"
"""Where it keeps the `PatientReceive` of its body, if it has one."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# No page of ours ever runs in a browser's frame, and no answer may be kept by a cache in between.
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
]
_NO_STORE = (b"cache-control", b"no-store")

_log = structlog.get_logger(__name__)


class Edge:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told(scope["headers"])
        request_id = told.request_id or new_id()
        answer = _Answer(send, request_id)
        began = time.perf_counter()
        context = CallContext(request_id, told.traceparent)
        with serving_request(context, lambda: _answered(scope, answer)):
            try:
                self._gateway.in_flight.enter()
            except DocaxisError as error:
                await problem_response(error, told.language)(scope, receive, answer)
                return
            try:
                patient = receive
                if told.body:
                    patient = scope[BODY] = PatientReceive(receive, self._gateway.settings)
                await self._app(scope, patient, answer)
            except ClientDisconnect:
                _log.info("client_gone", request_id=request_id, path=scope["path"])
            except Exception as error:  # noqa: BLE001 - nothing internal may leave
                public = public_error(error, f"{scope['method']} {scope['path']}")
                if answer.started:
                    # Half an answer is out: only a broken connection still tells the truth.
                    raise _Cut from None
                await problem_response(public, told.language)(scope, receive, answer)
            finally:
                self._gateway.in_flight.leave()
                if system_id := scope.get(SYSTEM):
                    self._gateway.in_flight.leave_for(system_id)
                if requester := scope.get(REQUESTER):
                    self._note(requester, scope, answer, request_id, began)

    def _note(
        self, requester: str, scope: Scope, answer: "_Answer", request_id: str, began: float
    ) -> None:
        body = scope.get(BODY)
        entry = Entry(
            self._gateway.now_ms(),
            *_answered(scope, answer),
            request_id,
            round((time.perf_counter() - began) * 1000, 1),
            0 if body is None else body.came,
            answer.sent,
        )
        self._gateway.request_log.note(requester, entry)


def _answered(scope: Scope, answer: "_Answer") -> Answered:
    route = scope.get("route")
    template = "" if route is None else f"{PREFIX}{route.path.removeprefix(PREFIX)}"
    return Answered(scope["method"], template, answer.status, scope.get(CODE, ""))


class _Cut(Exception):
    """Makes the server close the connection; the reason is in the log."""


class _Told:
    """What the request's headers say to this layer."""

    __slots__ = ("body", "language", "request_id", "traceparent")

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.request_id = self.traceparent = ""
        self.body = False
        language = ""
        for name, value in headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                self.request_id = value.decode()
            elif name == b"traceparent" and _TRACEPARENT.fullmatch(value):
                self.traceparent = value.decode()
            elif name == b"accept-language":
                language = value.decode("latin-1")
            elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                self.body = True
        self.language = choose_language(language)


class _Answer:
    """An ASGI `send` that adds the headers of every answer."""

    __slots__ = ("_request_id", "_send", "sent", "started", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.started = False
        self.status = self.sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
        elif message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers: list[Any] = [
                *message.get("headers", ()),
                (b"x-request-id", self._request_id),
                *_HEADERS,
            ]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(_NO_STORE)
            message["headers"] = headers
        await self._send(message)
