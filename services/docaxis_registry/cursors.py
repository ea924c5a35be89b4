"""Page cursors of the registry: opaque to clients, the place behind the last row inside."""

import base64
import binascii

import msgspec

from docaxis_eventsourcing.errors import DocaxisError

_decoder = msgspec.msgpack.Decoder(tuple[str, str])


def write_cursor(after: tuple[str, str] | None) -> str:
    """The cursor of a page; empty where nothing is behind it."""
    if after is None:
        return ""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(after)).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[str, str] | None:
    """What `write_cursor` wrote. Raises `DocaxisError` `cursor_invalid`."""
    if not cursor:
        return None
    try:
        return _decoder.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise DocaxisError("cursor_invalid") from None
