"""What runs where telemetry is on, and how it ends.

Everything that speaks to a backend does so in threads of its own, with bounded queues: one that is
away or hangs costs what was to be told, and nothing else. An end waits `_END_WITHIN_S` at most.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor

from docaxis_runtime import telemetry
from docaxis_runtime.telemetry_sdk.kept_traces import KeptTraces
from docaxis_runtime.telemetry_sdk.measures import Measures
from docaxis_runtime.telemetry_sdk.recorder import SdkRecorder
from docaxis_runtime.telemetry_sdk.services import ServiceSpans, resource_of
from docaxis_runtime.telemetry_sdk.spans import root_sampler
from docaxis_runtime.telemetry_settings import Exporter, TelemetrySettings

_END_WITHIN_S = 2.0
_log = structlog.get_logger(__name__)


class Telemetry:
    """All exporters of one process, and the recorder that feeds them."""

    def __init__(
        self,
        service: str,
        settings: TelemetrySettings,
        attributes: Mapping[str, str],
        kept: Path | None,
    ) -> None:
        """`kept` is the file for the last spans. Raises `OSError` where `/metrics` cannot listen,
        `ValueError` for an address that is none."""
        self._ends: list[Callable[[], object]] = []
        self.metrics_port = 0
        readers: list[MetricReader] = []
        if settings.metrics_listen:
            readers.append(self._prometheus(*settings.metrics_address()))
        processors: list[SpanProcessor] = [KeptTraces(kept)] if kept is not None else []
        resource = resource_of(service, attributes)
        if settings.otlp_endpoint:
            if settings.traces_exporter is Exporter.OTLP:
                processors.append(self._otlp_spans(settings.otlp_endpoint))
            if settings.metrics_exporter is Exporter.OTLP:
                readers.append(_otlp_metrics(settings.otlp_endpoint))
            if settings.logs_exporter is Exporter.OTLP:
                from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

                from docaxis_runtime.telemetry_sdk.log_export import LogExport

                lines = LogExport(resource, OTLPLogExporter(endpoint=settings.otlp_endpoint))
                logging.getLogger().addHandler(lines)
                self._ends.append(lines.shutdown)
        meters = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._ends.append(meters.shutdown)
        measures = Measures(meters.get_meter("docaxis"))
        services = ServiceSpans(tuple(processors), root_sampler(settings), attributes)
        telemetry.install(SdkRecorder(services, measures))

    def end(self) -> None:
        """Tell what waits, and end all threads: those that hang are left behind."""
        telemetry.install(None)
        ending = [
            threading.Thread(target=each, name="telemetry-end", daemon=True) for each in self._ends
        ]
        for thread in ending:
            thread.start()
        left_s = _END_WITHIN_S
        for thread in ending:
            thread.join(left_s)
            if thread.is_alive():
                _log.warning("telemetry_not_told", within_s=_END_WITHIN_S)
                left_s = 0.01

    def _otlp_spans(self, endpoint: str) -> SpanProcessor:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))
        self._ends.append(processor.shutdown)
        return processor

    def _prometheus(self, host: str, port: int) -> MetricReader:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import CollectorRegistry, start_http_server
        from prometheus_client.platform_collector import PlatformCollector
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        reader = PrometheusMetricReader(registry=registry, scope_info_enabled=False)
        server, _ = start_http_server(port, host, registry)
        self.metrics_port = server.server_port
        self._ends.append(server.shutdown)
        self._ends.append(server.server_close)
        return reader


def _otlp_metrics(endpoint: str) -> MetricReader:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    return PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))
