"""Settings of the signature service."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SignatureSettings:
    """Whom the axis trusts, and what checking may cost. Times in seconds."""

    trust_anchors_folder: Path | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_SIGNATURE_TRUST_ANCHORS_FOLDER",
            "help": "Folder of trust anchors (*.pem, *.crt), read at each check. Without it no"
            " signature is trusted.",
        },
    )
    crl_folder: Path | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_SIGNATURE_CRL_FOLDER",
            "help": "Folder of revocation lists (*.crl, *.pem); read at each check.",
        },
    )
    retired_keys_folder: Path | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_SIGNATURE_RETIRED_KEYS_FOLDER",
            "help": "Folder of public keys (JWK, *.json) that signed receipts before this one.",
        },
    )
    workers: int = field(
        default=2,
        metadata={
            "env": "DOCAXIS_SIGNATURE_WORKERS",
            "min": 1,
            "max": 64,
            "help": "Most processes that check signatures (some 50 MB each, while busy).",
        },
    )
    deadline_s: float = field(
        default=20.0,
        metadata={
            "env": "DOCAXIS_SIGNATURE_DEADLINE_S",
            "min": 1.0,
            "max": 600.0,
            "help": "Deadline of the check of one file.",
        },
    )
    idle_s: float = field(
        default=60.0,
        metadata={
            "env": "DOCAXIS_SIGNATURE_IDLE_S",
            "min": 1.0,
            "help": "Processes that check signatures end when none has come for so long.",
        },
    )
