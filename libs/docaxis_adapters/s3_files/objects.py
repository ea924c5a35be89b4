"""The calls on objects that the store needs: deadlines, and the port's errors.

A call ends within its deadline: with its result, `FileNotFoundError`, or `Unavailable` (away, slow,
broken, not permitted: L22 treats them alike, and the message tells which). The client underneath
tries again within it. A call that is given up may still be carried out by the store later; nothing
here relies on its not being.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError, BaseError

from docaxis_eventsourcing.errors import Unavailable

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import MemoryStore, S3Store

_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
_CALL_S = 15.0
_PAGE_S = 30.0
_LISTING_S = 600.0
_SLOWEST_COPY = 5 * 2**20  # bytes a second
PART = 8 * 2**20
"""Bytes of one part of an upload."""
_PARTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Listed:
    """An object found by listing: its key, its bytes, and when it was last written (Unix ms)."""

    key: str
    written_ms: int
    size: int


class Objects:
    """Objects of one bucket under one prefix. `store` is obstore's; tests give one in memory."""

    def __init__(self, store: "S3Store | MemoryStore") -> None:
        self._store = store

    async def ask(self) -> None:
        """Ask the bucket for one object. Raises `Unavailable`, also where it does not let us in."""
        with suppress(FileNotFoundError):
            await self._first_byte("settings-are-right")

    async def size(self, key: str) -> int:
        """Size in bytes. Raises `FileNotFoundError`, `Unavailable`."""
        try:
            return (await self._head(key))["size"]
        except FileNotFoundError:
            await self._first_byte(key)  # a HEAD cannot tell a missing object from a missing bucket
            raise

    async def exists(self, key: str) -> bool:
        """Whether there is such an object. Raises `Unavailable`."""
        try:
            await self._head(key)
        except FileNotFoundError:
            return False
        return True

    async def _head(self, key: str) -> "ObjectMeta":
        with store_failures(key):
            async with asyncio.timeout(_CALL_S):
                return await self._store.head_async(key)

    async def _first_byte(self, key: str) -> None:
        with store_failures(key):
            async with asyncio.timeout(_CALL_S):
                await self._store.get_async(key, options={"range": (0, 1)})

    async def get(self, key: str) -> bytes:
        """All bytes of a small object. Raises `FileNotFoundError`, `Unavailable`."""
        with store_failures(key):
            async with asyncio.timeout(_CALL_S):
                found = await self._store.get_async(key)
                return (await found.bytes_async()).to_bytes()

    async def piece(self, key: str, start: int, end: int) -> tuple[bytes, int]:
        """Bytes `start` to `end` as far as there are any, and the object's whole size.

        Raises `FileNotFoundError`, `Unavailable`.
        """
        try:
            with store_failures(key):
                async with asyncio.timeout(_PAGE_S):
                    found = await self._store.get_async(key, options={"range": (start, end)})
                    return (await found.bytes_async()).to_bytes(), found.meta["size"]
        except Unavailable:
            # A range behind the last byte, also the first of an empty object, is an error (416).
            size = await self.size(key)
            if start < size:
                raise
            return b"", size

    async def put(self, key: str, content: bytes) -> None:
        """Write a small object, whole or not at all. Raises `Unavailable`."""
        with store_failures(key, writing=True):
            async with asyncio.timeout(_CALL_S + len(content) / _SLOWEST_COPY):
                await self._store.put_async(key, content, use_multipart=False)

    async def create(self, key: str, content: bytes) -> None:
        """Write a small object that is not there yet, whole or not at all.

        Of several that write it at once one succeeds (`If-None-Match: *`). Raises
        `FileExistsError`, also where an answer was lost and the object is our own; `Unavailable`.
        """
        try:
            with store_failures(key, writing=True):
                async with asyncio.timeout(_CALL_S + len(content) / _SLOWEST_COPY):
                    await self._create(key, content)
        except Unavailable as error:
            # A server that refuses before it read the body may just cut the connection.
            if await self.exists(key):
                raise FileExistsError(key) from error
            raise

    async def _create(self, key: str, content: bytes) -> None:
        try:
            await self._store.put_async(key, content, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            raise FileExistsError(key) from error

    async def put_pieces(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Write an object in parts as its pieces come, whole or not at all.

        Has no deadline of its own: the pieces come as they are sent. Raises `Unavailable`, and
        what `pieces` raises.
        """
        with store_failures(key, writing=True):
            await self._store.put_async(
                key, pieces, use_multipart=True, chunk_size=PART, max_concurrency=_PARTS_AT_ONCE
            )

    async def copy(self, source: str, target: str, size: int) -> None:
        """Copy inside the store, replacing the target in one step; `size` is for the deadline.

        Raises `FileNotFoundError` naming the source, `Unavailable`.
        """
        with store_failures(source):
            async with asyncio.timeout(_CALL_S + size / _SLOWEST_COPY):
                await self._store.copy_async(source, target)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error. Raises `Unavailable`."""
        if not keys:
            return
        with store_failures(keys[0], writing=True):
            async with asyncio.timeout(_CALL_S + len(keys) / 10):
                await self._store.delete_async(list(keys))

    async def under(self, prefix: str) -> AsyncIterator[Listed]:
        """All objects below `prefix/`, page by page. Raises `Unavailable`."""
        pages = self._store.list(prefix, chunk_size=1000)
        while True:
            with store_failures(prefix, writing=True):
                async with asyncio.timeout(_PAGE_S):
                    try:
                        page = await anext(pages)
                    except StopAsyncIteration:
                        return
            for each in page:
                written_ms = int(each["last_modified"].timestamp() * 1000)
                yield Listed(each["path"], written_ms, each["size"])

    async def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly below `prefix/`, sorted. Raises `Unavailable`."""
        with store_failures(prefix, writing=True):
            async with asyncio.timeout(_LISTING_S):
                found = await self._store.list_with_delimiter_async(prefix)
        return sorted(each.rsplit("/", 1)[-1] for each in found["common_prefixes"])


@contextmanager
def store_failures(key: str, *, writing: bool = False) -> Iterator[None]:
    """The port's errors for obstore's. Who writes or lists finds nothing missing but the bucket."""
    try:
        yield
    except FileNotFoundError as error:
        if writing or _means_another(str(error)):
            raise Unavailable(f"object store: {_in_short(error)}") from error
        raise FileNotFoundError(key) from error
    except TimeoutError as error:
        raise Unavailable(f"object store: no answer in time for {key}") from error
    except BaseError as error:
        raise Unavailable(f"object store: {_in_short(error)}") from error


def _means_another(told: str) -> bool:
    """Whether a 404 is of the bucket or of the access key: a HEAD's has no words."""
    code = _CODE.search(told)
    return code is not None and code[1] != "NoSuchKey"


def _in_short(error: Exception) -> str:
    """The request and S3's code for what is wrong, of many lines."""
    told = str(error)
    code = _CODE.search(told)
    request = told.partition("\n")[0].partition(": <?xml")[0][:300]
    return f"{request} ({code[1]})" if code else request
