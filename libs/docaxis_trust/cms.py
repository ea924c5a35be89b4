"""Detached CMS signatures (RFC 5652) over files of any size: a system's word for what it sends.

The file is read once, in pieces; nothing grows with it. Structures are read with asn1crypto and
the mathematics left to ``cryptography``, without pyHanko's own classes: with the certificate's
path known, a check of 100 KB costs a fraction of a millisecond.

The rules of a check are in ``signed_data`` and ``certificate_paths``.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms, pem

from docaxis_trust.certificate_paths import TrustStore, load_trust_store
from docaxis_trust.cms_signing import sign_digest
from docaxis_trust.identity import Identity, load_identity
from docaxis_trust.signed_data import DigestOf, check_signed_data
from docaxis_trust.verdicts import SignatureFound, unreadable

MOST_SIGNATURE_BYTES = 256 * 1024
"""A detached signature longer than this is not read: a few certificates make some 8 KB."""


class FileDigests:
    """The digests of one file, each computed when first asked for, in pieces."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, bytes] = {}

    def __call__(self, algorithm: str) -> bytes:
        """Give the digest under a name that ``hashlib`` knows; raises ``OSError``."""
        if algorithm not in self._known:
            with self._path.open("rb", buffering=0) as file:
                self._known[algorithm] = hashlib.file_digest(file, algorithm).digest()
        return self._known[algorithm]


def sign_detached(path: Path, identity: Identity, *, at: datetime | None = None) -> bytes:
    """Sign a file; returns the CMS signature as DER.

    ``at`` is the time claimed, now unless given. Raises ``OSError`` and what ``load_identity``
    raises.
    """
    digest = FileDigests(path)("sha256")
    return sign_digest(digest, load_identity(identity), at or datetime.now(UTC))


def verify_detached(
    path: Path,
    signature: bytes,
    anchors: Sequence[Path],
    at: datetime,
    *,
    crls: Sequence[Path] = (),
) -> SignatureFound:
    """Judge a detached signature (DER or PEM) over a file, at a time, against anchor files (PEM).

    Whatever the signature holds, the answer is a finding. Raises ``OSError`` when the file cannot
    be read, ``TrustStoreUnreadable`` for anchors or revocation lists.
    """
    return verify_digests(FileDigests(path), signature, load_trust_store(anchors, crls), at)


def verify_digests(
    digest_of: DigestOf, signature: bytes, trust: TrustStore, at: datetime
) -> SignatureFound:
    """Judge a detached signature over a file whose digests are given; see ``verify_detached``."""
    if len(signature) > MOST_SIGNATURE_BYTES:
        return unreadable("cms")
    try:
        if pem.detect(signature):
            _, _, signature = pem.unarmor(signature)
        content = cms.ContentInfo.load(signature, strict=True)
        return check_signed_data(content, digest_of, trust, at, kind="cms", covers_whole_file=True)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - foreign bytes: asn1crypto fails in ways nobody has listed
        return unreadable("cms")
