"""The routes of every exchange, answered without the framework's routing and dependency machinery.

FastAPI stays the one place where a route is declared, and it makes its OpenAPI. A route that takes
nothing but texts of its path and its caller needs none of the rest: it is found by its segments,
its caller by the same dependency, and its function is called. Whatever differs from that, a query
above all, goes on to FastAPI, and so does every address that is not here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import deliveries, documents, receipts, uploads
from docaxis_gateway.answers import PREFIX
from docaxis_gateway.authentication import Authentication
from docaxis_gateway.problems import language_of, problem_response

Endpoint = Callable[..., Any]

DIRECT: Sequence[Endpoint] = (
    documents.submit_document,
    documents.get_file,
    uploads.put_upload,
    deliveries.acknowledge_deliveries,
    receipts.get_receipt,
)
"""The functions of these routes."""


@dataclass(frozen=True, slots=True)
class _Direct:
    """A route, the segments of its path (None for a parameter), and what it takes."""

    route: APIRoute
    segments: tuple[str | None, ...]
    parameters: tuple[str, ...]
    caller: str
    authentication: Authentication

    def values(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The path's parameters by name; None where it is another path."""
        found = []
        for own, given in zip(self.segments, segments, strict=True):
            if own is None:
                if not given:
                    return None
                found.append(given)
            elif own != given:
                return None
        return dict(zip(self.parameters, found, strict=True))


class DirectRoutes:
    """ASGI middleware, inside of the edge."""

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter]) -> None:
        """Raises `TypeError` for a route that takes more than its path and its caller."""
        self._app = app
        self._routes: dict[tuple[str, int], list[_Direct]] = {}
        for route in (each for router in routers for each in router.routes):
            if isinstance(route, APIRoute) and route.endpoint in DIRECT:
                direct = _direct(route)
                for method in route.methods or ():
                    self._routes.setdefault((method, len(direct.segments)), []).append(direct)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope["query_string"] and not scope.get("root_path"):
            segments = scope["path"].split("/")
            for direct in self._routes.get((scope["method"], len(segments)), ()):
                if (values := direct.values(segments)) is not None:
                    await _serve(direct, values, scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _serve(
    direct: _Direct, values: dict[str, str], scope: Scope, receive: Receive, send: Send
) -> None:
    scope["route"], scope["path_params"] = direct.route, values
    request = Request(scope, receive, send)
    try:
        caller = await direct.authentication(request)
        response = await direct.route.endpoint(**values, **{direct.caller: caller})
    except DocaxisError as error:
        response = problem_response(error, language_of(request))
    await response(scope, receive, send)


def _direct(route: APIRoute) -> _Direct:
    dependant = route.dependant
    segments = f"{PREFIX}{route.path}".split("/")
    names = [each[1:-1] for each in segments if each.startswith("{")]
    callers = [each for each in dependant.dependencies if isinstance(each.call, Authentication)]
    takes_more = (
        dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or dependant.body_params
        or any(each.field_info.annotation is not str for each in dependant.path_params)
        or any(each.field_info.metadata for each in dependant.path_params)
        or [each.name for each in dependant.path_params] != names
    )
    if takes_more or len(callers) != 1 or len(dependant.dependencies) != 1:
        raise TypeError(f"{route.path} takes more than its path and its caller")
    (caller,) = callers
    assert isinstance(caller.call, Authentication) and caller.name is not None  # noqa: S101
    return _Direct(
        route,
        tuple(None if each.startswith("{") else each for each in segments),
        tuple(names),
        caller.name,
        caller.call,
    )
