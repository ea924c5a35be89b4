"""Who signs: a private key, its certificate and the chain up to an anchor, as files."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from asn1crypto import pem, x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from docaxis_trust.private_files import read_private_file

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class IdentityUnusable(ValueError):
    """Key and certificate cannot sign together; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Paths to PEM files: key (PKCS #8, mode 0600), certificate, and the chain without the root."""

    key_path: Path
    certificate_path: Path
    chain_paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedIdentity:
    """An identity in memory, ready to sign."""

    key: SigningKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def load_identity(identity: Identity) -> LoadedIdentity:
    """Load key and certificates; kept in memory until one of the files changes.

    Raises ``IdentityUnusable`` for a key that is neither RSA nor elliptic or does not belong to
    the certificate, ``PrivateFileRefused`` for a key file that others may read, ``OSError``.
    """
    paths = (identity.key_path, identity.certificate_path, *identity.chain_paths)
    return _load(identity, tuple(path.stat().st_mtime_ns for path in paths))


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read every certificate of a PEM file; raises ``ValueError`` when there is none."""
    content = path.read_bytes()
    if not pem.detect(content):
        raise ValueError(f"{path} is not a PEM file")
    found = tuple(
        x509.Certificate.load(der, strict=True)
        for label, _, der in pem.unarmor(content, multiple=True)
        if label == "CERTIFICATE"
    )
    if not found:
        raise ValueError(f"{path} holds no certificate")
    return found


@lru_cache(maxsize=64)
def _load(identity: Identity, _modified: tuple[int, ...]) -> LoadedIdentity:
    key = load_pem_private_key(read_private_file(identity.key_path), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise IdentityUnusable(f"{identity.key_path}: neither an RSA nor an elliptic curve key")
    certificate = load_certificates(identity.certificate_path)[0]
    public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public_key != certificate.public_key.dump():
        raise IdentityUnusable(
            f"{identity.certificate_path} was not made for the key in {identity.key_path}"
        )
    chain = tuple(each for path in identity.chain_paths for each in load_certificates(path))
    return LoadedIdentity(key, certificate, chain)
