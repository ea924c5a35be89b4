"""What a check of one file found: a finding for each signature, and one verdict for the file.

Rules of the overall verdict (tests carry their numbers):

- V1 A file in which no signature was found is ``unsigned``: nothing is said about it.
- V2 It is ``valid`` only when every signature found is valid; one more valid signature never
  makes up for one that is not.
- V3 Otherwise the worst finding decides, in the order of ``CODES``: a change of the bytes weighs
  more than a doubt about the signer, that more than a check that could not be finished. Whoever
  adds a signature to a file can thus make its verdict worse, never better.
- V4 A file that could not be read to its end is ``indeterminate``, even if the signatures read so
  far were valid: what was not read might have been worse. The reader says so by a finding without
  a signer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

CODES = MappingProxyType(
    {
        "file_tampered": "tampered",
        "certificate_revoked": "untrusted",
        "certificate_untrusted": "untrusted",
        "certificate_expired": "untrusted",
        "verification_timed_out": "indeterminate",
        "signature_unreadable": "indeterminate",
        "file_unsigned": "unsigned",
        "signature_valid": "valid",
    }
)
"""Every code with the status that it stands for, the worst first.

- ``file_tampered``: bytes that a signature covers, or what was added after it, were changed.
- ``certificate_revoked``: on a revocation list handed in, at or before the validation time.
- ``certificate_untrusted``: no path to an anchor, or a certificate not made for signing documents.
- ``certificate_expired``: outside the validity of a certificate of the path, on either side.
- ``verification_timed_out``: the worker was ended at its deadline.
- ``signature_unreadable``: not understood, or made with an algorithm no longer accepted.
- ``file_unsigned``, ``signature_valid``: as they say.
"""


class TrustStoreUnreadable(ValueError):
    """An anchor or revocation list handed in cannot be read; the message names the file.

    The one case without a verdict: it is the operator's fault, and nothing is known of the file.
    """


_SEVERITY = {code: rank for rank, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True)
class SignatureFound:
    """One signature, and what is to be thought of it.

    ``kind`` is ``pades`` (inside a PDF) or ``cms`` (detached, RFC 5652). Names are as the
    certificate has them, in NFC, empty when it could not be read. ``certificate_sha256`` is
    lower-case hex or empty. ``claimed_at`` is the signer's own word, RFC 3339 in UTC, or empty;
    nothing is decided on it. ``is_seal`` tells an organisation's seal from a person's signature.
    ``covers_whole_file`` is false for a signature after which something was added, be it only the
    next signature.
    """

    kind: str
    signer_name: str
    organisation_name: str
    certificate_sha256: str
    claimed_at: str
    status: str
    code: str
    is_seal: bool
    covers_whole_file: bool

    def __post_init__(self) -> None:
        if self.kind not in ("pades", "cms"):
            raise ValueError(f"unknown kind of signature: {self.kind!r}")
        _require_pair(self.status, self.code)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one file; ``digest`` is the SHA-256 of its bytes, lower-case hex.

    The digest is empty where no worker lived long enough to compute it.
    """

    status: str
    code: str
    signatures: tuple[SignatureFound, ...]
    digest: str

    def __post_init__(self) -> None:
        _require_pair(self.status, self.code)


def verdict_of(signatures: Iterable[SignatureFound], digest: str) -> Verdict:
    """Derive the verdict on a file from the signatures found in it (rules V1 to V3)."""
    found = tuple(signatures)
    code = min((each.code for each in found), key=_SEVERITY.__getitem__, default="file_unsigned")
    return Verdict(CODES[code], code, found, digest)


def unreadable(kind: str) -> SignatureFound:
    """Build the finding for a signature, or the rest of a file, that nobody could read."""
    code = "signature_unreadable"
    return SignatureFound(kind, "", "", "", "", CODES[code], code, False, False)


def _require_pair(status: str, code: str) -> None:
    if CODES.get(code) != status:
        raise ValueError(f"status {status!r} does not belong to code {code!r}")
