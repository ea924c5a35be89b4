"""The shared secrets of systems, behind the Secrets port: made, read, removed by credential id.

Neither the log nor a service ever holds one. A secret is text; its UTF-8 bytes are the key.
"""

import base64

from cachetools import LRUCache

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.secrets import Secrets

_PREFIX = "credential."
_REMEMBERED = 4096
_RAW_BYTES = 32


class CredentialSecrets:
    """One gateway's way to them. A secret never changes, so those read are remembered."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: LRUCache[str, bytes] = LRUCache(_REMEMBERED)

    async def make(self, credential_id: str) -> str:
        """The secret of a new credential; the same again for the same id. Raises `OSError`."""
        raw = await self._secrets.read_or_create(f"{_PREFIX}{credential_id}", _RAW_BYTES)
        return _text_of(raw)

    async def read(self, credential_id: str) -> bytes:
        """The key. Raises `signature_unknown_key`, and `unavailable` where it cannot be read."""
        known: bytes | None = self._known.get(credential_id)
        if known is None:
            try:
                raw = await self._secrets.read(f"{_PREFIX}{credential_id}")
            except FileNotFoundError:
                raise DocaxisError("signature_unknown_key") from None
            except OSError:
                raise DocaxisError("unavailable", retry_after_s=1.0) from None
            known = self._known[credential_id] = _text_of(raw).encode()
        return known

    async def remove(self, credential_id: str) -> None:
        """Forget it for ever; other replicas ask the registry first, and so need not know."""
        self._known.pop(credential_id, None)
        await self._secrets.remove(f"{_PREFIX}{credential_id}")


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
