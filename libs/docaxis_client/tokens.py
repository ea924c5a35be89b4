"""Access tokens: got with a signed assertion (RFC 7523), renewed before they end.

However many calls run at once, one of them renews and the others take what it got.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import msgspec

from docaxis_client.credentials import Credentials

GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "docaxis"
ASSERTION_LIFETIME_S = 120

Post = Callable[[Callable[[], bytes]], Awaitable[bytes]]
"""Posts a form to the token endpoint; the form is built anew for each attempt."""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float


class TokenSource:
    """Keeps one valid token for a system."""

    def __init__(self, credentials: Credentials, post: Post) -> None:
        self._credentials = credentials
        self._post = post
        self._renewing = asyncio.Lock()
        self._header = ""
        self._renew_at = 0.0

    async def header(self, refused: str = "") -> str:
        """Give the `Authorization` header; another one than `refused`, where that is given."""
        if time.monotonic() < self._renew_at and self._header != refused:
            return self._header
        async with self._renewing:
            if time.monotonic() >= self._renew_at or self._header == refused:
                asked_at = time.monotonic()
                token = msgspec.json.decode(await self._post(self._form), type=_Token)
                # A fifth of its life early: the axis's clock and the way there need room.
                self._renew_at = asked_at + token.expires_in * 0.8
                self._header = f"Bearer {token.access_token}"
            return self._header

    def _form(self) -> bytes:
        # Anew each time: the axis refuses an assertion that it has seen before.
        from docaxis_trust.assertions import make_assertion

        assertion = make_assertion(
            self._credentials.private_key_pem,
            self._credentials.key_id,
            self._credentials.system_id,
            AUDIENCE,
            int(time.time()),
            ASSERTION_LIFETIME_S,
        )
        return urlencode(
            {
                "grant_type": GRANT,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        ).encode()


def new_key() -> str:
    """Draw an `Idempotency-Key`."""
    return secrets.token_hex(16)
