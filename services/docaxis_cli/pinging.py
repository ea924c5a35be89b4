"""`docaxis ping`: the way to the axis step by step, and what to do where it ends."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docaxis_cli import options, ping_credentials
from docaxis_cli.ping_steps import REMEDIES, STEPS, Failed, Step
from docaxis_cli.session import (
    OK,
    REFUSED,
    UNAVAILABLE,
    USAGE,
    AxisSession,
    UsageProblem,
    vietnam_time,
)

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient
    from docaxis_client.credentials import Credentials

CERTIFICATE, KEY = "certificate", "key"
_PROBE = b"HEAD /health/live HTTP/1.1\r\nHost: axis\r\nConnection: close\r\n\r\n"
_USABLE = "own"
_UNREACHABLE = frozenset({"connect", "tls", "axis"})
_WAIT_S = 5.0
_SKEW_S = 30.0
"""What an assertion may be off; from here on nothing is accepted."""


def ping(
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Try the connection step by step: credential, TLS, clock, organisations, inbox.

    Changes nothing. Tells which credential is used, and with each step what to do where it fails.
    Exit code 0 when all are well, 1 when the axis refuses, 2 when the credential cannot be used,
    3 when the axis cannot be reached.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work() -> int:
        mine = session.credentials()
        address = url or mine.base_url
        if not address:
            raise UsageProblem(session.words("no_url"))
        steps = await _Walk(session, mine, address).walk()
        session.give({"url": address, "ok": all(each.ok for each in steps), "steps": _told(steps)})
        for each in steps:
            _tell(session, each)
        failed = next((each for each in steps if each.ok is False), None)
        if failed is None:
            return OK
        if failed.name == _USABLE:
            return USAGE
        return UNAVAILABLE if failed.name in _UNREACHABLE else REFUSED

    session.run(work)


class _Walk:
    """One walk; each step uses what those before it found."""

    def __init__(self, session: AxisSession, credentials: "Credentials", address: str) -> None:
        self._session = session
        self._credentials = credentials
        self._address = address
        self._parts = urlsplit(address)
        self._me: Any = None

    async def walk(self) -> list[Step]:
        """All steps, in order; after one that fails the others are not tried."""
        from docaxis_client.client import DocaxisClient

        language = self._session.words.language
        async with DocaxisClient(
            self._address, self._credentials, language=language, attempts=1
        ) as axis:
            steps: list[Step] = []
            for name in STEPS:
                if any(each.ok is False for each in steps):
                    steps.append(Step(name, None))
                    continue
                steps.append(await self._step(name, getattr(self, f"_{name}"), axis))
        return steps

    async def _step(
        self, name: str, run: "Callable[[DocaxisClient], Awaitable[str]]", axis: "DocaxisClient"
    ) -> Step:
        from docaxis_client.errors import AxisUnavailable, ProblemError

        try:
            return Step(name, True, await run(axis))
        except Failed as failed:
            return Step(name, False, failed.detail, failed.code, failed.remedy, failed.params)
        except ProblemError as problem:
            remedy = REMEDIES.get(problem.code, f"ping_fix_{name}")
            return Step(name, False, problem.detail or problem.title, problem.code, remedy)
        except AxisUnavailable as error:
            code = error.problem.code if error.problem else ""
            return Step(name, False, str(error), code, "ping_fix_later")

    async def _own(self, axis: "DocaxisClient") -> str:
        return ping_credentials.described(self._session.words, self._credentials, self._address)

    async def _connect(self, axis: "DocaxisClient") -> str:
        host, port = self._parts.hostname, self._port()
        if not host or self._parts.scheme not in ("http", "https"):
            raise Failed(self._address, "ping_fix_address")
        try:
            async with asyncio.timeout(_WAIT_S):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except socket.gaierror as error:
            raise Failed(str(error), "ping_fix_name", host=host) from None
        except (OSError, TimeoutError) as error:
            words = str(error) or f"{_WAIT_S:.0f} s"
            raise Failed(words, "ping_fix_connect", host=host, port=port) from None
        return f"{host}:{port}"

    async def _tls(self, axis: "DocaxisClient") -> str:
        if self._parts.scheme == "http":
            return self._session.words("ping_in_the_clear")
        shows = self._credentials.kind == CERTIFICATE
        remedy = "ping_fix_tls"
        try:
            async with asyncio.timeout(_WAIT_S):
                reader, writer = await asyncio.open_connection(
                    self._parts.hostname, self._port(), ssl=self._context()
                )
                found = writer.get_extra_info("ssl_object")
                words = f"{found.version()}, {found.cipher()[0]}"
                if shows:
                    # In TLS 1.3 the axis looks at the certificate when the handshake is over here.
                    remedy = "ping_fix_certificate_refused"
                    writer.write(_PROBE)
                    await reader.readexactly(1)
                writer.close()
        except (OSError, TimeoutError, EOFError) as error:  # ssl.SSLError is one
            if shows and "ALERT" in (getattr(error, "reason", None) or ""):
                remedy = "ping_fix_certificate_refused"  # before TLS 1.3: within the handshake
            raise Failed(str(error) or f"{_WAIT_S:.0f} s", remedy) from None
        return words

    def _context(self) -> ssl.SSLContext:
        from docaxis_client.tls import client_context

        return client_context(self._credentials) or ssl.create_default_context()

    async def _axis(self, axis: "DocaxisClient") -> str:
        import msgspec

        try:
            health = await axis.health()
        except msgspec.MsgspecError:
            raise Failed(self._address, "ping_fix_axis") from None
        if health.status != "ready":
            waits = "; ".join(f"{k}: {v}" for k, v in health.parts.items() if v != "ready")
            raise Failed(waits, "ping_fix_later", "unavailable")
        return self._session.words("ping_ready")

    async def _clock(self, axis: "DocaxisClient") -> str:
        before = time.time()
        there = await axis.server_time()
        here = (before + time.time()) / 2
        # The header has whole seconds.
        skew = here - (there.timestamp() + 0.5)
        words = self._session.words(
            "ping_skew", seconds=f"{skew:+.0f}", axis=f"{there:%H:%M:%S}Z",
            here=f"{datetime.fromtimestamp(here, UTC):%H:%M:%S}Z",
        )  # fmt: skip
        if abs(skew) > _SKEW_S:
            raise Failed(words, "ping_fix_clock", "clock_skewed")
        return words

    async def _credential(self, axis: "DocaxisClient") -> str:
        if self._credentials.kind == KEY:
            await axis.access_token()
        self._me = await axis.me()
        used = self._me.credential
        words = self._session.words
        if used is None or not used.not_after:
            return words("ping_accepted")
        return words("ping_accepted_until", until=vietnam_time(used.not_after))

    async def _system(self, axis: "DocaxisClient") -> str:
        words = f"{self._me.name} ({self._me.system_id})"
        if self._me.system_id != self._credentials.system_id:
            raise Failed(words, "ping_fix_other_system", "system_differs")
        return words

    async def _organisations(self, axis: "DocaxisClient") -> str:
        if self._me.role == "administrator":
            return self._session.words("ping_administrator")
        if not self._me.organisations:
            raise Failed(
                self._session.words("ping_none"), "ping_fix_organisations", "no_organisations"
            )
        return ", ".join(each.code for each in self._me.organisations)

    async def _inbox(self, axis: "DocaxisClient") -> str:
        if self._me.role == "administrator":
            return self._session.words("ping_administrator")
        page = await axis.inbox(limit=1)
        return self._session.words("ping_waiting" if page.items else "inbox_empty")

    def _port(self) -> int:
        try:
            port = self._parts.port
        except ValueError:
            raise Failed(self._address, "ping_fix_address") from None
        return port or (443 if self._parts.scheme == "https" else 80)


def _told(steps: list[Step]) -> list[dict[str, Any]]:
    return [
        {"step": each.name, "ok": each.ok, "detail": each.detail, "code": each.code or None}
        for each in steps
    ]


def _tell(session: AxisSession, step: Step) -> None:
    mark = {True: "✔", False: "✘", None: "–"}[step.ok]
    title = session.words(f"ping_{step.name}")
    code = f" [{step.code}]" if step.code else ""
    session.line(f"{mark} {title:<28} {step.detail}{code}".rstrip())
    if step.remedy:
        session.line(f"    → {session.words(step.remedy, **step.params)}")
