"""One HTTP session to the axis: keep-alive, tokens, problems as errors, safe retries.

Every request may be repeated, because the axis makes repeats harmless: submits are idempotent by
content, uploads by their id, other POSTs by an `Idempotency-Key` that stays the same over the
retries. The first attempt goes straight out; tenacity is set up only when it has failed, because
it would cost as much CPU as the request.
"""

import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from yarl import URL

from docaxis_client.credentials import Credentials
from docaxis_client.errors import AxisUnavailable, ProblemError, problem_of
from docaxis_client.proving import proof_of
from docaxis_client.tls import client_context

API = "/api/v1"
T = TypeVar("T")

Body = bytes | Callable[[], AsyncIterator[bytes]]
"""Bytes, or what starts a stream of them; it is started anew for each attempt."""


class Request(NamedTuple):
    """One call; `path` starts behind `/api/v1`, and its query is encoded already.

    `untold` starts the same stream as `body` without telling anybody's progress bar: where the
    request is signed, its digest comes from it. Not needed beside a `Content-Digest`.
    """

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: Body | None = None
    untold: Callable[[], AsyncIterator[bytes]] | None = None


class Reply(NamedTuple):
    """A whole answer in memory."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotNow(Exception):
    """An answer that says: ask again (429, 503 and their like)."""

    def __init__(self, problem: ProblemError) -> None:
        super().__init__(str(problem))
        self.problem = problem


TRANSIENT = (
    NotNow,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    TimeoutError,
)
_BACKOFF = wait_random_exponential(multiplier=0.2, max=5)


class Transport:
    """Sends requests as one system; made and closed inside one event loop."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        language: str = "vi",
        attempts: int = 6,
        patience_s: float = 60.0,
        connections: int = 100,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._root = self.base_url + API
        self._headers = {"Accept-Language": language, "User-Agent": "docaxis-client"}
        self._attempts = attempts
        self._patience_s = patience_s
        self._connections = connections
        self._tls = tls
        self._trust_env = trust_env
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._proof = proof_of(credentials, self._root, self._post_token_form)

    async def close(self) -> None:
        """Close the connections; the next request would open new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def authorization(self) -> str:
        """The `Authorization` header that calls carry now.

        Raises `CredentialsUnusable` where they carry none: requests signed, or a certificate.
        """
        return await self._proof.authorization()

    async def call(self, request: Request) -> Reply:
        """Send a request until it is answered.

        Raises `ProblemError` for a refusal, `AxisUnavailable` when attempts or patience are over.
        """
        try:
            return await self._attempt(request)
        except TRANSIENT as failure:
            return await self.again(lambda: self._attempt(request), failure)

    async def once(self, request: Request) -> Reply:
        """Send a request once. Raises `NotNow` and its like (`TRANSIENT`), for `again`."""
        return await self._attempt(request)

    async def peek(self, path: str) -> Reply:
        """GET once without a token, whatever the answer's status. Raises `AxisUnavailable`."""
        try:
            async with self._send(Request("GET", path), {}) as response:
                return Reply(response.status, response.headers, await response.read())
        except TRANSIENT as error:
            raise AxisUnavailable(f"{self.base_url}: {error}") from error

    async def anonymous(self, request: Request) -> Reply:
        """Send a request that needs no token; otherwise as `call`."""
        try:
            return await self._checked(request, {})
        except TRANSIENT as failure:
            return await self.again(lambda: self._checked(request, {}), failure)

    async def again(self, attempt: Callable[[], Awaitable[T]], failure: BaseException) -> T:
        """Repeat what has failed once, waiting longer each time or as long as the axis says."""
        failures = [failure]

        async def next_attempt() -> T:
            if failures:
                raise failures.pop()
            return await attempt()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TRANSIENT),
            stop=stop_after_attempt(self._attempts) | stop_before_delay(self._patience_s),
            wait=_wait,
            reraise=True,
        )
        try:
            return await retrying(next_attempt)
        except TRANSIENT as last:
            problem = last.problem if isinstance(last, NotNow) else None
            words = str(problem) if problem else f"{type(last).__name__}: {last}"
            raise AxisUnavailable(f"{self.base_url}: {words}", problem) from last

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once and hand over the answer unread; refusals are errors as always.

        Raises `NotNow` and its like (`TRANSIENT`), for the caller to give to `again`.
        """
        proof = await self._proof.headers(request)
        async with self._send(request, proof) as response:
            if response.status != 401:
                await _raise_for(response)
                yield response
                return
            problem = _problem(response, await response.read())
        renewed = await self._proof.renewed(request, proof, problem)
        if renewed is None:
            raise problem
        async with self._send(request, renewed) as response:
            await _raise_for(response)
            yield response

    async def _attempt(self, request: Request) -> Reply:
        proof = await self._proof.headers(request)
        try:
            return await self._checked(request, proof)
        except ProblemError as problem:
            renewed = await self._proof.renewed(request, proof, problem)
            if renewed is None:
                raise
        return await self._checked(request, renewed)

    async def _checked(self, request: Request, headers: Mapping[str, str]) -> Reply:
        try:
            async with self._send(request, headers) as response:
                body = await response.read()
        except aiohttp.ClientSSLError as error:
            raise AxisUnavailable(f"{self.base_url}: {error}") from error
        if response.status >= 400:
            _raise(response, body)
        return Reply(response.status, response.headers, body)

    def _send(
        self, request: Request, headers: Mapping[str, str]
    ) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            self._session = self._new_session()
        body = request.body
        return self._session.request(
            request.method,
            URL(self._root + request.path, encoded=True),
            headers={**request.headers, **headers},
            data=body() if callable(body) else body,
            allow_redirects=False,
        )

    async def _post_token_form(self, form: Callable[[], bytes]) -> bytes:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}

        async def attempt() -> bytes:
            return (await self._checked(Request("POST", "/token", headers, form()), {})).body

        try:
            return await attempt()
        except TRANSIENT as failure:
            return await self.again(attempt, failure)

    def _new_session(self) -> aiohttp.ClientSession:
        tls = self._tls if self._tls is not None else client_context(self._credentials)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, ssl=tls if tls is not None else True
            ),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            # No total: a file may be large. A long-poll answers within 50 s.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90),
            trust_env=self._trust_env,
        )


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome is not None else None
    if isinstance(failure, NotNow) and failure.problem.retry_after_s is not None:
        # Not all at once: those told the same moment come spread over a tenth of it.
        return failure.problem.retry_after_s + _BACKOFF(state) / 10
    return _BACKOFF(state)


async def _raise_for(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        _raise(response, await response.read())


def _problem(response: aiohttp.ClientResponse, body: bytes) -> ProblemError:
    return problem_of(
        response.status,
        body,
        request_id=response.headers.get("X-Request-Id", ""),
        retry_after_s=_seconds(response.headers.get("Retry-After")),
    )


def _raise(response: aiohttp.ClientResponse, body: bytes) -> None:
    problem = _problem(response, body)
    if problem.retryable or problem.status in (502, 504):
        raise NotNow(problem)
    raise problem


def _seconds(retry_after: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
