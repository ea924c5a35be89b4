"""Who makes a call, by whatever it shows: a token, a signature over the request, a certificate.

Independent of HTTP's machinery, so that every door of the gateway asks the same function. Rules
(tests carry their numbers):

- G1 Nothing shown, or another scheme: `unauthenticated`; a token that is not ours, forged or
  expired has the code that `docaxis_trust` gives it.
- G2 Locks, suspensions and credentials with their dates are asked on each call, of a directory that
  is fresh (L29); where it is not, nobody gets in (`unavailable`). A credential of any kind counts
  only within its dates: else `credential_expired`.
- G3 A system that is not known is looked for once more after catching up with the registry: it may
  have been registered a moment ago.
- G5 A signed request (`docaxis_trust.message_signatures`) proves its system by a shared secret,
  which lies behind the Secrets port; its nonce counts once, and the body has to have the digest
  that was signed.
- G6 A certificate proves the one system that registered its thumbprint, within its dates. It comes
  from our own TLS, or as `Client-Cert` (RFC 9440) from the proxies that the settings list; from
  anybody else that field is refused (`client_certificate_source_refused`): whoever relies on it
  should hear that it counts for nothing.
- G7 One way at a time: a token beside a signature is `several_credentials`. A certificate of the
  connection may stand beside them: then it is the connection's, not the call's.
"""

import base64
import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.moments import rfc3339
from docaxis_gateway.gateway import Gateway
from docaxis_runtime.registry_directory import SystemDirectory
from docaxis_runtime.registry_systems import CERTIFICATE, HMAC, KnownSystem
from docaxis_trust.access_tokens import AccessClaims, TokenInvalid
from docaxis_trust.message_signatures import (
    SignatureRefused,
    SignedRequest,
    digest_of_body,
    read_signature,
    verify_signature,
)

_LONGEST_TOKEN = 4096
_LONGEST_CERTIFICATE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call shows of its maker; empty where it does not. Values of fields as they came."""

    authorization: str = ""
    certificate: bytes = b""
    """DER, of the connection itself."""
    client_cert: str = ""
    """The field `Client-Cert`."""
    peer: str = ""
    """Address of who holds the connection."""
    signed: SignedRequest | None = None
    """The request, where it carries `Signature-Input`."""
    expect_body: Callable[[bytes], None] | None = None
    """Has the body that is still to come checked against a SHA-256."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A system that may act, and what proved it. `until` in Unix seconds; 0: no end is known."""

    system: KnownSystem
    credential_id: str
    kind: str
    until: int = 0


async def identify(gateway: Gateway, shown: Shown) -> Identity:
    """The system that makes the call (G1-G7). Raises `DocaxisError`."""
    if shown.client_cert and not _is_listed(gateway, shown.peer):
        raise DocaxisError("client_certificate_source_refused")
    if shown.signed is not None:
        if shown.authorization:
            raise DocaxisError("several_credentials")
        return await _by_signature(gateway, shown.signed, shown.expect_body)
    if shown.authorization:
        claims = _verified(gateway, shown.authorization)
        system = await system_with(gateway, claims.system_id, claims.credential_id)
        kind = system.kinds[claims.credential_id]
        return Identity(system, claims.credential_id, kind, claims.expires_at)
    if shown.client_cert:
        return await _by_certificate(gateway, _from_field(shown.client_cert))
    if shown.certificate:
        return await _by_certificate(gateway, shown.certificate)
    raise DocaxisError("unauthenticated")


async def known_system(directory: SystemDirectory, system_id: str) -> KnownSystem:
    """A system that may act (G2, G3). Raises `system_unknown`, `unavailable`, or as
    `_require_unlocked`."""
    directory.require_fresh()
    system = directory.system(system_id)
    if system is None:
        await directory.catch_up()
        system = directory.system(system_id)
    if system is None:
        raise DocaxisError("system_unknown")
    _require_unlocked(system)
    return system


async def system_with(gateway: Gateway, system_id: str, credential_id: str) -> KnownSystem:
    """A system that may act, by a credential that is still its own and within its dates."""
    system = await known_system(gateway.directory, system_id)
    if credential_id not in system.kinds:
        raise DocaxisError("credential_revoked")
    _require_counts(gateway, system, credential_id)
    return system


def _require_unlocked(system: KnownSystem) -> None:
    """Raises `system_suspended` or `system_locked`."""
    if system.locked:
        raise DocaxisError("system_suspended" if system.suspended else "system_locked")


def _require_counts(gateway: Gateway, system: KnownSystem, credential_id: str) -> None:
    """Raises `credential_expired`."""
    if not system.counts(credential_id, gateway.now_ms()):
        raise DocaxisError("credential_expired")


def _verified(gateway: Gateway, authorization: str) -> AccessClaims:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise DocaxisError("unauthenticated")
    if len(token) > _LONGEST_TOKEN:
        raise DocaxisError("token_malformed")
    try:
        return gateway.tokens.verify(token, gateway.now_ms() // 1000)
    except TokenInvalid as error:
        raise DocaxisError(error.code) from None


async def _by_signature(
    gateway: Gateway, request: SignedRequest, expect_body: Callable[[bytes], None] | None
) -> Identity:
    """Rule G5."""
    now, leeway = gateway.now_ms() // 1000, gateway.settings.signature_leeway_s
    try:
        told = read_signature(request)
        system = await _holder(gateway.directory, told.key_id, HMAC)
        if system is None:
            raise DocaxisError("signature_unknown_key")
        secret = await gateway.credential_secrets.read(told.key_id)
        verify_signature(request, secret, now, leeway)
        body = digest_of_body(request) if request.has_body else None
    except SignatureRefused as error:
        limits = {"limit": str(leeway), "now": rfc3339(gateway.now_ms())}
        raise DocaxisError(error.code, {"missing": error.missing, **limits}) from None
    _require_unlocked(system)
    _require_counts(gateway, system, told.key_id)
    until = told.created + leeway + 1
    if not gateway.seen_nonces.first_use(system.system_id, told.nonce, until, now):
        raise DocaxisError("signature_replayed")
    if body is not None:
        if expect_body is None:
            raise DocaxisError("signature_incomplete", {"missing": "content-digest"})
        expect_body(body)
    return Identity(system, told.key_id, HMAC)


async def _by_certificate(gateway: Gateway, der: bytes) -> Identity:
    """Rule G6."""
    try:
        thumbprint, begins, ends = _read(der)
    except ValueError:
        raise DocaxisError("client_certificate_malformed") from None
    system = await _holder(gateway.directory, thumbprint, CERTIFICATE)
    if system is None:
        raise DocaxisError("client_certificate_unknown")
    if not begins <= gateway.now_ms() // 1000 <= ends:
        raise DocaxisError("client_certificate_expired")
    _require_unlocked(system)
    _require_counts(gateway, system, thumbprint)
    return Identity(system, thumbprint, CERTIFICATE, ends)


async def _holder(directory: SystemDirectory, credential_id: str, kind: str) -> KnownSystem | None:
    """The system with that credential (G2, G3)."""
    directory.require_fresh()
    found = directory.holder(credential_id, kind)
    if found is None:
        await directory.catch_up()
        found = directory.holder(credential_id, kind)
    return found


def _from_field(value: str) -> bytes:
    """The certificate of `Client-Cert`: a byte sequence between colons (RFC 9440, section 2.1)."""
    text = value.strip()
    if len(text) > _LONGEST_CERTIFICATE or len(text) < 2 or text[0] != ":" or text[-1] != ":":
        raise DocaxisError("client_certificate_malformed")
    try:
        return base64.b64decode(text[1:-1], validate=True)
    except ValueError:
        raise DocaxisError("client_certificate_malformed") from None


@lru_cache(maxsize=1024)
def _read(der: bytes) -> tuple[str, int, int]:
    """Thumbprint (RFC 8705, `x5t#S256`) and dates in Unix seconds; raises `ValueError`."""
    certificate = x509.load_der_x509_certificate(der)
    digest = hashlib.sha256(der).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return thumbprint, int(begins.timestamp()), int(ends.timestamp())


def _is_listed(gateway: Gateway, peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in gateway.settings.proxy_networks)
