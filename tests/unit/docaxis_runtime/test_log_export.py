"""Log lines by OTLP: the same values, the trace, and nobody's personal data."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource

from docaxis_runtime.call_context import CallContext, calling
from docaxis_runtime.log_setup import configure_logging
from docaxis_runtime.telemetry_sdk.log_export import LogExport

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_lines_carry_their_values_and_trace_and_no_personal_data() -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    lines = LogExport(Resource({}), exporter)
    logging.getLogger().addHandler(lines)
    with calling(CallContext("r", TRACEPARENT)):
        structlog.get_logger("docaxis.test").warning(
            "call_refused", code="busy", milliseconds=1.5, subject="Về việc mật", token="secret-1"
        )
    logging.getLogger("other").error("of %s", "another")
    logging.getLogger("opentelemetry.exporter").error("the collector is away")
    lines.shutdown()
    assert lines not in logging.getLogger().handlers
    first, second = (each.log_record for each in exporter.get_finished_logs())
    attributes: dict[str, Any] = dict(first.attributes or {})
    assert (first.body, attributes["code"], attributes["milliseconds"]) == (
        "call_refused",
        "busy",
        1.5,
    )
    assert (attributes["subject"], attributes["token"]) == ("[withheld]", "[withheld]")
    assert f"{first.trace_id or 0:032x}" == attributes["trace_id"] == TRACE
    assert (first.severity_text, second.body) == ("WARNING", "of another")
    assert "trace_id" not in (second.attributes or {})
    written = stream.getvalue()
    assert f'"trace_id":"{TRACE}"' in written and "secret-1" not in written
