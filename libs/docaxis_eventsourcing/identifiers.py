"""Ids that are computed from what they name (L1, L2), and those born at a door (UUIDv7)."""

import re
from hashlib import sha256
from uuid import UUID

import uuid_utils

IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62
_VARIANTS = {f"{digit:x}": f"{digit & 0b11 | 0b1000:x}" for digit in range(16)}


def new_id() -> str:
    """A new UUIDv7 (RFC 9562), for what is born at a door and has nothing to be computed from."""
    return str(uuid_utils.uuid7())


def is_identifier(text: str) -> bool:
    """Whether a text can be an id: a UUID as we write it, in lower case with hyphens."""
    return IDENTIFIER.fullmatch(text) is not None


def derived_id(*parts: str | int | bytes) -> str:
    """A UUIDv8 computed from the parts: the same parts give the same id, everywhere, for ever.

    The first 128 bits of SHA-256 over each part's length (8 bytes) and UTF-8 text, with version
    and variant set. Written out by hand: it is computed for every event.
    """
    raw = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    digest = sha256(b"".join([len(each).to_bytes(8) + each for each in raw]))
    bits = digest.hexdigest()
    variant = _VARIANTS[bits[16]]
    return f"{bits[:8]}-{bits[8:12]}-8{bits[13:16]}-{variant}{bits[17:20]}-{bits[20:32]}"


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
