"""The handlers of the public methods: how a call of each kind becomes requests to the app."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import grpc
from google.protobuf.message import Message
from starlette.types import ASGIApp

from docaxis_gateway.limits import InFlight
from docaxis_gateway.problems import field_error
from docaxis_gateway.public_grpc import resumable
from docaxis_gateway.public_grpc.call import Call, call_of
from docaxis_gateway.public_grpc.events import watch_events
from docaxis_gateway.public_grpc.exchange import Request
from docaxis_gateway.public_grpc.messages import parsed, reply_of, request_of
from docaxis_gateway.public_grpc.resumable import append
from docaxis_gateway.public_grpc.routes import ROUTES, SERVICE, Route
from docaxis_gateway.public_grpc.statuses import DETAILS, grpc_code, status_of
from docaxis_gateway.public_grpc.submissions import submit_request
from docaxis_gateway.public_grpc.transfers import download, upload
from docaxis_gateway.public_grpc.watching import watch
from docaxis_gateway.token import ASSERTION_TYPE, GRANT_TYPE
from docaxis_runtime.grpc_errors import public_error

_FORM = (b"content-type", b"application/x-www-form-urlencoded")

Respond = Callable[[Call, Any], Awaitable[Message]]
TakeAll = Callable[[Call, Route, AsyncIterator[bytes], int], Awaitable[Any]]
GiveAll = Callable[[Call, Route, Any, Callable[[Message], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Methods:
    """What the handlers share. `message_limit` in bytes; `stopping` says that streams end now."""

    app: ASGIApp
    message_limit: int
    streams: InFlight
    stopping: Callable[[], bool]

    def handler(self) -> "grpc.GenericRpcHandler":
        """All methods, for a server of grpc.aio. Messages come and go as bytes: what cannot be
        read is then ours to refuse."""
        handlers = {name: self._method(route) for name, route in ROUTES.items()}
        return grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)

    def _method(self, route: Route) -> "grpc.RpcMethodHandler[Any, Any]":
        if route.takes_stream:
            take_all = append if route.rpc == "AppendToUpload" else upload
            return grpc.stream_unary_rpc_method_handler(self._upload(route, take_all))
        if not route.gives_stream:
            respond = _SPECIAL.get(route.rpc) or _responder(route)
            return grpc.unary_unary_rpc_method_handler(self._unary(route, respond))
        give_all = _GIVE_ALL.get(route.rpc)
        handler = self._watch(route) if give_all is None else self._give(route, give_all)
        return grpc.unary_stream_rpc_method_handler(handler)

    def _unary(self, route: Route, respond: Respond) -> Any:
        async def run(raw: bytes, context: Any) -> Any:
            async def work(call: Call) -> bytes:
                message = parsed(route.request, raw, self.message_limit)
                return (await respond(call, message)).SerializeToString()

            return await self._served(route, context, work)

        return run

    def _upload(self, route: Route, take_all: TakeAll) -> Any:
        async def run(sent: AsyncIterator[bytes], context: Any) -> Any:
            async def work(call: Call) -> bytes:
                reply: Message = await take_all(call, route, sent, self.message_limit)
                return reply.SerializeToString()

            return await self._served(route, context, work)

        return run

    def _give(self, route: Route, give_all: GiveAll) -> Any:
        async def run(raw: bytes, context: Any) -> None:
            async def work(call: Call) -> None:
                message = parsed(route.request, raw, self.message_limit)
                await give_all(call, route, message, _writer(context))

            await self._served(route, context, work)

        return run

    def _watch(self, route: Route) -> Any:
        async def run(raw: bytes, context: Any) -> None:
            async def work(call: Call) -> None:
                message = parsed(route.request, raw, self.message_limit)
                write = _writer(context)
                await watch(call, route, message, write, self.streams, self.stopping)

            await self._served(route, context, work)

        return run

    async def _served(
        self, route: Route, context: Any, work: Callable[[Call], Awaitable[Any]]
    ) -> Any:
        """What `work` gives; what it raises ends the call as a status with its details."""
        call = call_of(self.app, context)
        told = ("x-request-id", call.request_id)
        context.set_trailing_metadata((told,))
        try:
            return await work(call)
        except Exception as error:  # noqa: BLE001 - nothing internal may leave
            public = public_error(error, route.rpc)
        status = status_of(public, call.language, call.request_id)
        metadata = (told, (DETAILS, status.SerializeToString()))
        await context.abort(grpc_code(public), status.message, metadata)


def _writer(context: Any) -> Callable[[Message], Awaitable[None]]:
    async def write(message: Message) -> None:
        await context.write(message.SerializeToString())

    return write


def _responder(route: Route) -> Respond:
    async def respond(call: Call, message: Any) -> Message:
        request, body = request_of(route, message)
        _, answer = await call.ask(request, body)
        reply: Message = reply_of(route, answer)
        return reply

    return respond


async def _issue_token(call: Call, message: Any) -> Message:
    route = ROUTES["IssueToken"]
    if not message.client_assertion:
        raise field_error("/client_assertion", "field_required")
    form = {
        "grant_type": GRANT_TYPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": message.client_assertion,
    }
    request = Request(route.method, route.path, headers=(_FORM,))
    _, answer = await call.ask(request, urlencode(form).encode())
    reply: Message = reply_of(route, answer)
    return reply


async def _submit(call: Call, message: Any) -> Message:
    route = ROUTES["SubmitDocument"]
    request, body = submit_request(route, message)
    answer, content = await call.ask(request, body)
    reply: Message = reply_of(route, content, repeat=answer.status == 200)
    return reply


async def _check(call: Call, message: Any) -> Message:
    route = ROUTES["CheckDocument"]
    request, body = submit_request(route, message)
    _, content = await call.ask(request, body)
    reply: Message = reply_of(route, content)
    return reply


async def _get_keys(call: Call, message: Any) -> Message:
    route = ROUTES["GetKeys"]
    _, answer = await call.ask(Request(route.method, route.path))
    reply: Message = route.reply(jwk_set=answer.decode())
    return reply


_SPECIAL: Mapping[str, Respond] = {
    "IssueToken": _issue_token,
    "SubmitDocument": _submit,
    "CheckDocument": _check,
    "GetKeys": _get_keys,
    "BeginUpload": resumable.begin,
    "GetUpload": resumable.get,
    "DiscardUpload": resumable.discard,
}
"""Unary methods whose route takes or gives something else than JSON."""

_GIVE_ALL: Mapping[str, GiveAll] = {"DownloadFile": download, "WatchEvents": watch_events}
"""Streams that are one answer of their route; the others are its pages."""
