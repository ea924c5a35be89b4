"""Log lines: JSON for machines or plain for people, and never anyone's personal data.

Code logs events with named values (`log.info("call_refused", code=…)`); what may hold people's
words or secrets is blanked here by name, whoever logs it: subjects, people's names, tokens.
`reason` is why a part does not work; a clerk's reason for returning a document is never logged.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import msgspec
import structlog

from docaxis_runtime.call_context import current_traceparent
from docaxis_runtime.telemetry import trace_id_of

_FORBIDDEN = frozenset(
    """
    authorization body card content cookie description email full_name headers jws password payload
    phone position reason_text secret signer subject text token url
    """.split()
)

_encoder = msgspec.json.Encoder(enc_hook=str)


def configure_logging(
    style: Literal["json", "console"] = "json",
    level: str = "INFO",
    stream: Any = None,
    *,
    on_every_line: Mapping[str, str] | None = None,
) -> None:
    """Set up structlog, and let the standard library's loggers write the same lines.

    `on_every_line` names who speaks (service, replica). Raises `ValueError` for a level that is
    not known.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"unknown log level {level!r}")
    output = stream or sys.stderr
    constants = dict(on_every_line or {})
    shared: list[Any] = [
        lambda _logger, _method, event: {**constants, **event},
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_trace,
        without_personal_data,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # One line per request belongs to the proxy in front; ours are the refusals and failures.
    logging.getLogger("uvicorn.access").disabled = True


def with_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: the trace of the call being served, so that both can be found."""
    if traceparent := current_traceparent():
        event.setdefault("trace_id", trace_id_of(traceparent))
    return event


def without_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: blank the values whose names are for people's words or secrets."""
    for key in event:
        if key in _FORBIDDEN:
            event[key] = "[withheld]"
    return event


def _to_json(event: Any, **_options: Any) -> str:
    return _encoder.encode(event).decode()
