"""Steps of `docaxis ping`: their order, what one found, and what to do by the axis's code."""

from dataclasses import dataclass, field

STEPS = (
    "own",
    "connect",
    "tls",
    "axis",
    "clock",
    "credential",
    "system",
    "organisations",
    "inbox",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found. `remedy` is a key of the catalogue; empty where nothing is wrong."""

    name: str
    ok: bool | None
    """None: not tried, because one before it failed."""
    detail: str = ""
    code: str = ""
    remedy: str = ""
    params: dict[str, object] = field(default_factory=dict)


class Failed(Exception):
    """A step found something wrong; the message tells what."""

    def __init__(self, detail: str, remedy: str, code: str = "", **params: object) -> None:
        super().__init__(detail)
        self.detail, self.remedy, self.code, self.params = detail, remedy, code, params


REMEDIES = {
    "assertion_expired": "ping_fix_clock",
    "assertion_not_yet_valid": "ping_fix_clock",
    "assertion_unknown_key": "ping_fix_key",
    "assertion_bad_signature": "ping_fix_key",
    "assertion_wrong_audience": "ping_fix_audience",
    "client_certificate_expired": "ping_fix_certificate_dates",
    "client_certificate_unknown": "ping_fix_certificate_unknown",
    "credential_expired": "ping_fix_dates",
    "credential_revoked": "ping_fix_key",
    "signature_invalid": "ping_fix_secret",
    "signature_stale": "ping_fix_clock",
    "signature_unknown_key": "ping_fix_secret_unknown",
    "system_unknown": "ping_fix_unknown",
    "system_locked": "ping_fix_locked",
    "system_suspended": "ping_fix_suspended",
    # Nothing was shown that the axis sees: of the proofs, only a certificate can get lost.
    "unauthenticated": "ping_fix_certificate_unseen",
    "rate_limited": "ping_fix_later",
}
"""Whoever is told these knows better what to do than by the step alone."""
