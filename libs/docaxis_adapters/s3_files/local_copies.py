"""Copies of objects in a local folder, for worker processes that read paths."""

import asyncio
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self
from uuid import uuid4

import structlog

from docaxis_adapters.folder_lock import FolderLock
from docaxis_adapters.local_upload import disk_failures
from docaxis_adapters.safe_folder import make_root, open_new, opened_folder, write_all

_log = structlog.get_logger(__name__)

GOOD_FOR_S = 300.0
"""How long a path that was handed out is good, at least."""
_KEPT_S = 3600.0
"""What nobody asked for so long goes, however much room there is."""


@dataclass(slots=True)
class _Copy:
    path: Path
    size: int
    used: float
    """When it was last handed out, by the clock."""


class LocalCopies:
    """A folder of this process alone, emptied when it is opened and closed.

    Holds `max_bytes`, the least recently used going first; more only while all of it was handed
    out in the last minutes. A full disk is `Unavailable`.
    """

    def __init__(
        self, folder: Path, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises `FolderInUse`, `OSError`."""
        make_root(folder)
        self._lock = FolderLock(folder / "lock")
        self._folder = folder / "copies"
        self._max_bytes = max_bytes
        self._clock = clock
        self._copies: OrderedDict[str, _Copy] = OrderedDict()  # least recently used first
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._empty()
        self._folder.mkdir(mode=0o700)

    @classmethod
    async def open(cls, folder: Path, max_bytes: int) -> Self:
        """The same, off the loop."""
        return await asyncio.to_thread(cls, folder, max_bytes)

    async def path(self, key: str, digest: str, read: Callable[[], AsyncIterator[bytes]]) -> Path:
        """The copy of the object with this key; its bytes are read where there is none.

        Several who ask at once wait for one reading. Raises `FileNotFoundError` where the bytes
        do not give the digest, `Unavailable`, and what `read` raises.
        """
        while (copy := self._copies.get(key)) is None:
            fetching = self._fetching.get(key)
            if fetching is None:
                fetching = asyncio.create_task(self._fetch(key, digest, read()))
                fetching.add_done_callback(lambda _: self._fetching.pop(key))
                self._fetching[key] = fetching
            await asyncio.shield(fetching)  # who leaves does not take it from the others
        copy.used = self._clock()
        self._copies.move_to_end(key)
        await self._unlink(self._too_much())
        return copy.path

    async def forget(self, folder: str) -> None:
        """Remove the copies of objects below `folder/`: they were removed from the store."""
        below = f"{folder}/"
        fetching = [task for key, task in self._fetching.items() if key.startswith(below)]
        await asyncio.gather(*fetching, return_exceptions=True)
        keys = [key for key in self._copies if key.startswith(below)]
        await self._unlink([self._copies.pop(key) for key in keys])

    async def close(self) -> None:
        """Remove all copies."""
        fetching = list(self._fetching.values())
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)
        self._copies.clear()
        await asyncio.to_thread(self._empty)
        self._lock.release()

    async def _fetch(self, key: str, digest: str, chunks: AsyncIterator[bytes]) -> None:
        path = self._folder / uuid4().hex
        part = path.with_suffix(".part")
        hasher = sha256()
        size = 0

        def write(descriptor: int, chunk: bytes) -> None:
            hasher.update(chunk)
            write_all(descriptor, chunk)

        with disk_failures():
            descriptor = self._new(part.name)
            try:
                async for chunk in chunks:
                    await asyncio.to_thread(write, descriptor, chunk)
                    size += len(chunk)
                if hasher.hexdigest() != digest:
                    _log.critical("stored_bytes_changed", key=key, found=hasher.hexdigest())
                    raise FileNotFoundError(f"{key}: the bytes give another digest")
                os.replace(part, path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
        self._copies[key] = _Copy(path, size, self._clock())

    def _new(self, name: str) -> int:
        with opened_folder(self._folder) as folder:
            return open_new(name, folder)

    def _too_much(self) -> list[_Copy]:
        """Takes out what has to go, least recently used first."""
        total = sum(each.size for each in self._copies.values())
        now = self._clock()
        going: list[_Copy] = []
        for key, each in list(self._copies.items()):
            unused_s = now - each.used
            if unused_s < GOOD_FOR_S or (total <= self._max_bytes and unused_s < _KEPT_S):
                break  # what is behind it was used later
            total -= each.size
            going.append(self._copies.pop(key))
        return going

    async def _unlink(self, copies: list[_Copy]) -> None:
        def unlink() -> None:
            for each in copies:
                each.path.unlink(missing_ok=True)

        if copies:
            await asyncio.to_thread(unlink)

    def _empty(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
