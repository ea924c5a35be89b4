"""The compact form of a signed JSON object (RFC 7515, section 7.1), taken apart strictly.

Only the form: which header is acceptable and whether the signature holds is for the callers, who
each accept one type of token and few algorithms. A token that could be written in a second way
(padding, other letters, spare bits) is refused, so that one statement has one token.
"""

import binascii
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import msgspec

MOST_TOKEN_BYTES = 64 * 1024
"""A longer token is not looked at."""

_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/--")
_JSON = msgspec.json.Decoder()


class JwsMalformed(ValueError):
    """The token is not a compact JWS with a JSON object as header and as payload."""


@dataclass(frozen=True, slots=True)
class CompactJws:
    """A token's parts; ``signing_input`` is what the signature is over."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def signing_input(encoded_header: bytes, payload: bytes) -> bytes:
    """Join a header, already encoded, and a payload to what is to be signed."""
    return encoded_header + b"." + encode(payload)


def token_of(signed: bytes, signature: bytes) -> str:
    """Join what was signed and its signature to the token."""
    return (signed + b"." + encode(signature)).decode("ascii")


def take_apart(token: str) -> CompactJws:
    """Take a token apart, without verifying anything; raises ``JwsMalformed``."""
    if len(token) > MOST_TOKEN_BYTES:
        raise JwsMalformed("too long")
    try:
        raw = token.encode("ascii")
        signed, separator, signature = raw.rpartition(b".")
        header, second, payload = signed.partition(b".")
        if not separator or not second or b"." in payload:
            raise JwsMalformed("not three parts")
        parts = CompactJws(_object(header), _object(payload), signed, decode(signature))
    except (ValueError, RecursionError) as error:
        raise JwsMalformed(str(error)) from error
    if "crit" in parts.header:
        # RFC 7515, section 4.1.11: who does not know an extension named critical must refuse.
        raise JwsMalformed("extensions are not understood")
    return parts


def encode(data: bytes) -> bytes:
    """Write bytes as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """Read base64url without padding; raises ``ValueError`` for all other ways to write it."""
    data = binascii.a2b_base64(
        text.translate(_TO_STANDARD) + b"=" * (-len(text) % 4), strict_mode=True
    )
    if encode(data) != text:
        raise ValueError("base64url with spare bits")
    return data


def _object(text: bytes) -> dict[str, Any]:
    value = _JSON.decode(decode(text))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
