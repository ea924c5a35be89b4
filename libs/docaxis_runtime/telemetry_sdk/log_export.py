"""Log lines by OTLP: the same lines that go to stderr, with their values as attributes.

They pass the same processors first, so that personal data is blanked here as there. What the
exporter says of itself is not exported: a collector that is away would be told of that for ever.
"""

import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from docaxis_runtime.call_context import current_traceparent
from docaxis_runtime.telemetry_sdk.spans import parse

_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)
_OWN = ("opentelemetry", "grpc")
_NOT_ATTRIBUTES = frozenset({"event", "level", "logger", "timestamp", "exc_info"})


class LogExport(logging.Handler):
    """Hands each line to the exporter's thread."""

    def __init__(self, resource: Resource, exporter: LogRecordExporter) -> None:
        super().__init__()
        self._provider = LoggerProvider(resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        self._logger = self._provider.get_logger("docaxis")

    def emit(self, record: logging.LogRecord) -> None:
        """Export a line; a fault of ours must not stop whoever logs."""
        if record.name.startswith(_OWN):
            return
        try:
            self._logger.emit(_translated(record))
        except Exception:  # noqa: BLE001 - logging's own way to tell
            self.handleError(record)

    def shutdown(self) -> None:
        """Export what waits, and end."""
        logging.getLogger().removeHandler(self)
        self._provider.shutdown()


def _translated(record: logging.LogRecord) -> LogRecord:
    # structlog hands its line on as a dictionary; it has passed our processors already.
    line: Mapping[str, Any] = record.msg if isinstance(record.msg, dict) else {}
    attributes = {
        name: value if isinstance(value, str | bool | int | float) else str(value)
        for name, value in line.items()
        if name not in _NOT_ATTRIBUTES
    }
    span = parse(current_traceparent())
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=set_span_in_context(NonRecordingSpan(span)) if span else None,
        severity_text=record.levelname,
        severity_number=next(
            (number for level, number in _SEVERITIES if record.levelno >= level),
            SeverityNumber.DEBUG,
        ),
        body=str(line.get("event", "")) if line else record.getMessage(),
        attributes={"logger": record.name, **attributes},
    )
