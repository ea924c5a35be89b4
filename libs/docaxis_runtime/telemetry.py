"""Thin helpers over the OpenTelemetry API; without an SDK they cost next to nothing.

Between processes and through the log a trace travels as its W3C `traceparent`, a string, so that
whoever stores it needs no telemetry library. A caller's trace goes on even where nothing records.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from docaxis_runtime.call_context import current_traceparent

_propagator = TraceContextTextMapPropagator()


def tracer(name: str) -> Tracer:
    """The tracer of a package (`docaxis_routing`)."""
    return trace.get_tracer(name)


def inject_traceparent() -> str:
    """The current span as a `traceparent`, or else the caller's own; empty where there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent") or current_traceparent()


def extract_traceparent(traceparent: str) -> Context:
    """The context that a `traceparent` names; an empty one for an empty or malformed string."""
    return _propagator.extract({"traceparent": traceparent} if traceparent else {}, Context())


@contextmanager
def span(
    name: str,
    *,
    package: str,
    traceparent: str = "",
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """A span that follows from a `traceparent`, or else from the current span.

    Attributes are codes, ids and numbers, never people's words.
    """
    parent = extract_traceparent(traceparent) if traceparent else None
    with tracer(package).start_as_current_span(
        name, context=parent, kind=kind, attributes=dict(attributes or {})
    ) as current:
        yield current
