"""Traces and figures of what a process does: the hooks that code calls.

Nothing here imports an SDK. Where telemetry is off (no recorder is installed) each hook is one
comparison, and the ports that are handed in are handed back as they are. Where it is on, the
recorder (`telemetry_sdk`) makes the spans.

Between processes and through the log a trace travels as its W3C `traceparent`, a string, so that
whoever stores it needs no telemetry library. A caller's trace goes on even where nothing records.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_runtime.call_context import CallContext, calling, current_traceparent

_propagator = TraceContextTextMapPropagator()


class Duration(StrEnum):
    """What is measured in seconds beside requests and calls; names as OpenTelemetry writes them."""

    HAND_OVER = "docaxis.hand_over.duration"
    """From ready for its recipient to acknowledged, of each delivery."""
    STATUS = "docaxis.first_status.duration"
    """From the hand-over to the recipient's first status, of each delivery."""
    VERIFICATION = "docaxis.verification.duration"
    """One file's check in a worker process, with its wait for one."""


class Answered(NamedTuple):
    """How a request of REST ended. The route is a template, never what stood in its place."""

    method: str
    route: str
    status: int
    code: str


class Recorder(Protocol):
    """What makes spans and figures of a process's work; none of it waits or raises."""

    def request(
        self, context: CallContext, answered: Callable[[], Answered]
    ) -> AbstractContextManager[None]:
        """Serve a request of REST: `answered` is asked at its end."""
        ...

    def call(self, method: str, context: CallContext) -> AbstractContextManager[None]:
        """Serve a call of a servicer's method; a failure passes through."""
        ...

    def link(self, traceparent: str) -> None:
        """Link the call being served to another trace."""
        ...

    def duration(self, what: Duration, seconds: float, outcome: str) -> None:
        """Note how long something took."""
        ...

    def log(self, log: EventLog) -> EventLog:
        """The same log, watched."""
        ...

    def store(self, store: ReadStore) -> ReadStore:
        """The same store, watched."""
        ...


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """From now on this one records; None: nothing does."""
    global _recorder
    _recorder = recorder


def is_on() -> bool:
    """Whether anything records."""
    return _recorder is not None


def serving_request(
    context: CallContext, answered: Callable[[], Answered]
) -> AbstractContextManager[None]:
    """Serve a request of REST under its context."""
    return calling(context) if _recorder is None else _recorder.request(context, answered)


def serving_call(method: str, context: CallContext) -> AbstractContextManager[None]:
    """Serve a call of a servicer's method (`/package.Service/Method`) under its context."""
    return calling(context) if _recorder is None else _recorder.call(method, context)


def link_to(traceparent: str) -> None:
    """Link the call being served to the trace in which a document was submitted."""
    if _recorder is not None and traceparent:
        _recorder.link(traceparent)


def took(what: Duration, seconds: float, outcome: str = "") -> None:
    """Note how long something took."""
    if _recorder is not None:
        _recorder.duration(what, seconds, outcome)


def watched_log(log: EventLog) -> EventLog:
    """The log as services get it: what they append, take and commit becomes spans and figures."""
    return log if _recorder is None else _recorder.log(log)


def watched_store(store: ReadStore) -> ReadStore:
    """The store as services get it: what views write becomes spans."""
    return store if _recorder is None else _recorder.store(store)


def inject_traceparent() -> str:
    """The current span as a `traceparent`, or else the call's own; empty where there is none."""
    if trace.get_current_span() is trace.INVALID_SPAN:
        return current_traceparent()
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent") or current_traceparent()


def trace_id_of(traceparent: str) -> str:
    """The trace's id, 32 hexadecimal digits; empty for an empty or malformed `traceparent`."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else ""
