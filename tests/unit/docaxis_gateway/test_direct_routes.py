"""Direct routes: the same answers as the framework's own way, for good requests and bad ones."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_gateway import direct_routes
from docaxis_gateway.app import ROUTERS, make_app
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.direct_routes import DIRECT, DirectRoutes
from docaxis_gateway.server import HttpServer
from tests.unit.docaxis_gateway.conftest import World, form

CHANGING = {"date", "x-request-id"}
SOMEWHERE = "01890000-0000-7000-8000-000000000000"
DIGEST = "0" * 64


@pytest.fixture
async def frameworks_own(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of the same gateway with every route on the framework's way."""
    with monkeypatch.context() as patched:
        patched.setattr(direct_routes, "DIRECT", ())
        app = make_app(world.gateway)
        server = HttpServer(app, world.gateway.settings)
        await server.start()  # builds the app's middleware
    yield f"http://127.0.0.1:{server.port}/api/v1"
    await server.stop()


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a file of nobody": ("GET", f"/documents/{SOMEWHERE}/files/{DIGEST}", {}),
    "a file that has no digest": ("GET", f"/documents/{SOMEWHERE}/files/x", {}),
    "no document's id": ("GET", f"/documents/x/files/{DIGEST}", {}),
    "an empty segment": ("GET", f"/documents//files/{DIGEST}", {}),
    "a slash behind it": ("GET", f"/documents/{SOMEWHERE}/files/{DIGEST}/", {}),
    "a slash in a segment": ("GET", f"/documents/a%2Fb/files/{DIGEST}", {}),
    "an unknown parameter": ("GET", f"/documents/{SOMEWHERE}/files/{DIGEST}?a=1", {}),
    "another method": ("POST", f"/documents/{SOMEWHERE}/files/{DIGEST}", {}),
    "a head": ("HEAD", f"/documents/{SOMEWHERE}/files/{DIGEST}", {}),
    "no receipt": ("GET", f"/receipts/{SOMEWHERE}", {}),
    "no receipt's id": ("GET", "/receipts/x", {}),
    "an upload without a digest": ("PUT", f"/uploads/{SOMEWHERE}", {"data": b"x"}),
    "an upload under no id": ("PUT", "/uploads/x", {"data": b"x"}),
    "an acknowledgement of nothing": ("POST", "/deliveries:acknowledge", {"json": {}}),
    "an acknowledgement of text": ("POST", "/deliveries:acknowledge", {"data": b"x"}),
    "no document": ("POST", "/documents", {"json": {"sender": "G22"}}),
    "a document that is no JSON": (
        "POST",
        "/documents",
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
    ),
}


@pytest.mark.parametrize("shown", ["a token", "nothing", "a forged token"])
async def test_a_request_is_answered_as_the_framework_answers_it(
    world: World, frameworks_own: str, shown: str
) -> None:
    authorization = {
        "a token": world.bearer(world.receiver),
        "nothing": {},
        "a forged token": {"Authorization": "Bearer a.b.c"},
    }[shown]
    for name, (method, path, options) in CALLS.items():
        rest = {key: value for key, value in options.items() if key != "headers"}
        headers = {"Accept-Language": "vi", **options.get("headers", {}), **authorization}
        answers = []
        for base in (world.base, frameworks_own):
            async with world.http.request(method, base + path, headers=headers, **rest) as answer:
                told = {k: v for k, v in answer.headers.items() if k.lower() not in CHANGING}
                body: Any = await answer.read()
                if body and "json" in answer.content_type:
                    body = {**json.loads(body), "request_id": ""}
                    told.pop("Content-Length")
                answers.append((answer.status, told, body))
        assert answers[0] == answers[1], name


async def test_a_document_sent_on_one_way_is_a_repeat_on_the_other(
    world: World, frameworks_own: str, document: Any
) -> None:
    headers = world.bearer(world.sender)
    bodies = []
    for base, expected in ((world.base, 201), (frameworks_own, 200)):
        data = form(document, ("file0", b"content"))
        async with world.http.post(f"{base}/documents", data=data, headers=headers) as answer:
            assert answer.status == expected
            bodies.append(await answer.read())
    assert bodies[0] == bodies[1]


async def test_the_request_log_names_the_route(world: World) -> None:
    await world.call("GET", f"/documents/{SOMEWHERE}/files/{DIGEST}", world.receiver)
    await world.gateway.request_log.stop()  # writes what it has
    status, body, _ = await world.call("GET", "/requests", world.receiver)
    assert status == 200
    assert "/api/v1/documents/{document_id}/files/{digest}" in [
        each["route"] for each in body["items"]
    ]


def test_a_route_that_takes_more_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter()

    @router.get("/some")
    async def get_some(caller: CallerDep, limit: Annotated[int, Query()] = 1) -> Response:
        raise AssertionError((caller, limit))

    @router.get("/numbers/{number}")
    async def get_number(number: int, caller: CallerDep) -> Response:
        raise AssertionError((caller, number))

    @router.get("/open")
    async def get_open() -> Response:
        raise AssertionError

    for endpoint in (get_some, get_number, get_open):
        monkeypatch.setattr(direct_routes, "DIRECT", (endpoint,))
        with pytest.raises(TypeError, match="takes more"):
            DirectRoutes(router, [router])


def test_all_of_them_are_found(world: World) -> None:
    app = make_app(world.gateway)
    found = {
        each.route.endpoint
        for routes in DirectRoutes(app, ROUTERS)._routes.values()
        for each in routes
    }
    assert found == set(DIRECT)
