"""Ids that are computed from what they name (L1, L2), and those born at a door (UUIDv7)."""

from hashlib import sha256
from uuid import UUID

import uuid_utils

_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62


def new_id() -> str:
    """A new UUIDv7 (RFC 9562), for what is born at a door and has nothing to be computed from."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str | int | bytes) -> str:
    """A UUIDv8 computed from the parts: the same parts give the same id, everywhere, for ever."""
    return str(_uuid8(int.from_bytes(_digest(parts)[:16])))


def paired_id(first: bytes, second: bytes) -> str:
    """A UUIDv8 whose first 60 bits come from one hash and whose last 62 from another (L1).

    Ids with the same `first` share `leading_part`, whatever `second` is.
    """
    high = int.from_bytes(first[:8]) >> 4
    low = int.from_bytes(second[:8]) >> 2
    return str(UUID(int=(high >> 12) << 80 | _VERSION_8 | (high & 0xFFF) << 64 | _VARIANT | low))


def leading_part(identifier: str) -> str:
    """The 60 bits (15 hex digits) of a paired id that its `first` hash gave."""
    hex_digits = UUID(identifier).hex
    return hex_digits[:12] + hex_digits[13:16]


def _digest(parts: tuple[str | int | bytes, ...]) -> bytes:
    state = sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        state.update(len(raw).to_bytes(8))
        state.update(raw)
    return state.digest()


def _uuid8(bits: int) -> UUID:
    cleared = bits & ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=cleared | _VERSION_8 | _VARIANT)
