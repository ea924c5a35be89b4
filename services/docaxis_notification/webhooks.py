"""One attempt to tell a subscription's address: a signed POST (Standard Webhooks), ids only."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from docaxis_eventsourcing.moments import rfc3339
from docaxis_notification.domain.messages import NotificationQueued
from docaxis_notification.domain.notifications import GONE
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.webhook_urls import address_allowed, url_fault

_MOST_ANSWER_BYTES = 4096
"""Read of an answer, so that its connection can be used again; the rest is not waited for."""
_LONGEST_TURN_S = 10.0
_SPARED_S = 5.0
"""After an attempt that met nobody, those that wait for the same address fail with it."""


class _Forbidden(OSError):
    """A name led to an address that may not be called."""


@dataclass(slots=True)
class _Line:
    """The attempts of one subscription: only some at once, none while its address is away."""

    turns: asyncio.Semaphore
    users: int = 0
    away_until: float = 0.0
    failure: str = ""


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

    async def send(self, url: str, secret: bytes, notification: NotificationQueued) -> str:
        """The attempt's failure, a class such as `timeout` or `http_500`; empty: it was taken."""
        if url_fault(url, self.settings):
            return "url_forbidden"
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
            return "endpoint_busy"
        else:
            try:
                return await self._in_turn(line, url, secret, notification)
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
        self, line: _Line, url: str, secret: bytes, notification: NotificationQueued
    ) -> str:
        if time.monotonic() < line.away_until:
            return line.failure
        failure = await self._post(url, secret, notification)
        if failure in ("timeout", "unreachable"):
            line.away_until, line.failure = time.monotonic() + _SPARED_S, failure
        return failure

    async def _post(self, url: str, secret: bytes, notification: NotificationQueued) -> str:
        import aiohttp

        body = webhook_body(notification)
        headers = webhook_headers(secret, notification.notification_id, body, self.clock())
        if self._session is None:
            self._session = _open_session(self.settings)
        try:
            async with self._session.post(
                url, data=body.encode(), headers=headers, allow_redirects=False
            ) as response:
                await response.content.read(_MOST_ANSWER_BYTES)
                return _failure_of(response.status)
        except TimeoutError:
            return "timeout"
        except aiohttp.ClientConnectorError as error:
            inner: BaseException = error.os_error
            if isinstance(inner, _Forbidden):
                return "url_forbidden"
            tls = isinstance(error, aiohttp.ClientSSLError) or isinstance(inner, ssl.SSLError)
            return "tls_failed" if tls else "unreachable"
        except aiohttp.ClientSSLError:
            return "tls_failed"
        except (aiohttp.InvalidURL, ValueError):
            return "url_invalid"
        except aiohttp.ClientError:
            return "invalid_answer"
        except OSError:
            return "unreachable"


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


def webhook_headers(secret: bytes, webhook_id: str, body: str, now: int) -> dict[str, str]:
    """Standard Webhooks headers for an attempt at `now` (Unix ms); the id is for repeats."""
    from standardwebhooks import Webhook

    moment = datetime.fromtimestamp(now // 1000, UTC)
    return {
        "content-type": "application/json",
        "user-agent": "docaxis-webhooks/1",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now // 1000),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body),
    }


def _failure_of(status: int) -> str:
    if 200 <= status < 300:
        return ""
    return GONE if status == 410 else f"http_{status}"


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
