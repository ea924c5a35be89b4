"""How the store calls MongoDB: within a deadline, causally, and in transactions that end known.

Reads are at majority and causal: each waits for the time of the newest answer that this store has
had. So it sees its own writes and never something older than it saw before, also when another
member has just become primary and does not yet know how much a majority has.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import pymongo
from bson.timestamp import Timestamp
from pymongo.errors import PyMongoError

from docaxis_adapters.mongo_store.driver import Client
from docaxis_adapters.mongo_store.failures import TRANSIENT, UNKNOWN_COMMIT, in_kernel_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

    from docaxis_adapters.mongo_store.driver import Document

Result = TypeVar("Result")

_FIRST_WAIT_S = 0.002
_LONGEST_WAIT_S = 0.2
_ABORT_S = 2.0


class Sessions:
    """One database, and the calls to it. All times are seconds."""

    def __init__(
        self, client: Client, database: str, *, timeout_s: float, selection_s: float
    ) -> None:
        """Calls end within `timeout_s`, and within `selection_s` while there is no primary."""
        self._client = client
        self.database: AsyncDatabase[Document] = client.database(database)
        self._timeout_s = timeout_s
        self._selection_s = selection_s
        self._idle: dict[Hashable, list[AsyncClientSession]] = {}
        self._seen: Timestamp | None = None
        self._running = 0
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def call(self) -> "AsyncIterator[AsyncClientSession]":
        """A session for calls outside of transactions, which together end within the deadline.

        Raises `Unavailable` and `ValueError` in place of the driver's errors.
        """
        with self._accepted():
            await self._until_primary()
            async with self._session() as session:
                with _within(self._timeout_s):
                    yield session

    async def in_transaction(
        self,
        work: "Callable[[AsyncClientSession], Awaitable[Result]]",
        *,
        of: Hashable = None,
        before: "Callable[[AsyncClientSession], Awaitable[None]] | None" = None,
    ) -> Result:
        """Run `work` in a transaction and commit it; both again where MongoDB says so.

        Transactions `of` the same thing take the same sessions; `before` is run with the session
        each time before a transaction begins.

        A transaction that did nothing for a passing reason (a conflict, a lost connection, a new
        primary) is run again; a commit whose answer was lost is asked for until it is known. What
        `work` raises aborts. Raises `Unavailable` when the time is over: after a lost answer the
        transaction may have been committed all the same.
        """
        until = time.monotonic() + self._timeout_s
        wait = _FIRST_WAIT_S
        with self._accepted():
            await self._until_primary()
            while True:
                try:
                    return await self._once(work, of, before, until)
                except PyMongoError as error:
                    if not error.has_error_label(TRANSIENT) or time.monotonic() + wait >= until:
                        raise
                await _pause(wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _once(
        self,
        work: "Callable[[AsyncClientSession], Awaitable[Result]]",
        of: Hashable,
        before: "Callable[[AsyncClientSession], Awaitable[None]] | None",
        until: float,
    ) -> Result:
        async with self._session(of) as session:
            if before is not None:
                with _within(until - time.monotonic()):
                    await before(session)
            await self._client.begin(session)
            try:
                with _within(until - time.monotonic()):
                    result = await work(session)
            except BaseException:
                # An open transaction holds its rows until the server ends it, after a minute.
                with suppress(PyMongoError), _within(_ABORT_S):
                    await session.abort_transaction()
                raise
            await self._commit(session, until)
            return result

    async def _commit(self, session: "AsyncClientSession", until: float) -> None:
        wait = _FIRST_WAIT_S
        while True:
            try:
                with _within(until - time.monotonic()):
                    await session.commit_transaction()
                return
            except PyMongoError as error:
                if not error.has_error_label(UNKNOWN_COMMIT) or time.monotonic() + wait >= until:
                    raise
            await _pause(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _until_primary(self) -> None:
        """Fail soon while no server takes writes, instead of with each call's whole deadline."""
        if not self._client.has_primary():
            with _within(min(self._selection_s, self._timeout_s)):
                await self.database.command("ping")

    @asynccontextmanager
    async def _session(self, of: Hashable = None) -> "AsyncIterator[AsyncClientSession]":
        """A session that nobody else uses meanwhile; after a failure it is not used again."""
        idle = self._idle.setdefault(of, [])
        session = idle.pop() if idle else await self._client.session()
        if self._seen is not None:
            session.advance_operation_time(self._seen)
        try:
            yield session
        except BaseException:
            await session.end_session()
            raise
        else:
            idle.append(session)
        finally:
            seen = session.operation_time
            if seen is not None and (self._seen is None or seen > self._seen):
                self._seen = seen

    @contextmanager
    def _accepted(self) -> "Iterator[None]":
        """A call that `close` waits for, with its errors in the kernel's words."""
        self._running += 1
        try:
            with in_kernel_words():
                yield
        finally:
            self._running -= 1
            self._ended.set()

    async def close(self) -> None:
        """Wait for the calls that run, which have deadlines, and close all connections."""
        try:
            while self._running:
                self._ended.clear()
                await self._ended.wait()
        finally:  # also for a caller that waits no longer
            idle = [session for sessions in self._idle.values() for session in sessions]
            self._idle.clear()
            with suppress(PyMongoError), _within(_ABORT_S):
                for session in idle:
                    await session.end_session()
                await self._client.close()


@contextmanager
def _within(seconds: float) -> "Iterator[None]":
    """The driver's deadline for all calls inside, its own retries included."""
    with pymongo.timeout(max(seconds, 0.001)):  # 0 would mean none
        yield


async def _pause(longest_s: float) -> None:
    await asyncio.sleep(longest_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
