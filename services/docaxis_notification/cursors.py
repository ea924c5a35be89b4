"""Page cursors: opaque to clients, with the log's epoch (L4) and the place behind the last row."""

import base64
import binascii
from typing import TypeVar

import msgspec

from docaxis_eventsourcing.errors import DocaxisError

_Place = TypeVar("_Place")
_subscriptions = msgspec.msgpack.Decoder(str)
_notifications = msgspec.msgpack.Decoder(tuple[int, int])


def subscriptions_cursor(last_id: str) -> str:
    """The cursor behind a subscription."""
    return _write(last_id)


def read_subscriptions_cursor(cursor: str) -> str:
    """The last subscription's id; empty for no cursor. Raises `cursor_invalid`."""
    return _read(cursor, _subscriptions) if cursor else ""


def notifications_cursor(epoch: int, number: int) -> str:
    """The cursor behind a notification, by its number."""
    return _write((epoch, number))


def read_notifications_cursor(cursor: str, epoch: int) -> int:
    """The last notification's number; 0, the start, for no cursor or one of an older epoch.

    Raises `DocaxisError` `cursor_invalid`.
    """
    if not cursor:
        return 0
    of, number = _read(cursor, _notifications)
    return number if of == epoch else 0


def _write(place: str | tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _read(cursor: str, decoder: msgspec.msgpack.Decoder[_Place]) -> _Place:
    try:
        return decoder.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise DocaxisError("cursor_invalid") from None
