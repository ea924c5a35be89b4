"""Public Ed25519 keys as JSON Web Keys (RFC 7517, RFC 8037), named by their thumbprint (RFC 7638).

A key's id is computed from the key: whoever has the id cannot be given another key under it.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from docaxis_trust.compact_jws import decode, encode


class Signer(Protocol):
    """Whatever signs for the axis with Ed25519: a key file, a hardware module."""

    @property
    def key_id(self) -> str:
        """The thumbprint of the public key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign data; returns the 64 bytes of an Ed25519 signature (RFC 8032)."""
        ...


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Write a public key as a JWK with its thumbprint as ``kid``."""
    x = encode(key.public_bytes_raw()).decode("ascii")
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": x,
        "kid": thumbprint(x),
        "alg": "EdDSA",
        "use": "sig",
    }


def jwk_set(keys: Iterable[Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Put public keys together to the set that is published; the newest first by custom."""
    return {"keys": [dict(key) for key in keys]}


def find_key(jwks: Mapping[str, Any], key_id: str) -> Ed25519PublicKey | None:
    """Find an Ed25519 key in a set by its id; ``None`` where there is none.

    A key whose id is not its thumbprint is no key, nor is one that cannot be read. Keys read once
    are kept in memory.
    """
    keys = jwks.get("keys")
    for key in keys if isinstance(keys, list) else ():
        if isinstance(key, Mapping) and key.get("kid") == key_id:
            x = key.get("x")
            is_ed25519 = (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519")
            if is_ed25519 and isinstance(x, str):
                return _public_key(x, key_id)
    return None


def thumbprint(x: str) -> str:
    """Compute the thumbprint of an Ed25519 key from its ``x`` (RFC 7638 with RFC 8037, 2)."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return encode(sha256(canonical.encode()).digest()).decode("ascii")


@lru_cache(maxsize=64)
def _public_key(x: str, key_id: str) -> Ed25519PublicKey | None:
    if thumbprint(x) != key_id:
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(decode(x.encode()))
    except ValueError:
        return None
