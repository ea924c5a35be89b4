"""A real OTLP receiver: a gRPC server that decodes what exporters send and keeps it."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2,
    metrics_service_pb2_grpc,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True, slots=True)
class Received:
    """One span as it came. Ids are hexadecimal."""

    trace: str
    span: str
    parent: str
    service: str
    name: str
    error: str
    kind: int
    attributes: dict[str, Any]
    links: tuple[str, ...]


@dataclass(slots=True)
class Collector:
    """What was received so far."""

    endpoint: str = ""
    spans: list[Received] = field(default_factory=list)
    metrics: dict[str, set[str]] = field(default_factory=dict)
    """Names of metrics, by service."""
    lines: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    """Log lines: body, attributes, trace id."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trace(self, trace_id: str) -> list[Received]:
        """The spans of one trace."""
        with self._lock:
            return [each for each in self.spans if each.trace == trace_id]

    def traces_linked_to(self, trace_id: str) -> set[str]:
        """Ids of other traces that link to this one."""
        with self._lock:
            return {each.trace for each in self.spans if trace_id in each.links}

    def all(self) -> list[Received]:
        """Every span."""
        with self._lock:
            return list(self.spans)

    def Spans(self, request: Any, context: Any) -> Any:
        with self._lock:
            for resource in request.resource_spans:
                service = _attributes(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    self.spans += [_received(service, each) for each in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def Metrics(self, request: Any, context: Any) -> Any:
        with self._lock:
            for resource in request.resource_metrics:
                service = _attributes(resource.resource.attributes)["service.name"]
                for scope in resource.scope_metrics:
                    names = {each.name for each in scope.metrics}
                    self.metrics.setdefault(service, set()).update(names)
        return metrics_service_pb2.ExportMetricsServiceResponse()

    def Logs(self, request: Any, context: Any) -> Any:
        with self._lock:
            for resource in request.resource_logs:
                for scope in resource.scope_logs:
                    self.lines += [
                        (
                            each.body.string_value,
                            _attributes(each.attributes),
                            each.trace_id.hex(),
                        )
                        for each in scope.log_records
                    ]
        return logs_service_pb2.ExportLogsServiceResponse()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port of this machine."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        _with_export(trace_service_pb2_grpc.TraceServiceServicer, collector.Spans), server
    )
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(  # type: ignore[no-untyped-call]
        _with_export(metrics_service_pb2_grpc.MetricsServiceServicer, collector.Metrics), server
    )
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(  # type: ignore[no-untyped-call]
        _with_export(logs_service_pb2_grpc.LogsServiceServicer, collector.Logs), server
    )
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None)


def tree(spans: Sequence[Received]) -> dict[str, list[Received]]:
    """The children of each span, by its id; of those whose parent is not there under ``""``."""
    known = {each.span for each in spans}
    children: dict[str, list[Received]] = {}
    for each in spans:
        children.setdefault(each.parent if each.parent in known else "", []).append(each)
    return children


def paths(spans: Sequence[Received]) -> set[tuple[str, ...]]:
    """Every way from a root to a span, as `service name`."""
    children = tree(spans)
    found: set[tuple[str, ...]] = set()

    def walk(parent: str, way: tuple[str, ...]) -> None:
        for each in children.get(parent, ()):
            here = (*way, f"{each.service.removeprefix('docaxis-')} {each.name}")
            found.add(here)
            walk(each.span, here)

    walk("", ())
    return found


def _with_export(base: type[Any], export: Any) -> Any:
    return type("Servicer", (base,), {"Export": lambda self, *given: export(*given)})()


def _received(service: str, span: Any) -> Received:
    return Received(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        service,
        span.name,
        span.status.message if span.status.code == 2 else "",
        span.kind,
        _attributes(span.attributes),
        tuple(each.trace_id.hex() for each in span.links),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in pairs}
