"""How a system proves itself with its own key: ``private_key_jwt`` (RFC 7523, section 3).

Rules of a check; the first that fails names the code:

- A1 It is a compact JWS in its one form, of type JWT where it says a type, with one of the two
  algorithms ES256 and EdDSA; issuer and subject are the same, and subject, audience, ``exp``,
  ``iat`` and ``jti`` are there, each of its own JSON type; it lives at most ten minutes:
  ``assertion_malformed``. (The bound is what bounds the caller's memory of ids seen.)
- A2 Its key is among those of the system, and fits the algorithm: ``assertion_unknown_key``.
- A3 The signature holds: ``assertion_bad_signature``. What it says of time and audience is looked
  at only then.
- A4 Its audience is ours: ``assertion_wrong_audience``.
- A5 Now is not before ``iat`` and ``nbf``, give or take the leeway: ``assertion_not_yet_valid``.
- A6 Now is before ``exp``, give or take the leeway: ``assertion_expired``.

That an assertion is used once is for the caller to see to, by system and ``jti`` until
``expires_at`` plus the leeway.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from docaxis_trust.compact_jws import (
    CompactJws,
    JwsMalformed,
    decode,
    encode,
    signing_input,
    take_apart,
    token_of,
)

LONGEST_LIFETIME_S = 600
_ES256_HALF = 32
_LONGEST_TEXT = 256

PublicKey = str | bytes | Mapping[str, Any]
"""A public key as PEM (SubjectPublicKeyInfo) or as JWK."""


class AssertionInvalid(ValueError):
    """The assertion proves nothing; ``code`` is one of those in the rules."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Assertion:
    """What was proved: the system, the assertion's own id, and when it ends (Unix seconds)."""

    system_id: str
    jti: str
    expires_at: int


def make_assertion(
    private_key_pem: bytes,
    key_id: str,
    system_id: str,
    audience: str,
    now: int,
    lifetime: int = 60,
) -> str:
    """Make an assertion; ``now`` in Unix seconds, ``lifetime`` in seconds.

    The key is PEM (PKCS #8), elliptic on P-256 or Ed25519; raises ``ValueError`` for another.
    """
    key = _private_key(private_key_pem)
    algorithm = "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256"
    header = encode(_json({"alg": algorithm, "kid": key_id, "typ": "JWT"}))
    claims = {
        "iss": system_id,
        "sub": system_id,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(16),
    }
    signed = signing_input(header, _json(claims))
    if isinstance(key, Ed25519PrivateKey):
        return token_of(signed, key.sign(signed))
    # JWS has the two numbers side by side, not in DER (RFC 7518, section 3.4).
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return token_of(signed, r.to_bytes(_ES256_HALF, "big") + s.to_bytes(_ES256_HALF, "big"))


def peek_issuer(token: str) -> str:
    """Read who an assertion says it is from, unverified: to find that system's keys by.

    Raises ``AssertionInvalid`` with ``assertion_malformed``.
    """
    return _claims(_parts(token)).system_id


def verify_assertion(
    token: str,
    public_keys: Mapping[str, PublicKey],
    audience: str,
    now: int,
    leeway: int = 30,
) -> Assertion:
    """Check an assertion with the keys of one system, by key id; times in (Unix) seconds.

    Raises ``AssertionInvalid``, and ``ValueError`` for a public key that cannot be read.
    """
    parts = _parts(token)
    claims = _claims(parts)
    key_id = parts.header.get("kid")
    if not isinstance(key_id, str) or key_id not in public_keys:
        raise AssertionInvalid("assertion_unknown_key")
    _verify_signature(parts, _public_key(_hashable(public_keys[key_id])))
    named = parts.payload["aud"]
    if audience != named and audience not in (named if isinstance(named, list) else ()):
        raise AssertionInvalid("assertion_wrong_audience")
    if max(parts.payload["iat"], parts.payload.get("nbf", 0)) > now + leeway:
        raise AssertionInvalid("assertion_not_yet_valid")
    if now >= claims.expires_at + leeway:
        raise AssertionInvalid("assertion_expired")
    return claims


def _parts(token: str) -> CompactJws:
    try:
        parts = take_apart(token)
    except JwsMalformed as error:
        raise AssertionInvalid("assertion_malformed") from error
    if parts.header.get("alg") not in ("ES256", "EdDSA"):
        raise AssertionInvalid("assertion_malformed")
    if str(parts.header.get("typ", "JWT")).upper() not in ("JWT", "CLIENT-AUTHENTICATION+JWT"):
        raise AssertionInvalid("assertion_malformed")
    return parts


def _claims(parts: CompactJws) -> Assertion:
    claims = parts.payload
    issuer, jti, audience = claims.get("iss"), claims.get("jti"), claims.get("aud")
    times = (claims.get("iat"), claims.get("exp"), claims.get("nbf", 0))
    well_formed = (
        _is_text(issuer)
        and issuer == claims.get("sub")
        and _is_text(jti)
        and (isinstance(audience, str | list))
        and all(type(time) is int and 0 <= time < 1 << 53 for time in times)
        and claims["iat"] < claims["exp"] <= claims["iat"] + LONGEST_LIFETIME_S
    )
    if not well_formed:
        raise AssertionInvalid("assertion_malformed")
    return Assertion(claims["iss"], claims["jti"], claims["exp"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT


def _verify_signature(parts: CompactJws, key: ec.EllipticCurvePublicKey | Ed25519PublicKey) -> None:
    algorithm = parts.header["alg"]
    if isinstance(key, Ed25519PublicKey) != (algorithm == "EdDSA"):
        raise AssertionInvalid("assertion_unknown_key")
    signature = parts.signature
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, parts.signing_input)
            return
        if len(signature) != 2 * _ES256_HALF:
            raise InvalidSignature
        r, s = signature[:_ES256_HALF], signature[_ES256_HALF:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(der, parts.signing_input, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise AssertionInvalid("assertion_bad_signature") from error


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=16)
def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ValueError("an assertion is signed with a key on P-256 or Ed25519")


def _hashable(key: PublicKey) -> bytes:
    if isinstance(key, Mapping):
        return _json({name: key.get(name) for name in ("kty", "crv", "x", "y")})
    return key if isinstance(key, bytes) else key.encode()


@lru_cache(maxsize=1024)
def _public_key(pem_or_jwk: bytes) -> ec.EllipticCurvePublicKey | Ed25519PublicKey:
    if pem_or_jwk.startswith(b"{"):
        return _key_of_jwk(json.loads(pem_or_jwk))
    key = load_pem_public_key(pem_or_jwk)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise ValueError("not a public key on P-256 or Ed25519")


def _key_of_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey | Ed25519PublicKey:
    match jwk:
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            return Ed25519PublicKey.from_public_bytes(decode(x.encode()))
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            point = b"\x04" + decode(x.encode()) + decode(y.encode())
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    raise ValueError("not a public key on P-256 or Ed25519")
