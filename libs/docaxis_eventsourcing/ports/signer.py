"""The axis's own signing key: a key file, or a PKCS#11 token."""

from collections.abc import Mapping
from typing import Protocol


class Signer(Protocol):
    """Signs receipts with a key that never leaves it."""

    @property
    def key_id(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        ...

    def public_jwk(self) -> Mapping[str, str]:
        """The public key as a JWK (RFC 7517)."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The raw signature. Deterministic for Ed25519, so the same receipt has the same bytes."""
        ...
