"""The axis's own signing key in a file: Ed25519, PKCS #8 PEM, for its owner alone."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from docaxis_trust.jwk_set import public_jwk
from docaxis_trust.private_files import PrivateFileRefused, read_private_file, write_private_file

__all__ = ["KeyFileSigner", "KeyFileUnusable", "PrivateFileRefused"]


class KeyFileUnusable(ValueError):
    """The file holds no Ed25519 private key; the message names it, and nothing of its content."""


class KeyFileSigner:
    """Signs with the key in a file, read once; ``sign`` takes some 50 microseconds.

    Raises ``PrivateFileRefused`` when group or others have any right on the file,
    ``KeyFileUnusable``, ``OSError``.
    """

    def __init__(self, path: Path) -> None:
        try:
            key = load_pem_private_key(read_private_file(path), password=None)
        except (ValueError, TypeError):
            # Without the cause: it may quote the file.
            raise KeyFileUnusable(f"{path} is not an unencrypted PEM private key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileUnusable(f"{path} holds a key, but not an Ed25519 one")
        self._key = key
        self._jwk = public_jwk(key.public_key())

    @classmethod
    def create(cls, path: Path) -> "KeyFileSigner":
        """Draw a new key and keep it in a new file with mode 0600, durable before this returns.

        Raises ``FileExistsError`` when there is a file: a key in use is never written over.
        """
        key = Ed25519PrivateKey.generate()
        write_private_file(
            path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return cls(path)

    @property
    def key_id(self) -> str:
        """The thumbprint of the public key (RFC 7638)."""
        return self._jwk["kid"]

    def public_jwk(self) -> dict[str, str]:
        """Give the public key as a JWK, to be published."""
        return dict(self._jwk)

    def sign(self, data: bytes) -> bytes:
        """Sign data; returns the 64 bytes of the signature."""
        return self._key.sign(data)
