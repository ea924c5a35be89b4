"""Spans: ids when they begin, everything else when they end.

A span is made of what is known at its end, so a request that is not sampled costs two random
numbers. Rules (tests carry their numbers):

- T1 The trace's first span asks the sampler; every other follows the flag of its `traceparent`.
- T2 A span that failed is recorded though its trace is not sampled, and so is each span around it
  that failed of it; what succeeded in that trace is not there.
- T3 Attributes are codes, ids and numbers, never people's words.
"""

import re
from collections.abc import Callable, Mapping
from time import time_ns

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from docaxis_runtime.telemetry_settings import Sampler, TelemetrySettings

MOST_LINKS = 16
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)


def parse(traceparent: str) -> SpanContext | None:
    """The span that a `traceparent` names; None for an empty or malformed one."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    context = SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=_flags(found[3])
    )
    return context if context.is_valid else None


def is_sampled(traceparent: str) -> bool:
    """Whether the trace of a `traceparent` is recorded: cheap, asked of every message."""
    return len(traceparent) == 55 and traceparent[-1] in "13579bdf"


class OpenSpan:
    """A span that has begun. `traceparent` names it to those who follow from it."""

    __slots__ = ("_spans", "attributes", "context", "kind", "links", "name", "parent", "started")

    def __init__(
        self,
        spans: "Spans",
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        started: int,
    ) -> None:
        self._spans = spans
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.started = started
        self.links: list[str] = []
        self.attributes: dict[str, AttributeValue] = {}

    @property
    def sampled(self) -> bool:
        """Whether it is recorded even if all goes well."""
        return self.context.trace_flags.sampled

    @property
    def traceparent(self) -> str:
        """As W3C Trace Context writes it."""
        at = self.context
        return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"

    def link(self, traceparent: str) -> None:
        """Point to another trace; beyond `MOST_LINKS`, or to none, nothing happens."""
        if len(self.links) >= MOST_LINKS or traceparent in self.links:
            return
        if parse(traceparent) is not None:
            self.links.append(traceparent)

    def end(self, error: str = "") -> None:
        """Record it, if it is sampled or has an error (T2)."""
        if self.sampled or error:
            self._spans.record(self, error)


class Spans:
    """The spans of one service; the services of a standalone have one each."""

    def __init__(
        self, service: str, resource: Resource, processors: tuple[SpanProcessor, ...], root: "Root"
    ) -> None:
        self._scope = InstrumentationScope(f"docaxis_{service}")
        self._resource = resource
        self._processors = processors
        self._root = root
        self._ids = RandomIdGenerator()

    def begin(
        self,
        name: str,
        traceparent: str,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        first: bool = False,
        started: int = 0,
    ) -> OpenSpan:
        """Begin one; `first` of a trace within docaxis (T1), `started` in Unix ns where before."""
        parent = parse(traceparent)
        trace_id = self._ids.generate_trace_id() if parent is None else parent.trace_id
        if first or parent is None:
            sampled = self._root(trace_id, parent)
        else:
            sampled = parent.trace_flags.sampled
        context = SpanContext(
            trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=_SAMPLED if sampled else _NOT_SAMPLED,
        )
        return OpenSpan(self, name, kind, context, parent, started or time_ns())

    def record(self, span: OpenSpan, error: str) -> None:
        """Hand an ended span to the exporters; none of them waits."""
        at = span.context
        exported = at if span.sampled else SpanContext(at.trace_id, at.span_id, False, _SAMPLED)
        links = [Link(context) for each in span.links if (context := parse(each)) is not None]
        readable = ReadableSpan(
            span.name,
            exported,
            span.parent,
            self._resource,
            span.attributes,
            links=links,
            kind=span.kind,
            status=Status(StatusCode.ERROR, error) if error else Status(StatusCode.UNSET),
            start_time=span.started,
            end_time=max(time_ns(), span.started),
            instrumentation_scope=self._scope,
        )
        for processor in self._processors:
            processor.on_end(readable)


Root = Callable[[int, SpanContext | None], bool]
"""Whether a trace, by its id and the caller's span if there is one, is recorded."""


def root_sampler(settings: TelemetrySettings) -> Root:
    """The sampler of the settings (T1)."""
    ratio = TraceIdRatioBased(settings.traces_sampler_arg)
    samplers: Mapping[Sampler, tuple[object, bool]] = {
        Sampler.ALWAYS_ON: (ALWAYS_ON, False),
        Sampler.ALWAYS_OFF: (ALWAYS_OFF, False),
        Sampler.RATIO: (ratio, False),
        Sampler.PARENT_ON: (ALWAYS_ON, True),
        Sampler.PARENT_OFF: (ALWAYS_OFF, True),
        Sampler.PARENT_RATIO: (ratio, True),
    }
    sampler, by_parent = samplers[settings.traces_sampler]

    def decide(trace_id: int, parent: SpanContext | None) -> bool:
        if by_parent and parent is not None:
            return parent.trace_flags.sampled
        result = sampler.should_sample(None, trace_id, "")  # type: ignore[attr-defined]
        return bool(result.decision is Decision.RECORD_AND_SAMPLE)

    return decide


def _flags(text: str) -> TraceFlags:
    return _SAMPLED if int(text, 16) & TraceFlags.SAMPLED else _NOT_SAMPLED
