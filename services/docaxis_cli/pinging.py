"""`docaxis ping`: the way to the axis step by step, and what to do where it ends."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docaxis_cli import options
from docaxis_cli.session import OK, REFUSED, UNAVAILABLE, AxisSession, UsageProblem

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient
    from docaxis_client.credentials import Credentials

STEPS = (
    "connect",
    "tls",
    "axis",
    "clock",
    "credential",
    "system",
    "organisations",
    "inbox",
)
_UNREACHABLE = frozenset({"connect", "tls", "axis"})
_WAIT_S = 5.0
_SKEW_S = 30.0
"""What an assertion may be off; from here on nothing is accepted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found. `remedy` is a key of the catalogue; empty where nothing is wrong."""

    name: str
    ok: bool | None
    """None: not tried, because one before it failed."""
    detail: str = ""
    code: str = ""
    remedy: str = ""
    params: dict[str, object] = field(default_factory=dict)


class _Failed(Exception):
    def __init__(self, detail: str, remedy: str, code: str = "", **params: object) -> None:
        super().__init__(detail)
        self.detail, self.remedy, self.code, self.params = detail, remedy, code, params


def ping(
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Try the connection step by step: connect, TLS, clock, credential, organisations, inbox.

    Changes nothing. Each step is told with what to do where it fails. Exit code 0 when all are
    well, 1 when the axis refuses, 3 when it cannot be reached.
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
        except _Failed as failed:
            return Step(name, False, failed.detail, failed.code, failed.remedy, failed.params)
        except ProblemError as problem:
            remedy = _REMEDIES.get(problem.code, f"ping_fix_{name}")
            return Step(name, False, problem.detail or problem.title, problem.code, remedy)
        except AxisUnavailable as error:
            code = error.problem.code if error.problem else ""
            return Step(name, False, str(error), code, "ping_fix_later")

    async def _connect(self, axis: "DocaxisClient") -> str:
        host, port = self._parts.hostname, self._port()
        if not host or self._parts.scheme not in ("http", "https"):
            raise _Failed(self._address, "ping_fix_address")
        try:
            async with asyncio.timeout(_WAIT_S):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except socket.gaierror as error:
            raise _Failed(str(error), "ping_fix_name", host=host) from None
        except (OSError, TimeoutError) as error:
            words = str(error) or f"{_WAIT_S:.0f} s"
            raise _Failed(words, "ping_fix_connect", host=host, port=port) from None
        return f"{host}:{port}"

    async def _tls(self, axis: "DocaxisClient") -> str:
        if self._parts.scheme == "http":
            return self._session.words("ping_in_the_clear")
        try:
            async with asyncio.timeout(_WAIT_S):
                _, writer = await asyncio.open_connection(
                    self._parts.hostname, self._port(), ssl=ssl.create_default_context()
                )
            found = writer.get_extra_info("ssl_object")
            words = f"{found.version()}, {found.cipher()[0]}"
            writer.close()
        except (OSError, TimeoutError) as error:  # ssl.SSLError is one
            raise _Failed(str(error) or f"{_WAIT_S:.0f} s", "ping_fix_tls") from None
        return words

    async def _axis(self, axis: "DocaxisClient") -> str:
        import msgspec

        try:
            health = await axis.health()
        except msgspec.MsgspecError:
            raise _Failed(self._address, "ping_fix_axis") from None
        if health.status != "ready":
            waits = "; ".join(f"{k}: {v}" for k, v in health.parts.items() if v != "ready")
            raise _Failed(waits, "ping_fix_later", "unavailable")
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
            raise _Failed(words, "ping_fix_clock", "clock_skewed")
        return words

    async def _credential(self, axis: "DocaxisClient") -> str:
        await axis.access_token()
        return self._session.words("ping_accepted", id=self._credentials.key_id)

    async def _system(self, axis: "DocaxisClient") -> str:
        self._me = await axis.me()
        return f"{self._me.name} ({self._me.system_id})"

    async def _organisations(self, axis: "DocaxisClient") -> str:
        if self._me.role == "administrator":
            return self._session.words("ping_administrator")
        if not self._me.organisations:
            raise _Failed(
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
            raise _Failed(self._address, "ping_fix_address") from None
        return port or (443 if self._parts.scheme == "https" else 80)


_REMEDIES = {
    "assertion_expired": "ping_fix_clock",
    "assertion_not_yet_valid": "ping_fix_clock",
    "assertion_unknown_key": "ping_fix_key",
    "assertion_bad_signature": "ping_fix_key",
    "assertion_wrong_audience": "ping_fix_audience",
    "credential_revoked": "ping_fix_key",
    "system_unknown": "ping_fix_unknown",
    "system_locked": "ping_fix_locked",
    "rate_limited": "ping_fix_later",
}
"""Whoever is told these knows better what to do than by the step alone."""


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
