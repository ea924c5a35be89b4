"""Bodies that are read whole: bounded, of the right media type, checked against a model."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.problems import fields_error
from docaxis_runtime.error_table import ERRORS

ModelT = TypeVar("ModelT", bound=BaseModel)

_FORM_LIMIT = 16 * 1024
_TOO_MANY = {"recipients": "too_many_recipients", "files": "too_many_files"}
_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "field_required",
    "too_short": "field_required",
    "string_too_long": "field_too_long",
}
_EXPECTED = {
    "string_type": "text",
    "int_type": "an integer",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


async def read_json(request: Request, model: type[ModelT], limit: int) -> ModelT:
    """The JSON body as a model. Raises `DocaxisError` with every field at fault."""
    require_media_type(request, "application/json")
    return parse_json(await read_bounded(request, limit), model)


async def read_form(request: Request) -> Mapping[str, str]:
    """A small urlencoded form; of a name that comes twice nothing is believed."""
    require_media_type(request, "application/x-www-form-urlencoded")
    raw = await read_bounded(request, _FORM_LIMIT)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise DocaxisError("malformed_form") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise DocaxisError("malformed_form")
    return dict(pairs)


def require_media_type(request: Request, expected: str) -> None:
    """Raise `unsupported_media_type` for anything else, parameters apart."""
    if media_type_of(request) != expected:
        raise DocaxisError("unsupported_media_type", {"expected": expected})


def media_type_of(request: Request) -> str:
    """The body's media type without parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_declared_size(request: Request, limit: int, code: str = "body_too_large") -> None:
    """Raise before the first byte where the client itself says that it is too much."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise DocaxisError(code, {"limit": str(limit)})


async def read_bounded(request: Request, limit: int) -> bytes:
    """The whole body; raises `body_too_large` as soon as it is."""
    require_declared_size(request, limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise DocaxisError("body_too_large", {"limit": str(limit)})
    return bytes(body)


def parse_json(raw: bytes, model: type[ModelT]) -> ModelT:
    """JSON text as a model; raises `malformed_json`, or every field at fault."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        raise DocaxisError("malformed_json")
    raise fields_error([_problem(each) for each in found])


def _problem(each: ErrorDetails) -> FieldProblem:
    context: dict[str, Any] = each.get("ctx", {})
    params = {key: str(value) for key, value in context.items()}
    location = [part for part in each["loc"] if isinstance(part, (str, int))]
    kind = each["type"]
    name = str(location[-1])[:100] if location else ""
    if kind == "too_long":
        code, params = _TOO_MANY.get(name, "too_many_items"), {"limit": params["max_length"]}
    elif kind in ERRORS:
        code = kind
    else:
        code = _CODES.get(kind, "field_invalid")
        if code == "field_invalid":
            words = str(each["msg"]).removeprefix("Input should be ")
            params = {"expected": _EXPECTED.get(kind, words)}
    if index := params.pop("index", ""):
        location.append(int(index))
    if code == "recipient_duplicate":
        name = params.get("organisation", name)
    return FieldProblem(_pointer(location), code, {"field": name, **params})


def _pointer(location: list[str | int]) -> str:
    return "".join("/" + str(part)[:100].replace("~", "~0").replace("/", "~1") for part in location)
