"""Certificates for demonstrations and tests, made in memory.

RSA of 2048 bits for authorities, persons and seals: those signatures end up in PDF files, and
ISO 32000-1 knows RSA only (elliptic curves came with ISO/TS 32002 in 2022), so many a desk's PDF
reader still shows an ECDSA signature as unknown. A system's signature is read by this software
alone: it takes ECDSA P-256, which signs some twenty times faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from docaxis_trust.identity import SigningKey

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""Extended key usage ``id-kp-documentSigning`` (RFC 9336)."""

_TEN_YEARS = timedelta(days=3652)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key, and the certificates from its issuer upwards."""

    key: SigningKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    def key_pem(self) -> bytes:
        """Give the private key as PKCS #8 PEM, unencrypted."""
        return key_pem(self.key)

    def certificate_pem(self) -> bytes:
        """Give the certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


def subject_of(
    common_name: str,
    organisation_name: str,
    *,
    organisation_identifier: str = "",
    country: str = "VN",
) -> x509.Name:
    """Build a subject name; the identifier (2.5.4.97, ETSI EN 319 412-3) marks a seal."""
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, country),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation_name),
    ]
    if organisation_identifier:
        attributes.append(
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organisation_identifier)
        )
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def issue_authority(
    subject: x509.Name,
    issuer: Issued | None = None,
    *,
    path_length: int | None = None,
    key: SigningKey | None = None,
    not_before: datetime | None = None,
    lifetime: timedelta = _TEN_YEARS,
) -> Issued:
    """Make a certificate authority, its own root where no issuer is given."""
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    return _issue(
        key or new_rsa_key(),
        subject,
        issuer,
        not_before,
        lifetime,
        [
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (usage, True),
        ],
    )


def issue_signer(
    subject: x509.Name,
    issuer: Issued,
    *,
    key: SigningKey | None = None,
    not_before: datetime | None = None,
    lifetime: timedelta = _TEN_YEARS,
    purposes: Sequence[ObjectIdentifier] = (
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        DOCUMENT_SIGNING,
    ),
    content_commitment: bool = True,
) -> Issued:
    """Make a certificate that signs documents: a person's, a seal's or a system's.

    ``content_commitment`` is the key usage that people know as non-repudiation; a system's
    signature vouches for its bytes alone and goes without.
    """
    usage = _key_usage(digital_signature=True, content_commitment=content_commitment)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
    ]
    if purposes:
        extensions.append((x509.ExtendedKeyUsage(purposes), False))
    return _issue(key or new_rsa_key(), subject, issuer, not_before, lifetime, extensions)


def key_pem(key: SigningKey) -> bytes:
    """Give a private key as PKCS #8 PEM, unencrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Draw an RSA key of 2048 bits (some 100 ms)."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_elliptic_key() -> ec.EllipticCurvePrivateKey:
    """Draw an elliptic curve key on P-256 (well below a millisecond)."""
    return ec.generate_private_key(ec.SECP256R1())


def _issue(
    key: SigningKey,
    subject: x509.Name,
    issuer: Issued | None,
    not_before: datetime | None,
    lifetime: timedelta,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> Issued:
    issuer_key = issuer.key if issuer else key
    # A day back: the clocks of a demonstration's machines need not agree.
    begins = not_before or datetime.now(UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    chain = (issuer.certificate, *issuer.chain) if issuer else ()
    return Issued(key, builder.sign(issuer_key, hashes.SHA256()), chain)


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
