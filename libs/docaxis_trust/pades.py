"""Signatures inside a PDF (PAdES, ETSI EN 319 142): which there are, and whether they still hold.

pyHanko reads the file, its revisions and what changed between them; ``signed_data`` judges the
CMS signature that each field holds, by the same rules as a detached one. Nothing is fetched.
Rules:

- P1 Every signature field that is filled counts, whatever it holds: one that cannot be read is
  reported as such, never passed over. Time stamps of the document are no signatures.
- P2 The bytes signed are the whole revision, from its first byte to its last, but for the
  signature's own digits between them; else the file is tampered with.
- P3 What was added after a signature is more signatures, filled-in form fields, and what keeps
  signatures verifiable (validation data, time stamps): pyHanko's difference analysis says so, and
  the signer's own, stricter permission (DocMDP) is heeded; else tampered.
- P4 After the last signature only the last of these may come: nothing that a reader would see,
  because nobody has signed it; and behind the end mark of the last update only white space.
- P5 A signature of an earlier revision that the last one no longer shows was taken away by an
  update: tampered.
- P6 A file is read strictly. What only a lenient reader understands two readers understand in two
  ways; it is unreadable, as is an encrypted file and one whose two cross-reference tables differ
  (hybrid).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from asn1crypto import cms
from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from docaxis_trust.certificate_paths import TrustStore, load_trust_store
from docaxis_trust.pdf_signing import PdfNotSignable, sign_pdf
from docaxis_trust.signed_data import SignatureUnreadable, check_signed_data, rfc3339
from docaxis_trust.verdicts import CODES, SignatureFound, unreadable

__all__ = ["PdfNotSignable", "sign_pdf", "verify_pdf"]

# Most files are read whole: parsing jumps about in them byte by byte.
_MOST_BYTES_IN_MEMORY = 16 * 1024 * 1024
_LONGEST_TRAILER = 64 * 1024

# A cross-reference stream of 8 MB lists a million objects. pyHanko would decode 256 MB of one, and
# spend a minute on its entries: the deadline of a worker is not meant for every such file.
_DECODE_LIMITS = DecodeLimits(
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(
            max_ratio=50, ratio_floor=1024 * 1024, max_output_size=8 * 1024 * 1024
        ),
    }
)


def verify_pdf(
    path: Path, anchors: Sequence[Path], at: datetime, *, crls: Sequence[Path] = ()
) -> tuple[SignatureFound, ...]:
    """Judge every signature of a PDF at a time, against anchor files (PEM), in signing order.

    Empty means that it bears none. Whatever the file holds, the answer is findings; one without a
    signer stands for what could not be read. Raises ``OSError`` when the file cannot be read,
    ``TrustStoreUnreadable`` for anchors or revocation lists.
    """
    return check_pdf(path, load_trust_store(anchors, crls), at)


def check_pdf(path: Path, trust: TrustStore, at: datetime) -> tuple[SignatureFound, ...]:
    """Judge every signature of a PDF against a trust store; see ``verify_pdf``."""
    found: list[SignatureFound] = []
    with _opened(path) as file:
        try:
            reader = PdfFileReader(file, decode_limits=_DECODE_LIMITS)
            if reader.encrypted:
                raise SignatureUnreadable("encrypted")
            signatures = list(_signatures(reader, found))
            for signature in signatures:
                is_last = signature is signatures[-1]
                found.append(_check(reader, signature, trust, at, is_last=is_last))
            found.extend(_taken_away(reader))
        except Exception:  # noqa: BLE001 - foreign bytes: pyHanko fails in ways nobody has listed
            found.append(unreadable("pades"))
    return tuple(found)


def _signatures(reader: PdfFileReader, found: list[SignatureFound]) -> list[EmbeddedPdfSignature]:
    signatures = []
    for name, value, field in enumerate_sig_fields(reader, filled_status=True):
        if _is_time_stamp(value):
            continue
        try:
            signatures.append(EmbeddedPdfSignature(reader, field, name))
        except Exception:  # noqa: BLE001 - foreign bytes, of one signature among others
            found.append(unreadable("pades"))
    return sorted(signatures, key=lambda each: int(each.signed_revision))


def _check(
    reader: PdfFileReader,
    signature: EmbeddedPdfSignature,
    trust: TrustStore,
    at: datetime,
    *,
    is_last: bool,
) -> SignatureFound:
    try:
        signature.compute_integrity_info()  # type: ignore[no-untyped-call]
        finding = check_signed_data(
            cms.ContentInfo.load(signature.pkcs7_content),
            signature.compute_digest,
            trust,
            at,
            kind="pades",
            covers_whole_file=signature.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            claimed_at=_claimed_time(signature),
        )
        sound = (
            _covers_revision(reader.stream, signature)
            and _well_amended(signature, is_last)
            and (not is_last or finding.covers_whole_file or _ends_with_update(reader))
        )
        return finding if sound else _tampered(finding)
    except Exception:  # noqa: BLE001 - foreign bytes, of one signature among others
        return unreadable("pades")


def _covers_revision(file: IO[bytes], signature: EmbeddedPdfSignature) -> bool:
    """Rule P2: the gap between the two signed ranges is the signature's digits in their brackets.

    pyHanko looks at lengths; this looks at where the brackets are.
    """
    begin, before, after, rest = signature.byte_range
    if begin != 0 or rest < 0 or after != before + 2 * len(signature.pkcs7_content) + 2:
        return False
    file.seek(before)
    opened = file.read(1)
    file.seek(after - 1)
    if opened != b"<" or file.read(1) != b">":
        return False
    return bool(signature.coverage >= SignatureCoverageLevel.ENTIRE_REVISION)


def _well_amended(signature: EmbeddedPdfSignature, is_last: bool) -> bool:
    """Rules P3 and P4: what was added after the signature may be there."""
    changes = signature.diff_result
    if not isinstance(changes, DiffResult) or not signature.summarise_integrity_info()["docmdp_ok"]:
        return False
    permitted = ModificationLevel.LTA_UPDATES if is_last else ModificationLevel.FORM_FILLING
    return bool(changes.modification_level <= permitted)


def _ends_with_update(reader: PdfFileReader) -> bool:
    """Rule P4: behind the last cross-reference table come its trailer and one end mark, no more."""
    last = reader.xrefs.get_xref_container_info(reader.total_revisions - 1)
    reader.stream.seek(last.end_location)
    tail = reader.stream.read(_LONGEST_TRAILER)
    return tail.count(b"%%EOF") == 1 and bool(tail.rstrip(b"\0\t\n\f\r ").endswith(b"%%EOF"))


def _taken_away(reader: PdfFileReader) -> Iterator[SignatureFound]:
    """Rule P5: signatures of earlier revisions that the last one does not show."""
    shown = _contents(reader)
    for revision in range(reader.total_revisions - 1):
        for taken in _contents(reader.get_historical_resolver(revision)) - shown:
            shown.add(taken)
            yield _tampered(unreadable("pades"))


def _contents(revision: Any) -> set[bytes]:
    return {
        bytes(value.get_object().raw_get("/Contents").original_bytes)
        for _, value, _ in enumerate_sig_fields(revision, filled_status=True)
        if not _is_time_stamp(value)
    }


def _is_time_stamp(value: Any) -> bool:
    return bool(value.get_object().get("/Type") == "/DocTimeStamp")


def _claimed_time(signature: EmbeddedPdfSignature) -> str:
    try:
        claimed = signature.self_reported_timestamp
    except Exception:  # noqa: BLE001 - a date nobody can read is no date, and decides nothing
        return ""
    return rfc3339(claimed) if claimed is not None else ""


def _tampered(finding: SignatureFound) -> SignatureFound:
    return replace(finding, status=CODES["file_tampered"], code="file_tampered")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if path.stat().st_size <= _MOST_BYTES_IN_MEMORY:
            yield BytesIO(file.read())
        else:
            yield file
