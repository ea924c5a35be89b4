"""The client's `Idempotency-Key`, scoped to system and route (L2)."""

import re

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_gateway.authentication import Caller

_KEY = re.compile(r"[\x21-\x7e]{1,64}")


def idempotency_key(caller: Caller, route: str) -> str:
    """The key for the services: hashed, so that one system's never meets another's.

    Without the header it is a new one each time. Raises `idempotency_key_invalid`.
    """
    return scoped_key(caller.system_id, route, caller.request.headers.get("idempotency-key"))


def scoped_key(system_id: str, route: str, key: str | None) -> str:
    """The same, of a key that came otherwise."""
    if key is None:
        return new_id()
    if not _KEY.fullmatch(key):
        raise DocaxisError("idempotency_key_invalid")
    return derived_id(system_id, route, key)
