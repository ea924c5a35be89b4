"""Who asks, and under which request id and trace: carried with every call, never in messages.

A door (REST, gRPC) sets the context; clients send it on as gRPC metadata, servers and in-process
twins set it again. It lives in a context variable, so concurrent requests never see each other's.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
ACTOR = "docaxis-actor"


@dataclass(frozen=True, slots=True)
class CallContext:
    """Empty strings where nothing is known. `traceparent` is W3C Trace Context."""

    request_id: str = ""
    traceparent: str = ""
    actor: str = ""
    """The system or account on whose authority the call is made."""


_NOBODY = CallContext()
_current: ContextVar[CallContext] = ContextVar("docaxis_call", default=_NOBODY)


def current_call() -> CallContext:
    """The context of the call being served; an empty one outside of any."""
    return _current.get()


def current_traceparent() -> str:
    """The W3C traceparent of the call being served; empty outside of any."""
    return _current.get().traceparent


@contextmanager
def calling(context: CallContext) -> Iterator[None]:
    """Serve under a context; what stood before is put back."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def name_actor(actor: str) -> None:
    """From here to the end of the call, say on whose authority it is made."""
    call = _current.get()
    _current.set(CallContext(call.request_id, call.traceparent, actor))


def to_metadata(context: CallContext) -> tuple[tuple[str, str], ...]:
    """The context as gRPC metadata; what is empty is left out."""
    pairs = (
        (REQUEST_ID, context.request_id),
        (TRACEPARENT, context.traceparent),
        (ACTOR, context.actor),
    )
    return tuple((key, value) for key, value in pairs if value)


def from_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> CallContext:
    """The context that `to_metadata` wrote; other keys are ignored."""
    found = {key: value for key, value in metadata if isinstance(value, str)}
    return CallContext(found.get(REQUEST_ID, ""), found.get(TRACEPARENT, ""), found.get(ACTOR, ""))
