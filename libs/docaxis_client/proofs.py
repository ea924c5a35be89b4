"""The client's part for proofs: receipts, and the keys that they are checked with."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from docaxis_client import tracking
from docaxis_client.calls import Calls, path_of, segment
from docaxis_client.credentials import Credentials
from docaxis_client.errors import ReceiptInvalid
from docaxis_client.receipts import ReceiptClaims
from docaxis_client.receipts import verify_receipt as verify
from docaxis_client.transport import Request, Transport

_KEYS_FRESH_S = 300.0


class KeyCache:
    """The key set got last, and until when it is taken for the present one."""

    def __init__(self) -> None:
        self.key_set: Mapping[str, Any] = {}
        self.fresh_until = 0.0


class Proofs(Calls):
    """Fetching receipts and checking them."""

    _keys: KeyCache

    async def receipts(
        self, *, cursor: str | None = None, limit: int | None = None, wait: int | None = None
    ) -> tracking.ReceiptsPage:
        """List receipts of all the system's documents and deliveries, from a cursor on."""
        path = path_of("/receipts", cursor=cursor, limit=limit, wait=wait)
        return await self._get(path, tracking.ReceiptsPage)

    async def receipt(self, receipt: str) -> tracking.Receipt:
        """Get one receipt, by its id or by its address as other answers give it."""
        receipt_id = receipt.rsplit("/", 1)[-1]
        return await self._get(f"/receipts/{segment(receipt_id)}", tracking.Receipt)

    async def document_receipts(self, document_id: str) -> tuple[tracking.Receipt, ...]:
        """List the receipts of one document, those of its deliveries included."""
        path = f"/documents/{segment(document_id)}/receipts"
        return (await self._get(path, tracking.ReceiptsPage)).items

    async def key_set(self, *, fresh: bool = False) -> Mapping[str, Any]:
        """Get the axis's published keys (RFC 7517); kept for five minutes unless `fresh`."""
        if fresh or time.monotonic() >= self._keys.fresh_until:
            reply = await self._transport.anonymous(Request("GET", "/keys"))
            self._keys.key_set = msgspec.json.decode(reply.body, type=dict[str, Any])
            self._keys.fresh_until = time.monotonic() + _KEYS_FRESH_S
        return self._keys.key_set

    async def verify_receipt(
        self,
        jws: str,
        *,
        document_id: str | None = None,
        content_digest: str | None = None,
        delivery_id: str | None = None,
    ) -> ReceiptClaims:
        """Check a receipt against the published keys; raises `ReceiptInvalid`."""
        about = {
            "document_id": document_id,
            "content_digest": content_digest,
            "delivery_id": delivery_id,
        }
        keys = await self.key_set()
        try:
            return verify(jws, keys, **about)
        except ReceiptInvalid as error:
            # A key may have been published since.
            if error.code != "receipt_unknown_key":
                raise
        return verify(jws, await self.key_set(fresh=True), **about)


async def published_keys(base_url: str) -> Mapping[str, Any]:
    """Get an axis's published keys; needs no credentials."""
    nobody = Transport(base_url, Credentials("", "", b""))
    try:
        reply = await nobody.anonymous(Request("GET", "/keys"))
    finally:
        await nobody.close()
    return msgspec.json.decode(reply.body, type=dict[str, Any])
