"""Requests signed with a shared secret: HTTP Message Signatures (RFC 9421) under HMAC-SHA256.

A profile of the RFC, so that nobody signs less than he thinks. Rules of a check; the first that
fails names the code:

- S1 There is one signature, with ``keyid``, ``created`` (Unix seconds) and a ``nonce`` of 16-128
  characters; the algorithm, where it is named, is ``hmac-sha256``: ``signature_malformed``.
- S2 It covers ``@method``, ``@path`` and ``@query``, and ``content-digest`` (RFC 9530, SHA-256)
  where the request has a body: ``signature_incomplete``. What it covers beyond these is up to the
  caller, but neither scheme nor whole address: a proxy in front changes them.
- S3 The secret's MAC over all of it is right: ``signature_invalid``.
- S4 ``created`` is now, give or take the leeway: ``signature_stale``.

That a nonce is used once, and that the body has the digest, is for the caller to see to. The secret
is text: its UTF-8 bytes are the key, never what they might decode to.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

NEEDED = ("@method", "@path", "@query")
DIGEST = "content-digest"
_NOT_COVERED = frozenset({"@scheme", "@target-uri", "@request-target", "@query-param", "@status"})
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")
_NONCE = range(16, 129)
_LONGEST = 4096


class SignatureRefused(ValueError):
    """The signature proves nothing; ``code`` is one of those in the rules."""

    def __init__(self, code: str, missing: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.missing = missing
        """What S2 asks for."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came: the path and the query are still encoded, headers in their order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    has_body: bool = False

    def field(self, name: str) -> str:
        """A header's lines, joined; empty where it is absent."""
        return ", ".join(value for each, value in self.headers if each.lower() == name)


@dataclass(frozen=True, slots=True)
class RequestSignature:
    """What a signature says of itself; nothing of it is proved yet."""

    key_id: str
    created: int
    nonce: str


def sign_request(
    request: SignedRequest, key_id: str, secret: bytes, nonce: str, created: int
) -> dict[str, str]:
    """The fields ``Signature-Input`` and ``Signature`` for a request, as S1-S4 want them.

    A request with a body has ``Content-Digest`` (``content_digest``) already. ``created`` in Unix
    seconds.
    """
    message = _Message(request)
    message.headers = dict(request.headers)
    covered = (*NEEDED, DIGEST) if request.has_body else NEEDED
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_Secret(secret)
    )
    signer.sign(
        message,
        key_id=key_id,
        nonce=nonce,
        created=datetime.fromtimestamp(created, UTC),
        label="docaxis",
        covered_component_ids=covered,
        use_existing_digest=request.has_body,
    )
    return {name: message.headers[name] for name in ("Signature-Input", "Signature")}


def content_digest(sha256: bytes) -> str:
    """The value of ``Content-Digest`` (RFC 9530) for a SHA-256."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def read_signature(request: SignedRequest) -> RequestSignature:
    """Read who says that he signed, to find that one's secret by. Raises by S1 and S2."""
    if max(len(request.field("signature-input")), len(request.field("signature"))) > _LONGEST:
        raise SignatureRefused("signature_malformed")
    try:
        told = _Verifier(b"").told(_Message(request))
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise SignatureRefused("signature_malformed") from error
    parameters = told.params
    key_id, nonce = parameters.get("keyid"), parameters.get("nonce")
    created = parameters.get("created")
    if not isinstance(key_id, str) or not isinstance(nonce, str) or type(created) is not int:
        raise SignatureRefused("signature_malformed")
    if len(nonce) not in _NONCE or parameters.get("alg", "hmac-sha256") != "hmac-sha256":
        raise SignatureRefused("signature_malformed")
    _require_coverage(request, {each.value for each in told if not each.params})
    return RequestSignature(key_id, created, nonce)


def verify_signature(
    request: SignedRequest, secret: bytes, now: int, leeway: int
) -> RequestSignature:
    """Check a request with the secret of its key; times in (Unix) seconds.

    Raises ``SignatureRefused``.
    """
    signature = read_signature(request)
    try:
        _Verifier(secret).verify(_Message(request), max_age=None)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise SignatureRefused("signature_invalid") from error
    if abs(now - signature.created) > leeway:
        raise SignatureRefused("signature_stale")
    return signature


def digest_of_body(request: SignedRequest) -> bytes:
    """The SHA-256 that the body shall have. Raises by S2 where it is not told."""
    found = _SHA256.search(request.field(DIGEST))
    if found is None:
        raise SignatureRefused("signature_incomplete", f"{DIGEST}: sha-256=:…:")
    return base64.b64decode(found[1])


def _require_coverage(request: SignedRequest, covered: set[Any]) -> None:
    needed = (*NEEDED, DIGEST) if request.has_body else NEEDED
    for each in needed:
        if each not in covered:
            raise SignatureRefused("signature_incomplete", each)
    if covered & _NOT_COVERED:
        raise SignatureRefused("signature_malformed")


class _Message:
    """What the library wants of a request."""

    def __init__(self, request: SignedRequest) -> None:
        self.method = request.method
        self.headers: Any = _Fields(request.headers)
        host = request.field("host") or "axis"
        query = f"?{request.query}" if request.query else ""
        self.url = f"https://{host}{request.path}{query}"


class _Fields:
    def __init__(self, lines: Sequence[tuple[str, str]]) -> None:
        self._lines = lines

    def items(self) -> Sequence[tuple[str, str]]:
        return self._lines


class _Secret(HTTPSignatureKeyResolver):
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._secret

    def resolve_private_key(self, key_id: str) -> bytes:
        return self._secret


class _Verifier(HTTPMessageVerifier):
    def __init__(self, secret: bytes) -> None:
        super().__init__(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_Secret(secret))

    def told(self, message: "_Message") -> Any:
        """The one signature's input, unverified. Raises `InvalidSignature`, `ValueError`."""
        found: Any = self._get_sig_inputs_and_signatures(message)  # type: ignore[no-untyped-call]
        [(_, told, _)] = found
        return told

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Not here: the axis's own clock decides (S4), and says so with a code of its own."""
