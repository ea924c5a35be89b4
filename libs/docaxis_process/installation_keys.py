"""The keys of a new installation: who its processes are to each other, and what each alone holds.

    KEYS/authority/ca.key, ca.crt               signs the certificates below, and no others
    KEYS/<name>/tls.key, tls.crt, ca.crt        mutual TLS between processes, and the store's
    KEYS/<name>/s3-access-key, s3-secret-key    of those who keep files
    KEYS/signature/receipts.pem                 the key that signs receipts
    KEYS/operator/                              `docaxis admin create`, the demonstration

The names are those of Kubernetes' `kubernetes.io/tls`. A folder is what one process is given, and
no process is given two. What is there is left as it is, so a run that died halfway is
run again; where a `tls.crt` was removed it is issued anew.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.private_files import read_private_file, write_private_file

OBJECT_STORAGE = "object-storage"
WITH_FILES = ("gateway", "routing", "signature", "status", OBJECT_STORAGE)
HOLDERS = ("registry", "routing", "signature", "status", "notification", "gateway")
OTHERS = (OBJECT_STORAGE, "operator")
AUTHORITY_YEARS = 10
CERTIFICATE_DAYS = 397
_EARLIER = timedelta(hours=1)
"""Clocks of other machines are not ahead by more."""


def make_installation_keys(folder: Path, namespace: str = "docaxis") -> Sequence[Path]:
    """Make what is missing; returns the files that were made.

    `namespace` is Kubernetes', which is part of the names in the certificates. Raises `OSError`,
    `PrivateFileRefused` where a key that is there is open to others.
    """
    made: list[Path] = []

    def keep(path: Path, content: Callable[[], bytes]) -> None:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private_file(path, content())
            made.append(path)

    authority = folder / "authority"
    keep(authority / "ca.key", _new_key)
    authority_key = _key(authority / "ca.key")
    keep(authority / "ca.crt", lambda: _authority(authority_key))
    keep(authority / "s3-access-key", lambda: secrets.token_hex(10).encode())
    keep(authority / "s3-secret-key", lambda: secrets.token_hex(20).encode())
    issuer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    for holder in (*HOLDERS, *OTHERS):
        own = folder / holder
        keep(own / "ca.crt", (authority / "ca.crt").read_bytes)
        keep(own / "tls.key", _new_key)
        public = _key(own / "tls.key").public_key()
        # The certificate comes last: where it lies, the key lies.
        names = _names(holder, namespace)
        keep(own / "tls.crt", lambda: _issued(names, public, issuer, authority_key))  # noqa: B023
        for name in ("s3-access-key", "s3-secret-key") if holder in WITH_FILES else ():
            keep(own / name, (authority / name).read_bytes)
    receipts = folder / "signature" / "receipts.pem"
    if not receipts.exists():
        KeyFileSigner.create(receipts)
        made.append(receipts)
    return made


def _names(holder: str, namespace: str) -> list[x509.GeneralName]:
    """What others call it: in Compose, in Kubernetes, and from within its own container."""
    inside = f"{holder}.{namespace}.svc"
    names = (holder, inside, f"{inside}.cluster.local", "localhost")
    return [*map(x509.DNSName, names), x509.IPAddress(ip_address("127.0.0.1"))]


def _new_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(read_private_file(path), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds another kind of key than is made here")
    return key


def _authority(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "docaxis services")])
    return (
        _certificate(name, name, key.public_key(), timedelta(days=366 * AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def _issued(
    names: Sequence[x509.GeneralName],
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> bytes:
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(names[0].value))])
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _certificate(own, issuer.subject, key, timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
