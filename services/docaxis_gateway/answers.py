"""How answers are written: JSON bytes, times, addresses."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from docaxis_eventsourcing.moments import rfc3339

PREFIX = "/api/v1"

_encoder = msgspec.json.Encoder()


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Encoded here: going through models again would double an answer's price."""
    return Response(_encoder.encode(body), status, headers, "application/json")


def moment(milliseconds: int) -> str | None:
    """Unix ms as RFC 3339 in UTC with milliseconds; None for 0, which means "never"."""
    if not milliseconds:
        return None
    return rfc3339(milliseconds)


def receipt_href(receipt_id: str) -> str | None:
    """Address of a receipt; None where there is none yet."""
    return f"{PREFIX}/receipts/{receipt_id}" if receipt_id else None


def document_href(document_id: str) -> str:
    """Address of a document."""
    return f"{PREFIX}/documents/{document_id}"
