"""How much at once, how often, and how slowly a body may come."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable

from starlette.types import Message, Receive

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.settings import GatewaySettings


class InFlight:
    """Counts the requests under way, all together and by system."""

    def __init__(self, limit: int, limit_per_system: int) -> None:
        self._limit = limit
        self._limit_per_system = limit_per_system
        self._all = 0
        self._by_system: Counter[str] = Counter()

    def enter(self) -> None:
        """Count a request in; raises `busy`."""
        if self._all >= self._limit:
            raise DocaxisError("busy", retry_after_s=1.0)
        self._all += 1

    def leave(self) -> None:
        """Count it out."""
        self._all -= 1

    def enter_for(self, system_id: str) -> None:
        """Count a request of a system in; raises `busy`."""
        if self._by_system[system_id] >= self._limit_per_system:
            raise DocaxisError("busy", retry_after_s=1.0)
        self._by_system[system_id] += 1

    def leave_for(self, system_id: str) -> None:
        """Count it out; a system without requests is forgotten."""
        self._by_system[system_id] -= 1
        if self._by_system[system_id] <= 0:
            del self._by_system[system_id]


class RateLimits:
    """A bucket of requests for each system: `burst` at once, refilled with `rate` a second.

    Counted by one process alone: behind n replicas a system may make n times as many. A rate of 0
    sets no limit.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        """What is left and since when, by system; a full bucket need not be kept."""

    def take(self, system_id: str) -> None:
        """Count one request; raises `rate_limited` with the time after which one is free."""
        if not self._rate:
            return
        now = self._clock()
        left, since = self._buckets.get(system_id, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        if left < 1:
            wait_s = (1 - left) / self._rate
            raise DocaxisError("rate_limited", {"limit": f"{self._rate:g}"}, retry_after_s=wait_s)
        self._buckets[system_id] = (left - 1, now)


class PatientReceive:
    """An ASGI `receive` that does not wait for ever for a body.

    A pause may last `body_idle_s`; the whole has `body_start_s` plus its bytes at the slowest
    allowed rate, so that nobody holds a slot by sending a byte now and then. Once the body is there
    it waits without bound again: then it only waits for the client to go away.
    """

    __slots__ = ("_came", "_complete", "_digest", "_receive", "_settings", "_started", "_told")

    def __init__(self, receive: Receive, settings: GatewaySettings) -> None:
        self._receive = receive
        self._settings = settings
        self._started = time.monotonic()
        self._came = 0
        self._complete = False
        self._told: bytes | None = None
        self._digest = hashlib.sha256()

    @property
    def came(self) -> int:
        """Bytes so far."""
        return self._came

    def expect(self, digest: bytes) -> None:
        """Have the body end in `digest_mismatch` unless it has this SHA-256."""
        self._told = digest

    async def __call__(self) -> Message:
        """The next message; raises `request_timed_out`."""
        if self._complete:
            return await self._receive()
        allowed = self._settings.body_start_s + self._came / self._settings.body_bytes_per_s
        left = self._started + allowed - time.monotonic()
        try:
            async with asyncio.timeout(min(self._settings.body_idle_s, left)):
                message = await self._receive()
        except TimeoutError:
            raise DocaxisError("request_timed_out") from None
        self._came += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._told is not None and message["type"] == "http.request":
            self._digest.update(message.get("body", b""))
            # Before the last piece is handed over: nobody acts on a body that is not all there.
            if self._complete and self._digest.digest() != self._told:
                raise DocaxisError("digest_mismatch")
        return message
