"""The whole check of one file: from a request that crosses processes to a verdict that does.

The bytes decide what is checked, never the media type that somebody declared: what begins like a
PDF is read as one. Whatever they are, the answer is a verdict; see ``verdicts`` for its rules.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from docaxis_trust.verdicts import SignatureFound, Verdict, verdict_of

_PDF_MAGIC = b"%PDF-"
_PDF_MAGIC_WITHIN = 1024
"""Readers accept a header that comes this late, so a file with one is somebody's PDF."""


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What to check: paths and plain values, so that it can be sent to a worker.

    ``media_type`` is what was declared, for the record alone. ``signature_path`` names a detached
    CMS signature over the file, if there is one. ``anchor_paths`` are PEM files, ``crl_paths``
    PEM or DER. ``validated_at_ms`` is the time that certificates are judged at, in milliseconds
    since 1970 in UTC.
    """

    file_path: Path
    media_type: str
    signature_path: Path | None
    anchor_paths: tuple[Path, ...]
    validated_at_ms: int
    crl_paths: tuple[Path, ...] = ()


def verify(request: VerificationRequest) -> Verdict:
    """Check a file with its detached signature and those inside it; blocks, reads in pieces.

    Raises ``OSError`` when a file named cannot be read and ``TrustStoreUnreadable`` for anchors
    and revocation lists: both say nothing about the document, and may pass.
    """
    # Imported here: the process that only sends requests to workers goes without these 40 MB.
    from docaxis_trust.certificate_paths import load_trust_store
    from docaxis_trust.cms import MOST_SIGNATURE_BYTES, FileDigests, verify_digests

    trust = load_trust_store(request.anchor_paths, request.crl_paths)
    at = datetime.fromtimestamp(request.validated_at_ms / 1000, UTC)
    digests = FileDigests(request.file_path)
    found: list[SignatureFound] = []
    if request.signature_path is not None:
        with request.signature_path.open("rb") as file:
            signature = file.read(MOST_SIGNATURE_BYTES + 1)
        found.append(verify_digests(digests, signature, trust, at))
    if _is_pdf(request.file_path):
        # Half of those megabytes are for PDF alone.
        from docaxis_trust.pades import check_pdf

        found.extend(check_pdf(request.file_path, trust, at))
    return verdict_of(found, digests("sha256").hex())


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return _PDF_MAGIC in file.read(_PDF_MAGIC_WITHIN)
