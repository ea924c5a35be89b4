"""Receipts: statements that the axis signs, which whoever holds its published keys can check.

A receipt is a compact JWS (RFC 7515) with EdDSA over Ed25519 (RFC 8037); its payload is JSON in
canonical form (RFC 8785), so the same statement under the same key is the same receipt, byte for
byte. Rules of a check; the first that fails names the code:

- R1 It is a compact JWS in its one form, with JSON objects in it: ``receipt_malformed``.
- R2 Its type is ``docaxis-receipt+jws`` and its algorithm EdDSA, whatever else the header offers:
  ``receipt_wrong_type``. So no other token signed with the same key passes for a receipt.
- R3 Its key is in the set, under an id that is the key's thumbprint: ``receipt_unknown_key``.
- R4 The signature holds: ``receipt_bad_signature``.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import rfc8785
from cryptography.exceptions import InvalidSignature

from docaxis_trust.compact_jws import JwsMalformed, encode, signing_input, take_apart, token_of
from docaxis_trust.jwk_set import Signer, find_key

RECEIPT_TYPE = "docaxis-receipt+jws"


class ReceiptInvalid(ValueError):
    """The receipt proves nothing; ``code`` is one of those in the rules."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sign_receipt(claims: Mapping[str, object], signer: Signer) -> str:
    """Sign a statement; returns the receipt.

    Raises ``ValueError`` for claims that have no canonical JSON: a number beyond 2**53, a float
    that is not finite, a value that JSON does not have.
    """
    payload = rfc8785.dumps(cast(Any, dict(claims)))
    signed = signing_input(_encoded_header(signer.key_id), payload)
    return token_of(signed, signer.sign(signed))


def verify_receipt(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Check a receipt against a set of published keys; returns its claims.

    Raises ``ReceiptInvalid``.
    """
    try:
        receipt = take_apart(token)
    except JwsMalformed as error:
        raise ReceiptInvalid("receipt_malformed") from error
    header = receipt.header
    if header.get("typ") != RECEIPT_TYPE or header.get("alg") != "EdDSA":
        raise ReceiptInvalid("receipt_wrong_type")
    key_id = header.get("kid")
    key = find_key(jwks, key_id) if isinstance(key_id, str) else None
    if key is None:
        raise ReceiptInvalid("receipt_unknown_key")
    try:
        key.verify(receipt.signature, receipt.signing_input)
    except InvalidSignature as error:
        raise ReceiptInvalid("receipt_bad_signature") from error
    return receipt.payload


@lru_cache(maxsize=64)
def _encoded_header(key_id: str) -> bytes:
    return encode(rfc8785.dumps({"alg": "EdDSA", "kid": key_id, "typ": RECEIPT_TYPE}))
