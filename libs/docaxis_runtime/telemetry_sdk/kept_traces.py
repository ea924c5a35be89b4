"""The last spans of a process in a file, one JSON object a line: for `docaxis trace`.

A newcomer sees a document's way without any backend. Two files of a bounded size take turns, so
the folder never grows beyond them; a disk that is full costs spans, and nothing else.
"""

import os
from pathlib import Path

import msgspec
import structlog
from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from docaxis_runtime.kept_spans import KeptSpan, file_before

LARGEST = 8 * 1024 * 1024
"""Bytes of one of the two files."""

_encoder = msgspec.json.Encoder()
_log = structlog.get_logger(__name__)


class KeptTraces(SpanProcessor):
    """Writes each span at once: they are few where nobody sends thousands of documents."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        """`path` is the file that is written; the one before it has `.1` behind its name."""
        self._path = path
        self._largest = largest
        self._failed = False

    def on_end(self, span: ReadableSpan) -> None:
        """Append a span's line."""
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(_encoder.encode(_row(span)) + b"\n")
                size = file.tell()
            if size > self._largest:
                self._path.replace(file_before(self._path))
            self._failed = False
        except OSError as error:
            if not self._failed:
                _log.warning("traces_not_kept", exc_info=error)
            self._failed = True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _row(span: ReadableSpan) -> KeptSpan:
    context, parent = span.context, span.parent
    if context is None:
        raise ValueError("a span without a context")
    return KeptSpan(
        trace=f"{context.trace_id:032x}",
        span=f"{context.span_id:016x}",
        parent="" if parent is None else f"{parent.span_id:016x}",
        service=str(span.resource.attributes.get(SERVICE_NAME, "")),
        name=span.name,
        start=span.start_time or 0,
        end=span.end_time or 0,
        error=span.status.description or "",
        attributes={name: str(value) for name, value in (span.attributes or {}).items()},
        links=tuple(f"{each.context.trace_id:032x}" for each in span.links),
    )
