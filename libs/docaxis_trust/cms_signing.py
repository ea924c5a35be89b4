"""Make a detached CMS signature: a CAdES baseline one (ETSI EN 319 122-1, level B-B).

SHA-256; signed are the content type, the digest, the time claimed, the certificate's digest
(RFC 5035) and the algorithms (RFC 6211).

Building the structure with asn1crypto takes some seven milliseconds, the signature itself a
twentieth of one. All parts but four are the same each time: they are built once for an identity,
and a signature only sets the others between them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from asn1crypto import algos, cms, core, tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from docaxis_trust.identity import LoadedIdentity, SigningKey

_SEQUENCE, _SET, _OCTETS, _CONTEXT_0 = 0x30, 0x31, 0x04, 0xA0
_SIGNED_DATA = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
_MESSAGE_DIGEST = core.ObjectIdentifier("1.2.840.113549.1.9.4").dump()
_SIGNING_TIME = core.ObjectIdentifier("1.2.840.113549.1.9.5").dump()


@dataclass(frozen=True, slots=True)
class _Fixed:
    """DER of the parts that do not change from one signature of an identity to the next."""

    signed_data: bytes  # version, digest algorithms, content, certificates
    signer: bytes  # version, signer's name, digest algorithm
    attributes: tuple[bytes, ...]
    signature_algorithm: bytes


def sign_digest(digest: bytes, signer: LoadedIdentity, at: datetime) -> bytes:
    """Sign the SHA-256 of some content, with a time claimed; returns the CMS signature as DER."""
    fixed = _fixed_parts(signer)
    attributes = [
        *fixed.attributes,
        _attribute(_SIGNING_TIME, _time(at)),
        _attribute(_MESSAGE_DIGEST, _der(_OCTETS, digest)),
    ]
    # DER sorts the members of a set by their encoding.
    content = b"".join(sorted(attributes))
    signature = _sign(signer.key, _der(_SET, content))
    signer_info = _der(
        _SEQUENCE,
        fixed.signer
        + _der(_CONTEXT_0, content)
        + fixed.signature_algorithm
        + _der(_OCTETS, signature),
    )
    signed_data = _der(_SEQUENCE, fixed.signed_data + _der(_SET, signer_info))
    return _der(_SEQUENCE, _SIGNED_DATA + _der(_CONTEXT_0, signed_data))


@lru_cache(maxsize=64)
def _fixed_parts(signer: LoadedIdentity) -> _Fixed:
    digest_algorithm = algos.DigestAlgorithm({"algorithm": "sha256"})
    if isinstance(signer.key, ec.EllipticCurvePrivateKey):
        signature_algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    else:
        signature_algorithm = algos.SignedDigestAlgorithm(
            {"algorithm": "sha256_rsa", "parameters": core.Null()}
        )
    name = cms.IssuerAndSerialNumber(
        {
            "issuer": signer.certificate.issuer,
            "serial_number": signer.certificate.serial_number,
        }
    )
    # The certificate's digest is SHA-256, the default of RFC 5035, which DER leaves out.
    certificate = tsp.SigningCertificateV2({"certs": [{"cert_hash": signer.certificate.sha256}]})
    protection = cms.CMSAlgorithmProtection(
        {"digest_algorithm": digest_algorithm, "signature_algorithm": signature_algorithm}
    )
    certificates = sorted(each.dump() for each in (signer.certificate, *signer.chain))
    version = core.Integer(1).dump()
    return _Fixed(
        signed_data=version
        + _der(_SET, digest_algorithm.dump())
        + cms.EncapsulatedContentInfo({"content_type": "data"}).dump()
        + _der(_CONTEXT_0, b"".join(certificates)),
        signer=version + name.dump() + digest_algorithm.dump(),
        attributes=tuple(
            cms.CMSAttribute({"type": type_, "values": [value]}).dump()
            for type_, value in (
                ("content_type", "data"),
                ("signing_certificate_v2", certificate),
                ("cms_algorithm_protection", protection),
            )
        ),
        signature_algorithm=signature_algorithm.dump(),
    )


def _sign(key: SigningKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _attribute(type_: bytes, value: bytes) -> bytes:
    return _der(_SEQUENCE, type_ + _der(_SET, value))


def _time(at: datetime) -> bytes:
    # Two digits for the year until 2049, four from then on (RFC 5652, section 11.3).
    utc = at.astimezone(UTC)
    if utc.year < 2050:
        return _der(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())
    return _der(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
