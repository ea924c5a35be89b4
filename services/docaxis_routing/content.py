"""What a document is, so that its id can be computed (rule L1).

The content digest is SHA-256 over RFC 8785 JSON of the native form: texts in NFC, absent fields
left out, files by their digests. It has no times, no recipients, no trace, no packet bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from unicodedata import normalize

import rfc8785

from docaxis_eventsourcing.identifiers import paired_id

CANON_VERSION = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """A document's computed identity: hashes in full, and the id that names them."""

    document_id: str
    submission_key: str
    content_digest: str


def identify(
    sender_organisation_id: str, metadata: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
) -> Identity:
    """The identity of native metadata (`id`, `promulgated_on`, `business_type`, …) and files.

    `files` hold `name`, `media_type` and `digest` (lower-case hex SHA-256) in their order.
    """
    key = sha256(
        rfc8785.dumps(
            [
                sender_organisation_id,
                normalize("NFC", metadata["id"]),
                metadata["promulgated_on"][:4],
                metadata["business_type"],
            ]
        )
    )
    content = sha256(rfc8785.dumps(_canonical({**metadata, "files": list(files)})))
    return Identity(paired_id(key.digest(), content.digest()), key.hexdigest(), content.hexdigest())


def recipients_digest(codes: Sequence[str]) -> str:
    """SHA-256 over the recipients as sent: sorted, each once."""
    return sha256(rfc8785.dumps(sorted(set(codes)))).hexdigest()


def _canonical(value: Any) -> Any:
    """NFC throughout; what is absent (None, empty text, list or map) is left out."""
    if isinstance(value, str):
        return normalize("NFC", value)
    if isinstance(value, Mapping):
        kept = {name: _canonical(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    return value
