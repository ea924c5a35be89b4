"""Pages and streams: how many items, how long a wait, and the cursor to resume from (section 6a).

A cursor is opaque. It holds the log's epoch and numbers that one writer assigned, or a position per
partition; never a time or an id (L3). One of an older epoch starts again (L4).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, TypeVar

import msgspec

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem

DEFAULT_LIMIT, MOST_LIMIT = 100, 500
LONGEST_WAIT_S = 50.0

Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
"""A version or a running number in a cursor. Clients may send any; stores count to 2**63."""

T = TypeVar("T")
S = TypeVar("S")


def encode_cursor(epoch: int, content: object) -> str:
    """An opaque text without padding, safe in a URL."""
    return urlsafe_b64encode(msgspec.msgpack.encode((epoch, content))).rstrip(b"=").decode()


def decode_cursor(cursor: str, epoch: int, of: type[T], start: S) -> T | S:
    """What `encode_cursor` was given; `start` for an empty cursor or one of another epoch.

    Raises `DocaxisError` `cursor_invalid`.
    """
    if not cursor:
        return start
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, content = msgspec.msgpack.decode(raw, type=tuple[int, msgspec.Raw])
        return msgspec.msgpack.decode(content, type=of) if at == epoch else start
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise DocaxisError(
            "cursor_invalid", fields=(FieldProblem("/cursor", "cursor_invalid"),)
        ) from error


def page_limit(asked: int) -> int:
    """Items of a page; 0 asks for the default. Raises `DocaxisError` `limit_invalid`."""
    if not 0 <= asked <= MOST_LIMIT:
        raise _out_of_bounds("limit", f"1-{MOST_LIMIT}")
    return asked or DEFAULT_LIMIT


def page_wait(asked_s: float) -> float:
    """Seconds that a long-poll may wait for news. Raises `DocaxisError` `limit_invalid`."""
    if not 0 <= asked_s <= LONGEST_WAIT_S:
        raise _out_of_bounds("wait_s", f"0-{LONGEST_WAIT_S:.0f} s")
    return asked_s


def _out_of_bounds(field: str, expected: str) -> DocaxisError:
    return DocaxisError("limit_invalid", {"field": field, "expected": expected})
