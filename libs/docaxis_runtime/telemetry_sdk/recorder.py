"""Requests and calls: their spans, the links between traces, and how long they took.

A failure is an answer of 5xx, in REST and of a call (whose code's row says which it would be): what
was refused for the caller's own fault is no failure of the axis. Probes make no spans.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from time import perf_counter
from types import TracebackType

from opentelemetry.trace import SpanKind

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_runtime.call_context import CallContext, calling
from docaxis_runtime.error_table import ERRORS
from docaxis_runtime.telemetry import Answered, Duration
from docaxis_runtime.telemetry_sdk.measures import Measures
from docaxis_runtime.telemetry_sdk.services import ServiceSpans
from docaxis_runtime.telemetry_sdk.spans import OpenSpan
from docaxis_runtime.telemetry_sdk.watched_log import WatchedLog
from docaxis_runtime.telemetry_sdk.watched_store import WatchedStore

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = ("/live", "/ready")
_FAILED = 500

_open: ContextVar[OpenSpan | None] = ContextVar("docaxis_open_span", default=None)


class SdkRecorder:
    """The recorder of a process (`docaxis_runtime.telemetry.Recorder`)."""

    def __init__(self, services: ServiceSpans, measures: Measures) -> None:
        self._services = services
        self._measures = measures
        self._gateway = services.of("gateway")

    def request(self, context: CallContext, answered: Callable[[], Answered]) -> "_Request":
        """Serve a request of REST: the first span of its trace here."""
        span = self._gateway.begin("", context.traceparent, SpanKind.SERVER, first=True)
        return _Request(span, context, answered, self._measures)

    def call(self, method: str, context: CallContext) -> "_Call":
        """Serve a call; the service is that of the method's package (`docaxis.routing.v1`)."""
        service, name = _names(method)
        span = self._services.of(service).begin(name, context.traceparent, SpanKind.SERVER)
        return _Call(span, context, f"{service}/{name}", self._measures)

    def link(self, traceparent: str) -> None:
        """Link the innermost request or call being served."""
        span = _open.get()
        if span is not None and traceparent[3:35] != f"{span.context.trace_id:032x}":
            span.link(traceparent)

    def duration(self, what: Duration, seconds: float, outcome: str) -> None:
        """Note how long something took."""
        self._measures.duration(what, seconds, outcome)

    def log(self, log: EventLog) -> EventLog:
        """The log, watched."""
        return WatchedLog(log, self._services, self._measures)

    def store(self, store: ReadStore) -> ReadStore:
        """The store, watched."""
        return WatchedStore(store)


class _Served(ABC):
    """A context manager by hand: one of `contextlib` would cost a generator for each call."""

    __slots__ = ("_began", "_calling", "_measures", "_span", "_token")

    def __init__(self, span: OpenSpan, context: CallContext, measures: Measures) -> None:
        self._span = span
        self._measures = measures
        self._calling = calling(replace(context, traceparent=span.traceparent))

    def __enter__(self) -> None:
        self._began = perf_counter()
        self._calling.__enter__()
        self._token = _open.set(self._span)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _open.reset(self._token)
        self._calling.__exit__(None, None, None)
        self._ended(error, perf_counter() - self._began)

    @abstractmethod
    def _ended(self, error: BaseException | None, seconds: float) -> None:
        """Make the span and count the call; `error` is what it was left with."""


class _Request(_Served):
    __slots__ = ("_answered", "_request_id")

    def __init__(
        self,
        span: OpenSpan,
        context: CallContext,
        answered: Callable[[], Answered],
        measures: Measures,
    ) -> None:
        super().__init__(span, context, measures)
        self._answered = answered
        self._request_id = context.request_id

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        answered = self._answered()
        if answered.route.endswith(_PROBES):
            return
        method = answered.method if answered.method in _METHODS else "_OTHER"
        answered = answered._replace(method=method)
        self._measures.request(answered, seconds)
        span = self._span
        failed = _code_of(error) if error else ""
        if answered.status >= _FAILED:
            failed = answered.code or str(answered.status)
        if not (span.sampled or failed):
            return
        span.name = f"{method} {answered.route}" if answered.route else method
        span.attributes["http.request.method"] = method
        span.attributes["http.response.status_code"] = answered.status
        span.attributes["docaxis.request_id"] = self._request_id
        if answered.route:
            span.attributes["http.route"] = answered.route
        if answered.code:
            span.attributes["docaxis.code"] = answered.code
        span.end(failed)


class _Call(_Served):
    __slots__ = ("_method",)

    def __init__(
        self, span: OpenSpan, context: CallContext, method: str, measures: Measures
    ) -> None:
        super().__init__(span, context, measures)
        self._method = method

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        code = "ok" if error is None else _code_of(error)
        self._measures.call(self._method, code, seconds)
        row = ERRORS.get(code)
        failed = code if error is not None and row is not None and row.http >= _FAILED else ""
        if self._span.sampled or failed:
            self._span.attributes["rpc.method"] = self._method
            self._span.attributes["docaxis.code"] = code
            self._span.end(failed)


def _code_of(error: BaseException) -> str:
    """Of ours, or `cancelled`; what is not ours has left its words in the log line."""
    if isinstance(error, DocaxisError):
        return error.code
    return "internal" if isinstance(error, Exception) else "cancelled"


def _names(method: str) -> tuple[str, str]:
    package, _, name = method.lstrip("/").partition("/")
    parts = package.split(".")
    return (parts[1] if len(parts) > 1 else package), name
