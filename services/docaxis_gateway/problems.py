"""Errors as problems (RFC 9457): words follow Accept-Language, codes never do.

A problem whose fields all have one code carries that code itself, so that a client need not look
further; several different ones make `validation_failed`. Suggestions for one field travel in its
params under `suggestions`, separated by commas.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.languages import choose_language
from docaxis_runtime.call_context import current_call
from docaxis_runtime.error_table import row_of

CODE = "docaxis.code"
"""Where a request's scope has the code of the problem that answered it."""
ERROR = "docaxis.error"
"""Where the scope of a request that was refused keeps the error itself."""

_ERRORS_LIMIT = 100
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_PARAMETERS = frozenset({"limit", "wait"})

_encoder = msgspec.json.Encoder()


def field_error(pointer: str, code: str, **params: str) -> DocaxisError:
    """An error about one field of the request."""
    return fields_error((FieldProblem(pointer, code, params),))


def fields_error(fields: Sequence[FieldProblem], suggestions: Sequence[str] = ()) -> DocaxisError:
    """An error about some fields: their code where they share it, else `validation_failed`."""
    codes = {each.code for each in fields}
    if len(codes) != 1:
        return DocaxisError("validation_failed", fields=tuple(fields))
    first = fields[0]
    params = {"field": _name(first.pointer), **first.params}
    return DocaxisError(first.code, params, fields=tuple(fields), suggestions=tuple(suggestions))


def problem_body(error: DocaxisError, language: str, request_id: str) -> dict[str, Any]:
    """The members of a problem."""
    row = row_of(error.code)
    errors = [_field(each, language) for each in error.fields[:_ERRORS_LIMIT]]
    title = row.message(error.params, language)
    return {
        "type": f"urn:docaxis:error:{row.code}",
        "title": title,
        "status": row.http,
        "detail": errors[0]["detail"] if len(errors) == 1 else title,
        "code": row.code,
        "errors": errors,
        "retryable": row.retryable,
        "request_id": request_id,
        "suggestions": list(error.suggestions),
    }


def problem_response(
    error: DocaxisError, language: str, extra: Mapping[str, Any] | None = None
) -> Response:
    """A problem as an answer, with the headers that its status asks for."""
    body = {**problem_body(error, language, current_call().request_id), **(extra or {})}
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    status = body["status"]
    if status == 401:
        headers["WWW-Authenticate"] = (
            "Bearer" if error.code == "unauthenticated" else 'Bearer error="invalid_token"'
        )
    elif status in (423, 429, 503, 504):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s or 1.0)))
    elif status == 408:
        headers["Connection"] = "close"
    elif status == 416 and "size" in error.params:
        headers["Content-Range"] = f"bytes */{error.params['size']}"
    return _Problem(error, body, headers)


class _Problem(Response):
    """A problem that leaves itself where the edge and the public gRPC find it."""

    def __init__(
        self, error: DocaxisError, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        content = _encoder.encode(body)
        super().__init__(content, body["status"], headers, "application/problem+json")
        self._error, self._code = error, body["code"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[CODE] = self._code
        scope[ERROR] = self._error  # the public gRPC tells it in its own form
        await super().__call__(scope, receive, send)


async def handle_docaxis_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler for `DocaxisError`."""
    if not isinstance(error, DocaxisError):
        raise error
    return problem_response(error, language_of(request))


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """What the router itself refuses: no such address, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    code = _HTTP_CODES.get(error.status_code, "internal")
    response = problem_response(DocaxisError(code), language_of(request))
    if "Allow" in (error.headers or {}):
        response.headers["Allow"] = (error.headers or {})["Allow"]
    return response


async def handle_validation_error(request: Request, error: Exception) -> Response:
    """What FastAPI found wrong with query parameters."""
    if not isinstance(error, RequestValidationError):
        raise error
    fields = []
    for each in error.errors():
        name = str(each["loc"][-1])
        if each["type"] == "missing":
            fields.append(FieldProblem(f"/{name}", "field_required", {"field": name}))
            continue
        code = "limit_invalid" if name in _PARAMETERS else "field_invalid"
        expected = str(each["msg"]).removeprefix("Input should be ")
        fields.append(FieldProblem(f"/{name}", code, {"field": name, "expected": expected}))
    return problem_response(fields_error(fields), language_of(request))


def language_of(request: Request) -> str:
    """The language to answer a request in."""
    return choose_language(request.headers.get("accept-language", ""))


def _field(each: FieldProblem, language: str) -> dict[str, Any]:
    params = {"field": _name(each.pointer), **each.params}
    suggestions = [one for one in params.get("suggestions", "").split(",") if one]
    shown: dict[str, Any] = {
        "pointer": each.pointer,
        "code": each.code,
        "detail": row_of(each.code).message(params, language),
    }
    if suggestions:
        shown["suggestions"] = suggestions
    return shown


def _name(pointer: str) -> str:
    return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
