"""Opaque cursors of pages and streams: what a client resumes from (design section 6a).

A cursor holds the log's epoch and numbers that one writer assigned, or a position per partition;
never a time or an id (L3). One of an older epoch starts again (L4).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem

T = TypeVar("T")


def encode_cursor(epoch: int, content: object) -> str:
    """An opaque text without padding, safe in a URL."""
    return urlsafe_b64encode(msgspec.msgpack.encode((epoch, content))).rstrip(b"=").decode()


def decode_cursor(cursor: str, epoch: int, of: type[T], start: T) -> T:
    """What `encode_cursor` was given; `start` for an empty cursor or one of another epoch.

    Raises `DocaxisError` `cursor_invalid`.
    """
    if not cursor:
        return start
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, content = msgspec.msgpack.decode(raw, type=tuple[int, msgspec.Raw])
        return msgspec.msgpack.decode(content, type=of) if at == epoch else start
    except (ValueError, msgspec.MsgspecError) as error:
        raise DocaxisError(
            "cursor_invalid", fields=(FieldProblem("/cursor", "cursor_invalid"),)
        ) from error
