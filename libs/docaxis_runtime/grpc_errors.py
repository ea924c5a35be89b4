"""`DocaxisError` to gRPC status and back; nothing internal ever crosses.

A status carries the code as its details, and the whole error as trailing metadata
`docaxis-error-bin` (MessagePack), so that the caller gets the very error that was raised. What is
no `DocaxisError` is logged here with its traceback and leaves as `internal`.
"""

import grpc
import msgspec
import structlog

from docaxis_eventsourcing.errors import (
    DocaxisError,
    FieldProblem,
    StorageFull,
    Unavailable,
)
from docaxis_runtime.call_context import current_call
from docaxis_runtime.error_table import ERRORS, row_of

ERROR_METADATA = "docaxis-error-bin"

METADATA_LIMIT = 256 * 1024
"""Bytes of metadata that our servers and clients take (gRPC's own limit is 8 KiB)."""

# 10,000 refused recipients are a list of fields that no metadata should carry.
_FIELDS_LIMIT = 500

_WHEN_FULL_S = 10.0

_log = structlog.get_logger(__name__)


class _WireField(msgspec.Struct, array_like=True):
    pointer: str
    code: str
    params: dict[str, str]


class _WireError(msgspec.Struct, omit_defaults=True):
    code: str
    params: dict[str, str] = {}
    fields: list[_WireField] = []
    retry_after_s: float | None = None
    suggestions: list[str] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_WireError)

# What a status without our metadata means: it comes from gRPC itself, not from a servicer.
_TRANSPORT = {
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline_exceeded",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "busy",
    grpc.StatusCode.CANCELLED: "unavailable",
}


def public_error(error: Exception, operation: str) -> DocaxisError:
    """What a caller may know of any exception: itself, `unavailable`, a deadline, or `internal`."""
    if isinstance(error, DocaxisError):
        if error.code in ERRORS:
            return error
        _log.error("unknown_error_code", operation=operation, code=error.code, **_request())
        return DocaxisError("internal")
    if isinstance(error, StorageFull):
        _log.warning("storage_full", operation=operation, **_request(), exc_info=error)
        return DocaxisError("storage_full", retry_after_s=_WHEN_FULL_S)
    if isinstance(error, Unavailable):
        _log.warning("surroundings_unavailable", operation=operation, **_request(), exc_info=error)
        return DocaxisError("unavailable", retry_after_s=1.0)
    if isinstance(error, TimeoutError):
        return DocaxisError("deadline_exceeded", retry_after_s=1.0)
    _log.error("call_failed", operation=operation, **_request(), exc_info=error)
    return DocaxisError("internal")


def to_status(error: DocaxisError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Status, details and trailing metadata of an error."""
    wire = _WireError(
        error.code,
        error.params,
        [_WireField(each.pointer, each.code, dict(each.params)) for each in error.fields],
        error.retry_after_s,
        list(error.suggestions),
    )
    raw = _encoder.encode(wire)
    if len(raw) > METADATA_LIMIT // 2 or len(wire.fields) > _FIELDS_LIMIT:
        wire.fields = [_WireField(each.pointer, each.code, {}) for each in wire.fields]
        wire.fields = wire.fields[:_FIELDS_LIMIT]
        raw = _encoder.encode(wire)
    status = grpc.StatusCode[row_of(error.code).grpc]
    return status, error.code, ((ERROR_METADATA, raw),)


def from_rpc_error(error: grpc.aio.AioRpcError) -> DocaxisError:
    """The error that a servicer raised, or what the failure of the transport means."""
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_METADATA and isinstance(value, bytes):
            try:
                wire = _decoder.decode(value)
            except msgspec.DecodeError:
                break
            return DocaxisError(
                wire.code,
                wire.params,
                fields=tuple(
                    FieldProblem(each.pointer, each.code, each.params) for each in wire.fields
                ),
                retry_after_s=wire.retry_after_s,
                suggestions=tuple(wire.suggestions),
            )
    code = _TRANSPORT.get(error.code())
    if code is None:
        # gRPC's own words (a peer's address, a parser's complaint) are for the log alone.
        _log.error("rpc_failed", status=str(error.code()), details=error.details(), **_request())
        return DocaxisError("internal")
    return DocaxisError(code, retry_after_s=1.0)


def _request() -> dict[str, str]:
    return {"request_id": current_call().request_id}
