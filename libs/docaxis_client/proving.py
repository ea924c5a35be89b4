"""How a request proves whose it is: by a token, by a signature over itself, by the connection.

The kind of the credentials decides. A refused proof is renewed at most once, and only where another
one may be taken.
"""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Protocol

from yarl import URL

from docaxis_client.credentials import CERTIFICATE, HMAC, Credentials
from docaxis_client.errors import CredentialsUnusable, ProblemError
from docaxis_client.tokens import Post, TokenSource

if TYPE_CHECKING:
    from docaxis_client.transport import Request

_UNAUTHORIZED = 401


class Proof(Protocol):
    """What calls of one system carry."""

    async def headers(self, request: "Request") -> Mapping[str, str]:
        """Fields that prove this request. Raises `CredentialsUnusable`."""

    async def renewed(
        self, request: "Request", refused: Mapping[str, str], problem: ProblemError
    ) -> Mapping[str, str] | None:
        """Other fields for the same request, where the axis may take those."""

    async def authorization(self) -> str:
        """The `Authorization` field by itself. Raises `CredentialsUnusable` where there is none."""


def proof_of(credentials: Credentials, root: str, post: Post) -> Proof:
    """The proof that the credentials give; `root` is the address that paths are put behind."""
    if credentials.kind == HMAC:
        return _Signed(credentials, root)
    if credentials.kind == CERTIFICATE:
        return _ByConnection(root)
    return _ByToken(TokenSource(credentials, post))


class _ByToken:
    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def headers(self, request: "Request") -> Mapping[str, str]:
        return {"Authorization": await self._tokens.header()}

    async def renewed(
        self, request: "Request", refused: Mapping[str, str], problem: ProblemError
    ) -> Mapping[str, str] | None:
        if problem.status != _UNAUTHORIZED:
            return None
        # Ended early, or the axis has new keys: one new token, then its word counts.
        return {"Authorization": await self._tokens.header(refused=refused["Authorization"])}

    async def authorization(self) -> str:
        return await self._tokens.header()


class _Signed:
    """Signs each request anew (RFC 9421): a nonce counts once."""

    def __init__(self, credentials: Credentials, root: str) -> None:
        self._credentials = credentials
        self._root = root

    async def headers(self, request: "Request") -> Mapping[str, str]:
        from docaxis_trust.message_signatures import SignedRequest, content_digest, sign_request

        url = URL(self._root + request.path, encoded=True)
        fields = dict(request.headers)
        digest: dict[str, str] = {}
        if has_body := request.body is not None and request.body != b"":
            if "Content-Digest" not in fields:
                digest = {"Content-Digest": content_digest(await _sha256(request))}
        message = SignedRequest(
            request.method,
            url.raw_path,
            url.raw_query_string,
            list({**fields, **digest}.items()),
            has_body,
        )
        signature = sign_request(
            message,
            self._credentials.key_id,
            self._credentials.secret,
            secrets.token_hex(16),
            int(time.time()),
        )
        return {**digest, **signature}

    async def renewed(
        self, request: "Request", refused: Mapping[str, str], problem: ProblemError
    ) -> Mapping[str, str] | None:
        # The line broke, and the HTTP library sent the same bytes again on another one.
        return await self.headers(request) if problem.code == "signature_replayed" else None

    async def authorization(self) -> str:
        raise CredentialsUnusable("a shared secret signs requests: there is no token to give away")


class _ByConnection:
    """The client certificate of the connection (`tls`) says it all."""

    def __init__(self, root: str) -> None:
        self._secured = root.startswith("https:")

    async def headers(self, request: "Request") -> Mapping[str, str]:
        if not self._secured:
            raise CredentialsUnusable("a client certificate is shown over https alone")
        return {}

    async def renewed(
        self, request: "Request", refused: Mapping[str, str], problem: ProblemError
    ) -> Mapping[str, str] | None:
        return None

    async def authorization(self) -> str:
        raise CredentialsUnusable(
            "a client certificate proves the connection: there is no token to give away"
        )


async def _sha256(request: "Request") -> bytes:
    if isinstance(request.body, bytes):
        return hashlib.sha256(request.body).digest()
    stream = request.untold or request.body
    digest = hashlib.sha256()
    if stream is not None:
        pieces: AsyncIterator[bytes] = stream()
        async for piece in pieces:
            digest.update(piece)
    return digest.digest()
