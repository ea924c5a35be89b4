"""Errors as `google.rpc.Status`: the same codes, pointers and words that a problem of REST has.

gRPC's clients take 8 KiB of metadata unless told otherwise, and a status travels there. What would
not fit is left out and counted (`omitted_fields` of ErrorInfo), so that the code always arrives.
"""

from collections.abc import Iterator

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_proto.gateway_v1_pb2 import FieldSuggestions
from docaxis_runtime.error_table import row_of

DOMAIN = "docaxis"
DETAILS = "grpc-status-details-bin"
"""The metadata in which a status travels."""

_LARGEST = 4096
_LONGEST_TEXT = 400
_OMITTED = "omitted_fields"


def grpc_code(error: DocaxisError) -> grpc.StatusCode:
    """The gRPC status of an error, by the table."""
    return grpc.StatusCode[row_of(error.code).grpc]


def status_of(error: DocaxisError, language: str, request_id: str) -> status_pb2.Status:
    """The whole status; its own words are English, LocalizedMessage's are the caller's."""
    row = row_of(error.code)
    info = error_details_pb2.ErrorInfo(reason=row.code, domain=DOMAIN)
    for name, value in error.params.items():
        info.metadata[name] = value[:_LONGEST_TEXT]
    status = status_pb2.Status(
        code=code_pb2.Code.Value(row.grpc), message=row.message(error.params, "en")[:_LONGEST_TEXT]
    )
    details: list[Message] = [info]
    if row.retryable:
        details.append(_retry(error.retry_after_s or 1.0))
    words = row.message(error.params, language)[:_LONGEST_TEXT]
    details.append(error_details_pb2.LocalizedMessage(locale=language, message=words))
    details.append(error_details_pb2.RequestInfo(request_id=request_id))
    room = _LARGEST - sum(each.ByteSize() + 64 for each in details)
    bad = error_details_pb2.BadRequest()
    suggestions: list[Message] = []
    fields = list(error.fields)
    for each in fields:
        violation = _violation(each, language)
        further = list(_suggestions(each))
        room -= violation.ByteSize() + 8 + sum(one.ByteSize() + 80 for one in further)
        if room < 0:
            break
        bad.field_violations.append(violation)
        suggestions += further
    if error.suggestions and room > 0:
        suggestions.append(FieldSuggestions(suggestions=error.suggestions[:10]))
    if left := len(fields) - len(bad.field_violations):
        info.metadata[_OMITTED] = str(left)
    if fields:
        details.insert(1, bad)
    for detail in (*details, *suggestions):
        status.details.add().Pack(detail)
    return status


def _violation(each: FieldProblem, language: str) -> error_details_pb2.BadRequest.FieldViolation:
    params = {"field": each.pointer.removeprefix("/"), **each.params}
    return error_details_pb2.BadRequest.FieldViolation(
        field=each.pointer[:_LONGEST_TEXT],
        description=row_of(each.code).message(params, language)[:_LONGEST_TEXT],
        reason=each.code,
    )


def _suggestions(each: FieldProblem) -> Iterator[FieldSuggestions]:
    told = [one for one in each.params.get("suggestions", "").split(",") if one]
    if told:
        yield FieldSuggestions(field=each.pointer, suggestions=told)


def _retry(seconds: float) -> error_details_pb2.RetryInfo:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(int(seconds * 1000))
    return retry
