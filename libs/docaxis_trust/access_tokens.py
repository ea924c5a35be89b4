"""Short-lived tokens that a system gets for an assertion, and shows with each call after it.

A JWT (RFC 7519) under HS256: the gateway that issues it is the one that reads it, so a shared
secret does, at a tenth of the price of a public key. Rules of a check; the first that fails names
the code:

- T1 It is a compact JWS in its one form, with what ``issue`` puts in: ``token_malformed``.
- T2 It is of type ``at+jwt`` (RFC 9068) with HS256, and the secret's signature holds:
  ``token_forged``.
- T3 Now is before its end: ``token_expired``.

Tokens found good are remembered, so the next call with one costs a look-up and a comparison of
times. Taking a credential back is not seen here: that is asked on each call (rule L29 of the log).
"""

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from docaxis_trust.compact_jws import JwsMalformed, encode, signing_input, take_apart, token_of

_SHORTEST_SECRET = 32
_HEADER = encode(b'{"alg":"HS256","typ":"at+jwt"}')


class TokenInvalid(ValueError):
    """The token gives no access; ``code`` is one of those in the rules."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Whom a token stands for, and by which credential it was got; times in Unix seconds."""

    system_id: str
    credential_id: str
    issued_at: int
    expires_at: int


class AccessTokens:
    """Issues and reads tokens under one secret of at least 32 bytes (RFC 7518, section 3.2).

    All processes that share the secret read each other's tokens. Raises ``ValueError`` for a
    shorter secret or a lifetime below a second.
    """

    def __init__(self, secret: bytes, lifetime_s: int, *, remembered: int = 4096) -> None:
        if len(secret) < _SHORTEST_SECRET:
            raise ValueError(f"the secret for access tokens needs {_SHORTEST_SECRET} bytes")
        if lifetime_s < 1:
            raise ValueError("access tokens must live for a second or more")
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._remembered = remembered
        self._good: dict[str, AccessClaims] = {}

    def issue(self, system_id: str, credential_id: str, now: int) -> tuple[str, int]:
        """Issue a token; returns it with the seconds that it lives (``expires_in``)."""
        claims = {
            "sub": system_id,
            "cid": credential_id,
            "iat": now,
            "exp": now + self._lifetime_s,
        }
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        signed = signing_input(_HEADER, payload)
        return token_of(signed, self._mac(signed)), self._lifetime_s

    def verify(self, token: str, now: int) -> AccessClaims:
        """Read a token; raises ``TokenInvalid``."""
        claims = self._good.get(token)
        if claims is None:
            claims = self._read(token)
            if now < claims.expires_at:
                # Begun anew when full: reading all of them again costs less than keeping an order.
                if len(self._good) >= self._remembered:
                    self._good.clear()
                self._good[token] = claims
        if now >= claims.expires_at:
            raise TokenInvalid("token_expired")
        return claims

    def _read(self, token: str) -> AccessClaims:
        try:
            parts = take_apart(token)
        except JwsMalformed as error:
            raise TokenInvalid("token_malformed") from error
        # The header is compared as a whole: there is one that was ever issued.
        ours = parts.signing_input.partition(b".")[0] == _HEADER
        if not ours or not hmac.compare_digest(parts.signature, self._mac(parts.signing_input)):
            raise TokenInvalid("token_forged")
        match parts.payload:
            case {"sub": str(sub), "cid": str(cid), "iat": int(iat), "exp": int(exp)}:
                return AccessClaims(sub, cid, iat, exp)
        raise TokenInvalid("token_malformed")

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._secret, signed, sha256)
