"""Checking receipts: a pure function of the receipt, the published keys and what is expected.

Nothing is asked of the axis here, so a receipt can be checked years later, offline, with a stored
key set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docaxis_client.errors import ReceiptInvalid

ISSUER = "docaxis"


@dataclass(frozen=True, slots=True)
class ReceiptClaims:
    """What a verified receipt says.

    `kind` is `accepted` (by the axis, from `sender`) or `handed_over` (to `recipient`, by
    `delivery_id`); `content_digest` names the content, SHA-256 in hex; `claims` holds all of it.
    """

    id: str
    kind: str
    document_id: str
    content_digest: str
    sender: str
    recipient: str | None
    delivery_id: str | None
    at: datetime
    claims: Mapping[str, Any]


def verify_receipt(
    jws: str,
    key_set: Mapping[str, Any],
    *,
    document_id: str | None = None,
    content_digest: str | None = None,
    delivery_id: str | None = None,
) -> ReceiptClaims:
    """Check that the axis signed this receipt, and that it is about what the caller names.

    Raises `ReceiptInvalid`; its code `receipt_about_other` means: genuine, but about another
    document, content or delivery than named.
    """
    from docaxis_trust.receipts import ReceiptInvalid as NotProven
    from docaxis_trust.receipts import verify_receipt as verify

    try:
        claims = verify(jws.strip(), key_set)
    except NotProven as error:
        raise ReceiptInvalid(error.code) from error
    receipt = _read(claims)
    expected = {
        "document_id": document_id,
        "content_digest": content_digest,
        "delivery_id": delivery_id,
    }
    for name, value in expected.items():
        if value is not None and claims.get(name) != value:
            raise ReceiptInvalid(
                "receipt_about_other", f"{name} is {claims.get(name)!r}, not {value!r}"
            )
    return receipt


def _read(claims: Mapping[str, Any]) -> ReceiptClaims:
    try:
        if claims["iss"] != ISSUER:
            raise ReceiptInvalid("receipt_malformed", "issued by another than docaxis")
        return ReceiptClaims(
            id=claims["jti"],
            kind=claims["kind"],
            document_id=claims["document_id"],
            content_digest=claims["content_digest"],
            sender=claims["sender"],
            recipient=claims.get("recipient"),
            delivery_id=claims.get("delivery_id"),
            at=datetime.fromisoformat(claims["at"]),
            claims=claims,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReceiptInvalid("receipt_malformed", f"{type(error).__name__}: {error}") from error
