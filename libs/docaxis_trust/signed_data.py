"""One CMS signature (RFC 5652), detached or inside a PDF: is it sound, and whose is it?

Rules; the first that fails names the code:

- S1 It is a SignedData with exactly one signer, without content of its own (the content is the
  file), with at most 32 certificates, the signer's among them, and it can be read without doubt;
  else ``signature_unreadable``.
- S2 It has signed attributes. Without them, a signature over attributes could be passed off as one
  over a file that holds just those bytes (RFC 5652 allows it, CAdES and PAdES do not).
- S3 Digest and signature algorithms are among those accepted (SHA-2 and SHA-3; RSA of at least
  2048 bits, ECDSA, Ed25519), and they, and the algorithms that the signer protected
  (RFC 6211), name the same digest; else ``signature_unreadable``: what a broken algorithm signed
  proves nothing, neither good nor bad.
- S4 The content type that was signed is ``data``, and the signed message digest is the file's;
  else ``file_tampered``.
- S5 The signature holds over the signed attributes under the key of the certificate named; else
  ``file_tampered``.
- S6 The certificate is the one whose digest the signer signed (RFC 5035), where there is one; else
  ``certificate_untrusted``.
- S7 The certificate may sign documents at the validation time: the rules of ``certificate_paths``.

The signer's own time is reported and decides nothing.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime

import asn1crypto.tsp  # noqa: F401 - teaches asn1crypto.cms the attribute of RFC 5035
from asn1crypto import cms, core, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from pyhanko_certvalidator.policy_decl import DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.sig_validate import (
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from docaxis_trust.certificate_paths import TrustStore
from docaxis_trust.certificate_reading import read_certificate
from docaxis_trust.certificate_subjects import subject_of
from docaxis_trust.verdicts import CODES, SignatureFound

DigestOf = Callable[[str], bytes]
"""Gives the digest of the signed bytes under an algorithm of ``ACCEPTED_DIGESTS``."""

ACCEPTED_DIGESTS = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
_ACCEPTED_SIGNATURES = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "ed25519"})
_MOST_CERTIFICATES = 32
_ALGORITHMS = DisallowWeakAlgorithmsPolicy()  # type: ignore[no-untyped-call]
_VALIDATOR = DefaultSignatureValidator()


class SignatureUnreadable(ValueError):
    """Rules S1 to S3: the signature cannot be judged; the message says why."""


def check_signed_data(
    content: cms.ContentInfo,
    digest_of: DigestOf,
    trust: TrustStore,
    at: datetime,
    *,
    kind: str,
    covers_whole_file: bool,
    claimed_at: str = "",
) -> SignatureFound:
    """Judge a parsed CMS signature over bytes whose digest ``digest_of`` gives.

    ``claimed_at`` is reported where the signature itself claims no time (a PDF may). Raises
    ``SignatureUnreadable``, or whatever a parser raises over hostile bytes: a caller takes any
    exception for unreadable.
    """
    signed_data, signer = _only_signer(content)
    # Taken before anything is parsed, and looked at in a copy: what is judged is what was signed.
    signed_bytes = _signed_bytes(signer)
    attributes = _attributes(signed_bytes)
    certificate, others = _certificates(signed_data, signer)
    code = (
        _broken_seal(signer, certificate, signed_bytes, attributes, digest_of)
        or _other_certificate(certificate, attributes)
        or trust.judge(certificate, others, at)
    )
    subject = subject_of(certificate)
    return SignatureFound(
        kind=kind,
        signer_name=subject.common_name,
        organisation_name=subject.organisation_name,
        certificate_sha256=certificate.sha256.hex(),
        claimed_at=_claimed_time(attributes) or claimed_at,
        status=CODES[code],
        code=code,
        is_seal=subject.is_seal,
        covers_whole_file=covers_whole_file,
    )


def rfc3339(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _only_signer(content: cms.ContentInfo) -> tuple[cms.SignedData, cms.SignerInfo]:
    if content["content_type"].native != "signed_data":
        raise SignatureUnreadable("not a SignedData")
    signed_data = content["content"]
    if not isinstance(signed_data["encap_content_info"]["content"], core.Void):
        raise SignatureUnreadable("it holds content of its own beside the file")
    signers = signed_data["signer_infos"]
    if len(signers) != 1:
        raise SignatureUnreadable(f"it has {len(signers)} signers")
    return signed_data, signers[0]


def _certificates(
    signed_data: cms.SignedData, signer: cms.SignerInfo
) -> tuple[x509.Certificate, list[x509.Certificate]]:
    choices = signed_data["certificates"]
    if len(choices) > _MOST_CERTIFICATES:
        raise SignatureUnreadable(f"it holds {len(choices)} certificates")
    others = [read_certificate(each.dump()) for each in choices if each.name == "certificate"]
    for certificate in others:
        if _is_named(certificate, signer["sid"]):
            others.remove(certificate)
            return certificate, others
    raise SignatureUnreadable("the signer's certificate is missing")


def _is_named(certificate: x509.Certificate, name: cms.SignerIdentifier) -> bool:
    if name.name == "subject_key_identifier":
        return bool(certificate.key_identifier == name.chosen.native)
    if certificate.serial_number != name.chosen["serial_number"].native:
        return False
    issuer = name.chosen["issuer"]
    # Nearly always the same bytes; comparing the names themselves costs half a millisecond.
    return bool(certificate.issuer.dump() == issuer.dump() or certificate.issuer == issuer)


def _signed_bytes(signer: cms.SignerInfo) -> bytes:
    # Sent under the tag [0], signed under that of a set (RFC 5652, section 5.4).
    sent = signer["signed_attrs"].dump()
    if sent[:1] != b"\xa0":
        raise SignatureUnreadable("it has no signed attributes")
    return b"\x31" + bytes(sent[1:])


def _attributes(signed_bytes: bytes) -> dict[str, core.Asn1Value]:
    # Every attribute that is looked at has exactly one value (RFC 5652, section 11).
    attributes: dict[str, core.Asn1Value] = {}
    for attribute in cms.CMSAttributes.load(signed_bytes, strict=True):
        name = attribute["type"].native
        if name in attributes:
            raise SignatureUnreadable(f"attribute {name} is there twice")
        if len(attribute["values"]) != 1:
            raise SignatureUnreadable(f"attribute {name} has not one value")
        attributes[name] = attribute["values"][0]
    return attributes


def _broken_seal(
    signer: cms.SignerInfo,
    certificate: x509.Certificate,
    signed_bytes: bytes,
    attributes: dict[str, core.Asn1Value],
    digest_of: DigestOf,
) -> str:
    digest_name = _accepted_digest(signer, certificate, attributes)
    if attributes["content_type"].native != "data":
        return "file_tampered"
    if not hmac.compare_digest(attributes["message_digest"].native, digest_of(digest_name)):
        return "file_tampered"
    try:
        _VALIDATOR.validate_signature(
            signer["signature"].native,
            signed_bytes,
            certificate.public_key,
            signer["signature_algorithm"],
            SignatureValidationContext(contextual_md_algorithm=digest_name),
        )
    except InvalidSignature:
        return "file_tampered"
    return ""


def _accepted_digest(
    signer: cms.SignerInfo, certificate: x509.Certificate, attributes: dict[str, core.Asn1Value]
) -> str:
    algorithm = signer["signature_algorithm"]
    digest_name = str(signer["digest_algorithm"]["algorithm"].native)
    if digest_name not in ACCEPTED_DIGESTS:
        raise SignatureUnreadable(f"digest {digest_name} is not accepted")
    if algorithm.signature_algo not in _ACCEPTED_SIGNATURES:
        raise SignatureUnreadable(f"signature {algorithm.signature_algo} is not accepted")
    if not _ALGORITHMS.signature_algorithm_allowed(algorithm, None, certificate.public_key):
        raise SignatureUnreadable("the key is too short, or the digest too weak")
    # RSA may leave its digest to the digest algorithm, Ed25519 has one inside (RFC 8419).
    named = algorithm["algorithm"].native
    if named not in ("rsassa_pkcs1v15", "ed25519") and algorithm.hash_algo != digest_name:
        raise SignatureUnreadable("the signature names another digest")
    protected = attributes.get("cms_algorithm_protection")
    if protected is not None and (
        protected["digest_algorithm"].native != signer["digest_algorithm"].native
        or protected["signature_algorithm"].native != algorithm.native
    ):
        raise SignatureUnreadable("the algorithms are not those that the signer protected")
    return digest_name


def _other_certificate(certificate: x509.Certificate, attributes: dict[str, core.Asn1Value]) -> str:
    if (second := attributes.get("signing_certificate_v2")) is not None:
        named = second["certs"][0]
        name = named["hash_algorithm"]["algorithm"].native
    elif (first := attributes.get("signing_certificate")) is not None:
        named, name = first["certs"][0], "sha1"
    else:
        return ""
    digest = hashes.Hash(_HASHES[name]())
    digest.update(certificate.dump())
    same = hmac.compare_digest(digest.finalize(), named["cert_hash"].native)
    return "" if same else "certificate_untrusted"


def _claimed_time(attributes: dict[str, core.Asn1Value]) -> str:
    claimed = attributes.get("signing_time")
    return rfc3339(claimed.native) if claimed is not None else ""


_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    # SHA-1 only here: it picks among certificates, whose own signatures are checked.
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha3_256": hashes.SHA3_256,
    "sha3_384": hashes.SHA3_384,
    "sha3_512": hashes.SHA3_512,
}
