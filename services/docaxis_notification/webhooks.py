"""One attempt to tell a subscription's address: a signed POST (Standard Webhooks), ids only.

Redirects are not followed: a signed message goes to the address that was given, or nowhere.
"""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from docaxis_eventsourcing.moments import rfc3339
from docaxis_notification.domain.messages import NotificationQueued
from docaxis_notification.domain.notifications import GONE
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.webhook_urls import address_allowed, url_fault

_MOST_ANSWER_BYTES = 4096
"""Read of an answer, so that its connection can be used again; the rest is not waited for."""
_LONGEST_TURN_S = 10.0
_LONGEST_ASKED_S = 30 * 86_400
_SPARED_S = 5.0
"""After an attempt that met nobody, those that wait for the same address fail with it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt went."""

    failure: str = ""
    """A class such as `timeout` or `http_500`; empty: it was taken."""
    status: int = 0
    """The HTTP status; 0 where there was no answer."""
    retry_after: int = 0
    """Milliseconds that a receiver that failed asked to wait (`Retry-After`); 0: it did not."""


class _Forbidden(OSError):
    """A name led to an address that may not be called."""


@dataclass(slots=True)
class _Line:
    """The attempts of one subscription: only some at once, none while its address is away."""

    turns: asyncio.Semaphore
    users: int = 0
    away_until: float = 0.0
    failure: Attempt = Attempt()


@dataclass(slots=True)
class WebhookSender:
    """Sends; never raises for what the other side does. `close` ends its connections.

    A slow or broken address holds nobody up: each subscription has its own line.
    """

    settings: NotificationSettings
    clock: Callable[[], int]
    """Unix ms, for the signature's timestamp."""
    _session: Any = None
    _lines: dict[str, _Line] = field(default_factory=dict)

    async def send(
        self, url: str, secrets: Sequence[bytes], notification: NotificationQueued
    ) -> Attempt:
        """Tell an address once, signed with each of the secrets."""
        if url_fault(url, self.settings):
            return Attempt("url_forbidden")
        key = notification.subscription_id
        line = self._lines.get(key)
        if line is None:
            turns = asyncio.Semaphore(self.settings.attempts_per_subscription)
            line = self._lines[key] = _Line(turns)
        line.users += 1
        try:
            async with asyncio.timeout(_LONGEST_TURN_S):
                await line.turns.acquire()
        except TimeoutError:
            return Attempt("endpoint_busy")
        else:
            try:
                return await self._in_turn(line, url, secrets, notification)
            finally:
                line.turns.release()
        finally:
            line.users -= 1
            if not line.users and time.monotonic() >= line.away_until:
                self._lines.pop(key, None)

    async def close(self) -> None:
        """End all connections. Never raises."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _in_turn(
        self, line: _Line, url: str, secrets: Sequence[bytes], notification: NotificationQueued
    ) -> Attempt:
        if time.monotonic() < line.away_until:
            return line.failure
        attempt = await self._post(url, secrets, notification)
        if attempt.failure in ("timeout", "unreachable"):
            line.away_until, line.failure = time.monotonic() + _SPARED_S, attempt
        return attempt

    async def _post(
        self, url: str, secrets: Sequence[bytes], notification: NotificationQueued
    ) -> Attempt:
        import aiohttp

        body = webhook_body(notification)
        headers = webhook_headers(secrets, notification.notification_id, body, self.clock())
        if self._session is None:
            self._session = _open_session(self.settings)
        try:
            async with self._session.post(
                url, data=body.encode(), headers=headers, allow_redirects=False
            ) as response:
                await response.content.read(_MOST_ANSWER_BYTES)
                return self._answered(response.status, response.headers.get("Retry-After", ""))
        except TimeoutError:
            return Attempt("timeout")
        except aiohttp.ClientConnectorError as error:
            inner: BaseException = error.os_error
            if isinstance(inner, _Forbidden):
                return Attempt("url_forbidden")
            tls = isinstance(error, aiohttp.ClientSSLError) or isinstance(inner, ssl.SSLError)
            return Attempt("tls_failed" if tls else "unreachable")
        except aiohttp.ClientSSLError:
            return Attempt("tls_failed")
        except (aiohttp.InvalidURL, ValueError):
            return Attempt("url_invalid")
        except aiohttp.ClientError:
            return Attempt("invalid_answer")
        except OSError:
            return Attempt("unreachable")

    def _answered(self, status: int, retry_after: str) -> Attempt:
        if 200 <= status < 300:
            return Attempt("", status)
        if status == 410:
            return Attempt(GONE, status)
        return Attempt(f"http_{status}", status, asked_wait(retry_after, self.clock()))


def webhook_body(notification: NotificationQueued) -> str:
    """The JSON that is sent: type, time, ids. The same in every attempt."""
    ids = {
        "organisation_id": notification.organisation_id,
        "document_id": notification.document_id,
        "delivery_id": notification.delivery_id,
    }
    content = {
        "type": notification.event_type,
        "timestamp": rfc3339(notification.occurred_at),
        "data": {name: id for name, id in ids.items() if id},
    }
    return json.dumps(content, separators=(",", ":"))


def webhook_headers(
    secrets: Sequence[bytes], webhook_id: str, body: str, now: int
) -> dict[str, str]:
    """Standard Webhooks headers for an attempt at `now` (Unix ms); the id is for repeats.

    One signature a secret, with a space between: a receiver takes the message that bears one it
    can check, so a secret is exchanged without a moment in which none holds.
    """
    from standardwebhooks import Webhook

    moment = datetime.fromtimestamp(now // 1000, UTC)
    signatures = (Webhook(secret).sign(webhook_id, moment, body) for secret in secrets)
    return {
        "content-type": "application/json",
        "user-agent": "docaxis-webhooks/1",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now // 1000),
        "webhook-signature": " ".join(signatures),
    }


def asked_wait(retry_after: str, now: int) -> int:
    """Milliseconds of a `Retry-After`: seconds or a date (RFC 9110, 10.2.3); 0 for any other."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:12]), _LONGEST_ASKED_S) * 1000
    try:
        due = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0
    return max(0, min(round(due * 1000) - now, _LONGEST_ASKED_S * 1000))


def _open_session(settings: NotificationSettings) -> Any:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class GuardedResolver(AbstractResolver):
        """Leaves out addresses that may not be called."""

        def __init__(self) -> None:
            self._inner = aiohttp.ThreadedResolver()

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            found = await self._inner.resolve(host, port, family)
            allowed = [each for each in found if address_allowed(each["host"], settings)]
            if found and not allowed:
                raise _Forbidden(f"{host} leads to no address that may be called")
            return allowed

        async def close(self) -> None:
            await self._inner.close()

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            limit_per_host=settings.attempts_per_subscription,
            resolver=GuardedResolver(),
            use_dns_cache=False,
        ),
        timeout=aiohttp.ClientTimeout(total=settings.attempt_timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
