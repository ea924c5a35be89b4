"""Whether a certificate may sign documents, judged against anchors and revocation lists at hand.

Nothing is fetched: anchors and lists are files whose paths are handed in. Rules:

- C1 A path leads from the certificate to one of the anchors (RFC 5280, section 6); the operating
  system's list of authorities plays no part. The anchors themselves are trusted as handed in,
  their own validity included.
- C2 SHA-1, MD5 and RSA below 2048 bits are not accepted anywhere on the path.
- C3 The certificate is for signing: where it has a key usage, that is a digital signature or
  content commitment; where it has extended key usages, one of them fits documents, mail or a
  client (what authorities give persons, seals and systems), so a web server's key cannot sign.
- C4 A certificate of the path that an authentic list names with a date not after the validation
  time is revoked, however old the list is: what was revoked stays so. A list speaks for its own
  issuer only. Without a list nobody is revoked; whether one is needed is for the caller to say.
- C5 Every certificate of the path below the anchor is valid at the validation time, revocation
  being the graver word of the two.
"""

from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import asn1crypto.x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pyhanko_certvalidator import ValidationContext, find_valid_path
from pyhanko_certvalidator.errors import (
    ExpiredError,
    NotYetValidError,
    PathBuildingError,
    ValidationError,
)

from docaxis_trust.identity import load_certificates
from docaxis_trust.verdicts import TrustStoreUnreadable

_MOST_PATHS_KEPT = 4096
_SIGNING_USAGES = {"digital_signature", "non_repudiation"}
_SIGNING_PURPOSES = {
    "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
    "1.3.6.1.4.1.311.10.3.12",  # Microsoft document signing, widespread before RFC 9336
    "1.2.840.113583.1.1.5",  # Adobe authentic documents trust
    "1.3.6.1.5.5.7.3.4",  # e-mail protection
    "1.3.6.1.5.5.7.3.2",  # client authentication
    "2.5.29.37.0",  # any purpose
}


@dataclass(frozen=True, slots=True)
class _ValidPath:
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None

    def covers(self, at: datetime) -> bool:
        return self.valid_from <= at <= self.valid_until


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Anchors and revocation lists in memory, with the paths found so far."""

    anchors: tuple[asn1crypto.x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    # A system signs every document with the same certificate: finding its path again and again
    # would cost ten times what the signature does. Only paths that exist are kept.
    _paths: dict[bytes, _ValidPath] = field(default_factory=dict, compare=False, repr=False)

    def judge(
        self,
        certificate: asn1crypto.x509.Certificate,
        others: Iterable[asn1crypto.x509.Certificate],
        at: datetime,
    ) -> str:
        """Judge a signer's certificate at a time, with the certificates that came along.

        Returns a code of ``verdicts.CODES``: ``signature_valid``, or what speaks against it.
        Raises ``ValueError`` and its like for certificates that are not readable.
        """
        if not _made_for_signing(certificate):
            return "certificate_untrusted"
        path = self._paths.get(certificate.sha256)
        if path is None or not path.covers(at):
            try:
                path = self._find_path(certificate, others, at)
            except (ExpiredError, NotYetValidError):
                return "certificate_expired"
            except (ValidationError, PathBuildingError):
                return "certificate_untrusted"
            if len(self._paths) >= _MOST_PATHS_KEPT:
                self._paths.clear()
            self._paths[certificate.sha256] = path
        if path.revoked_at is not None and path.revoked_at <= at:
            return "certificate_revoked"
        return "signature_valid" if path.covers(at) else "certificate_expired"

    def _find_path(
        self,
        certificate: asn1crypto.x509.Certificate,
        others: Iterable[asn1crypto.x509.Certificate],
        at: datetime,
    ) -> _ValidPath:
        # At a time when the certificate was valid: an expired one that leads nowhere is
        # untrusted, and only one that leads to an anchor is called expired, or revoked.
        moment = min(max(at, certificate.not_valid_before), certificate.not_valid_after)
        context = ValidationContext(
            trust_roots=list(self.anchors), other_certs=list(others), moment=moment
        )
        paths = context.path_builder.async_build_paths_lazy(certificate)
        found = _without_loop(find_valid_path(certificate, paths, context))
        chain = list(found.iter_certs(include_root=True))
        below = chain[1:]
        if not below:  # The signer's certificate is itself an anchor.
            return _ValidPath(datetime.min.replace(tzinfo=UTC), certificate.not_valid_after, None)
        return _ValidPath(
            valid_from=max(each.not_valid_before for each in below),
            valid_until=min(each.not_valid_after for each in below),
            revoked_at=min(self._revocations(chain), default=None),
        )

    def _revocations(self, chain: Sequence[asn1crypto.x509.Certificate]) -> Iterable[datetime]:
        for issuer, certificate in pairwise(chain):
            for crl in self.crls:
                entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
                if entry is None or crl.issuer.public_bytes() != certificate.issuer.dump():
                    continue
                key: Any = load_der_public_key(issuer.public_key.dump())
                if crl.is_signature_valid(key) and not _put_back(entry):
                    yield entry.revocation_date_utc


def load_trust_store(anchors: Sequence[Path], crls: Sequence[Path] = ()) -> TrustStore:
    """Load anchors (PEM) and revocation lists (PEM or DER), in memory until a file changes.

    Raises ``TrustStoreUnreadable``.
    """
    try:
        return _load(
            tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in anchors),
            tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in crls),
        )
    except OSError as error:
        raise TrustStoreUnreadable(f"{error.filename}: {error.strerror}") from error


@lru_cache(maxsize=16)
def _load(
    anchors: tuple[tuple[Path, int, int], ...], crls: tuple[tuple[Path, int, int], ...]
) -> TrustStore:
    certificates: list[asn1crypto.x509.Certificate] = []
    for path, *_ in anchors:
        try:
            certificates.extend(load_certificates(path))
        except ValueError as error:
            raise TrustStoreUnreadable(f"anchor {path}: {error}") from error
    lists = tuple(_load_crl(path) for path, *_ in crls)
    return TrustStore(tuple(certificates), lists)


def _load_crl(path: Path) -> x509.CertificateRevocationList:
    content = path.read_bytes()
    pem = content.lstrip().startswith(b"-----BEGIN")
    try:
        return x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
    except ValueError as error:
        raise TrustStoreUnreadable(f"revocation list {path}: {error}") from error


def _made_for_signing(certificate: asn1crypto.x509.Certificate) -> bool:
    usage = certificate.key_usage_value
    if usage is not None and not _SIGNING_USAGES & usage.native:
        return False
    purposes = certificate.extended_key_usage_value
    return purposes is None or bool(_SIGNING_PURPOSES & {each.dotted for each in purposes})


def _put_back(entry: x509.RevokedCertificate) -> bool:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason is x509.ReasonFlags.remove_from_crl


def _without_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits, as path validation does when nothing may be fetched.

    So that callers need no event loop, and may have one running.
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    coroutine.close()
    raise RuntimeError("path validation waited for something, though nothing may be fetched")
