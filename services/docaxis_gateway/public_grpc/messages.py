"""Bytes to request messages, these to what REST takes, and what it answers to messages.

Rules (tests carry their numbers):

- GM1 Bytes that are no such message are `malformed_message`; larger ones than the setting allows
  are `body_too_large`.
- GM2 Fields that the message does not have are refused, as REST refuses them: a field that is
  passed over would be a wish that nobody knows was not heard. The pointer ends in its number.
- GM3 An empty text or list is a missing one, as protobuf has it, so that the route tells what is
  required; numbers go as they are. A field of the path is required here.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.problems import field_error, fields_error
from docaxis_gateway.public_grpc.answer_fields import shaped
from docaxis_gateway.public_grpc.exchange import Request
from docaxis_gateway.public_grpc.routes import Route

_JSON = (b"content-type", b"application/json")
_MAY_BE_EMPTY = frozenset({"competence"})
"""Texts that are required and may be empty."""


def parsed(kind: type[Any], raw: bytes, limit: int) -> Any:
    """A request message. Raises `malformed_message`, `body_too_large`, `unknown_field`."""
    if len(raw) > limit:
        raise DocaxisError("body_too_large", {"limit": str(limit)})
    try:
        message = kind.FromString(raw)
    except DecodeError:
        raise DocaxisError("malformed_message") from None
    unknown = [FieldProblem(each, "unknown_field") for each in _unknown(message, "")]
    if unknown:
        raise fields_error(unknown)
    return message


def request_of(route: Route, message: Message) -> tuple[Request, bytes]:
    """The request that the message asks, and its body."""
    path = filled_path(route, message)
    if not route.has_body:
        fields = MessageToDict(message, preserving_proto_field_name=True)
        query = {name: each for name, each in fields.items() if name not in route.in_path}
        return Request(route.method, path, urlencode(query, doseq=True).encode()), b""
    body = {name: each for name, each in members(message).items() if name not in route.in_path}
    return json_request(route, path, body)


def json_request(route: Route, path: str, body: dict[str, Any]) -> tuple[Request, bytes]:
    """A request with a JSON body."""
    raw = msgspec.json.encode(body)
    length = (b"content-length", str(len(raw)).encode())
    return Request(route.method, path, headers=(_JSON, length)), raw


def members(message: Message) -> dict[str, Any]:
    """A message as the JSON object of REST (GM3)."""
    found: dict[str, Any] = _without_empty(
        MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    )
    return found


def _without_empty(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_empty(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_empty(each)
        for name, each in value.items()
        if each not in ("", []) or name in _MAY_BE_EMPTY
    }


def filled_path(route: Route, message: Message) -> str:
    """The path with its fields; each stays one segment, whatever it holds (GM3)."""
    values = {name: getattr(message, name) for name in route.in_path}
    for name, value in values.items():
        if not value:
            raise field_error(f"/{name}", "field_required")
    return route.path.format_map({name: quote(value, safe="") for name, value in values.items()})


def reply_of(route: Route, body: bytes, **further: Any) -> Any:
    """The answer as a message, with `further` fields that its body does not tell."""
    content = msgspec.json.decode(body) if body else {}
    return route.reply(**shaped(route.reply.DESCRIPTOR, content), **further)


def _unknown(message: Message, pointer: str) -> Iterator[str]:
    """Pointers to fields that are not the message's (GM2)."""
    strangers = UnknownFieldSet(message)
    for index in range(len(strangers)):
        each = strangers[index]
        yield f"{pointer}/{each.field_number}"
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            for index, each in enumerate(value):
                yield from _unknown(each, f"{pointer}/{field.name}/{index}")
        else:
            yield from _unknown(value, f"{pointer}/{field.name}")
