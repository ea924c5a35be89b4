"""Moments as texts: RFC 3339 in UTC for machines, the day in Viet Nam for legal dates."""

from datetime import UTC, datetime, timedelta

_HANOI = timedelta(hours=7)
"""Asia/Ho_Chi_Minh has had one offset since 1975, so no time zone data is asked."""


def rfc3339(milliseconds: int) -> str:
    """Unix ms as RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str) -> int:
    """Unix ms of an RFC 3339 text. Raises `ValueError`."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def day_in_vietnam(milliseconds: int) -> str:
    """The full-date in Viet Nam at a moment (Unix ms)."""
    return (datetime.fromtimestamp(milliseconds / 1000, UTC) + _HANOI).date().isoformat()
