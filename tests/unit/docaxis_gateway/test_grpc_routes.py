"""Each public method has its route of REST, and each route its method, or there is a reason.

Read off the running app and the descriptor. Whoever adds a route finds here what its method lacks.
"""

from typing import Any

import pytest
from fastapi import FastAPI

from docaxis_gateway.app import make_app
from docaxis_gateway.openapi import document_openapi
from docaxis_gateway.public_grpc.routes import ROUTES, Route
from docaxis_proto import gateway_v1_pb2 as pb
from tests.unit.docaxis_gateway.conftest import World

PREFIX = "/api/v1"

WITHOUT_A_METHOD = {
    "GET /health/live": "grpc.health.v1 answers, and a connection is a sign of life",
    "GET /health/ready": "grpc.health.v1 answers",
}
"""Routes without a method, and why."""

ADMINISTRATION = " /admin/"
"""Routes of administrators: they have the command and REST, and no system calls them."""

SAME_ROUTE = {"WatchInbox": "GetInbox", "WatchReceipts": "ListReceipts"}
"""Streams of what another method answers in pages."""

ADDRESSES = {"receipt": "receipt_id", "receipts": "receipt_ids"}
ONLY_REST = {"links", "href", "signature_href"}
"""Addresses of REST, which nobody needs here."""
ONLY_GRPC = {
    "Submission.repeat": "REST tells it by 200 instead of 201",
    "Upload.repeat": "the same",
    "SubmitDocumentRequest.parts": "the parts of the multipart body",
    "Subscription.secret": "Subscribe alone tells it: REST has two models",
    "Organisation.merged_from": "GetOrganisation alone tells it: the same",
}
OTHER_SHAPES = {
    "IssueToken": "takes an assertion, not the form of RFC 6749 around it",
    "GetKeys": "gives the JWK set as text: its members are those of RFC 7517",
    "UploadFile": "the body and its digest come as a stream",
    "DownloadFile": "the headers and the body go as a stream",
    "BeginUpload": "tus speaks in headers",
    "AppendToUpload": "tus speaks in headers, and the piece comes as a stream",
    "GetUpload": "tus speaks in headers",
    "DiscardUpload": "tus speaks in headers",
    "WatchEvents": "Server-Sent Events go as a stream of messages",
}
IDENTITY = ("system", "served", "for_", "actor", "caller", "account")


@pytest.fixture
def app(world: World) -> FastAPI:
    return make_app(world.gateway)


def _operations(app: FastAPI) -> dict[str, Any]:
    document = document_openapi(app)
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith(PREFIX)
    }


async def test_every_method_has_a_route_and_every_route_a_method(app: FastAPI) -> None:
    by_route = {f"{each.method} {each.path}" for each in ROUTES.values()}
    served = set(_operations(app))
    assert by_route - served == set(), "methods of routes that REST does not have"
    missing = {each for each in served - by_route if ADMINISTRATION not in each}
    missing -= set(WITHOUT_A_METHOD)
    assert missing == set(), (
        "say in gateway_v1.proto which method answers like these, or say why not"
    )
    assert set(WITHOUT_A_METHOD) <= served


async def test_a_route_has_one_method_streams_apart() -> None:
    seen: dict[str, str] = {}
    for name, route in ROUTES.items():
        if name in SAME_ROUTE:
            assert (ROUTES[SAME_ROUTE[name]].method, ROUTES[SAME_ROUTE[name]].path) == (
                route.method,
                route.path,
            )
            continue
        assert seen.setdefault(f"{route.method} {route.path}", name) == name


async def test_no_request_can_say_who_asks() -> None:
    """Identity is what the gateway found out; a field for it would be a field to lie with."""
    asked = [
        f"{route.rpc}.{field.name}"
        for route in ROUTES.values()
        for field in route.request.DESCRIPTOR.fields
        if field.name.startswith(IDENTITY) or field.name.endswith("organisation_ids")
    ]
    assert asked == []


@pytest.mark.parametrize("rpc", sorted(set(ROUTES) - set(OTHER_SHAPES)))
async def test_fields_are_the_members_of_rest(rpc: str, app: FastAPI) -> None:
    route = ROUTES[rpc]
    schemas = document_openapi(app)["components"]["schemas"]
    operation = _operations(app)[f"{route.method} {route.path}"]
    problems = [*_request(route, operation, schemas), *_reply(route, operation, schemas)]
    assert problems == []


def _request(route: Route, operation: Any, schemas: Any) -> list[str]:
    descriptor = route.request.DESCRIPTOR
    told = {
        each["name"] for each in operation.get("parameters", ()) if each["in"] in ("query", "path")
    }
    problems: list[str] = []
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        schema = _object(content["application/json"]["schema"], schemas)
        problems = _differences(descriptor, schema, schemas, told)
    else:
        fields = {each.name for each in descriptor.fields}
        if route.rpc in SAME_ROUTE:
            told -= {"wait"}
        if fields != told:
            problems.append(f"{descriptor.name} has {fields}, the route takes {told}")
    return problems


def _reply(route: Route, operation: Any, schemas: Any) -> list[str]:
    answers = operation["responses"]
    answer: Any = answers.get("200") or answers.get("201") or {}
    content = answer.get("content", {}).get("application/json")
    if content is None:
        empty = not route.reply.DESCRIPTOR.fields
        return [] if empty else [f"{route.rpc}: the route answers nothing"]
    return _differences(route.reply.DESCRIPTOR, _object(content["schema"], schemas), schemas, set())


def _differences(descriptor: Any, schema: Any, schemas: Any, further: set[str]) -> list[str]:
    members = {
        ADDRESSES.get(name, name): each
        for name, each in schema["properties"].items()
        if name not in ONLY_REST
    }
    fields = {each.name: each for each in descriptor.fields}
    own = {name for name in fields if f"{descriptor.name}.{name}" in ONLY_GRPC}
    problems = []
    if set(fields) - own != (set(members) | further) - own:
        problems.append(
            f"{descriptor.name} has {sorted(fields)}, REST has {sorted(set(members) | further)}"
        )
    for name, member in members.items():
        field, inner = fields.get(name), _object(member, schemas)
        if field is not None and field.message_type is not None and "properties" in inner:
            problems += _differences(field.message_type, inner, schemas, set())
        if field is not None and field.is_repeated != ("array" in _types(member, schemas)):
            problems.append(f"{descriptor.name}.{name}: a list on one side alone")
    return problems


def _object(schema: Any, schemas: Any) -> Any:
    """The object that a schema means, behind references, lists and null."""
    if "$ref" in schema:
        return _object(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "items" in schema:
        return _object(schema["items"], schemas)
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return _object(each, schemas)
    return schema


def _types(schema: Any, schemas: Any) -> set[str]:
    if "$ref" in schema:
        return _types(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    found = {schema["type"]} if "type" in schema else set()
    for each in schema.get("anyOf", ()):
        found |= _types(each, schemas)
    return found


async def test_the_proto_file_stands_alone() -> None:
    """A client compiles this one file; protoc brings what it imports."""
    imports = [each.name for each in pb.DESCRIPTOR.dependencies]
    assert all(each.startswith("google/protobuf/") for each in imports)
