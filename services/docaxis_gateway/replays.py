"""Assertions that were used: each gets an access token once.

Held in memory, by one process: behind several gateways an assertion could be used once with each.
What it would give, a token for the same system, its thief cannot get without reading the request,
and then the token in the answer is as good.
"""

from collections import OrderedDict

_LIMIT = 200_000


class SeenAssertions:
    """Remembers (system, jti) until the assertion would not be taken any more."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._until: OrderedDict[tuple[str, str], int] = OrderedDict()

    def first_use(self, system_id: str, jti: str, until: int, now: int) -> bool:
        """Whether this is its first use; `until` and `now` in Unix seconds."""
        key = (system_id, jti)
        if self._until.get(key, 0) > now:
            return False
        self._until[key] = until
        self._until.move_to_end(key)
        self._forget(now)
        return True

    def _forget(self, now: int) -> None:
        # In order of use, which is nearly the order of ending; the bound holds in any case.
        while self._until:
            key, until = next(iter(self._until.items()))
            if until > now and len(self._until) <= self._limit:
                return
            del self._until[key]
