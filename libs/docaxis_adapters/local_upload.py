"""Uploads on their way into a local folder: written under a part name, hashed as they come."""

import errno
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from docaxis_adapters.safe_folder import (
    open_anew,
    open_to_read,
    opened_folder,
    remove_quietly,
    write_all,
)
from docaxis_eventsourcing.errors import StorageFull, Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile

CHUNK = 1 << 20
_GATHERED = 256 * 1024
_WRITTEN_OUT = 16 * 2**20
_REMEMBERED = 10_000
_FULL = {errno.ENOSPC, errno.EDQUOT}
_DISK = {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}

Run = Callable[..., Awaitable[Any]]


@contextmanager
def disk_failures() -> Iterator[None]:
    """A disk that is full is `StorageFull`, a broken one `Unavailable` (L22)."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(str(error)) from error
        if error.errno in _DISK:
            raise Unavailable(str(error)) from error
        raise


def hash_of(descriptor: int) -> StoredFile:
    """Digest and size of an open file, read from its start in chunks."""
    hasher = sha256()
    size = 0
    while chunk := os.pread(descriptor, CHUNK, size):
        hasher.update(chunk)
        size += len(chunk)
    return StoredFile(hasher.hexdigest(), size)


class StagedNames:
    """Finished uploads by name, with the digests that are known while the same file stands there.

    A digest that is not known (after a restart, or staged by another process) is computed again.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[tuple[int, int, int], StoredFile]] = (
            OrderedDict()
        )
        self._lock = Lock()

    def remember(self, system_id: str, upload_id: str, descriptor: int, stored: StoredFile) -> None:
        """Keep the digest of the file that stands under this name now."""
        with self._lock:
            self._known[system_id, upload_id] = (_identity(descriptor), stored)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def standing(self, system_id: str, upload_id: str, path: Path) -> StoredFile | None:
        """What is known of the upload, where the file that it is known of stands there still."""
        with self._lock:
            known = self._known.get((system_id, upload_id))
        if known is None:
            return None
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            return None  # who asks the disk is told what is wrong
        return known[1] if known[0] == _identity_of(status) else None

    def look_up(self, system_id: str, upload_id: str, folder: int) -> StoredFile:
        """Digest and size of a finished upload. Raises `FileNotFoundError`."""
        descriptor = open_to_read(upload_id, folder)
        try:
            return self.digest_of(system_id, upload_id, descriptor)
        finally:
            os.close(descriptor)

    def digest_of(self, system_id: str, upload_id: str, descriptor: int) -> StoredFile:
        """Digest and size of an upload that was opened under this name."""
        with self._lock:
            known = self._known.get((system_id, upload_id))
        if known is not None and known[0] == _identity(descriptor):
            return known[1]
        stored = hash_of(descriptor)
        self.remember(system_id, upload_id, descriptor, stored)
        return stored

    def remove(self, system_id: str, upload_id: str, folder: int) -> bool:
        """Remove the upload and what was begun under its name; tells whether there was any."""
        with self._lock:
            self._known.pop((system_id, upload_id), None)
        there = [remove_quietly(upload_id, folder), remove_quietly(part_name(upload_id), folder)]
        return any(there)

    def expire(self, system_id: str, folder: int, older_than_ms: int) -> int:
        """Remove what was last written before that moment; tells how many."""
        count = 0
        for name in os.listdir(folder):
            with suppress(FileNotFoundError):
                written = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns
                if written < older_than_ms * 1_000_000:
                    with self._lock:
                        self._known.pop((system_id, name), None)
                    count += remove_quietly(name, folder)
        return count


def _identity(descriptor: int) -> tuple[int, int, int]:
    return _identity_of(os.fstat(descriptor))


def _identity_of(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def part_name(upload_id: str) -> str:
    """The name of an upload that is not finished: no id begins with a dot."""
    return f".{upload_id}"


class LocalUpload:
    """The port's `StagedUpload`. Small pieces are gathered, so a small file is one step."""

    def __init__(
        self, root: Path, system_id: str, upload_id: str, run: Run, names: StagedNames
    ) -> None:
        self._root = root
        self._system_id = system_id
        self._upload_id = upload_id
        self._run = run
        self._names = names
        self._gathered = bytearray()
        self._descriptor: int | None = None
        self._hasher = sha256()
        self._size = 0
        self._written_out = 0
        self._ended = False
        self._working = Lock()
        """A cancelled step goes on in its thread: `abort` waits for it."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable` (disk full); nothing of the upload is left then."""
        if self._ended:
            raise ValueError("this upload has ended")
        self._gathered += chunk
        if len(self._gathered) >= _GATHERED:
            await self._step(self._write_gathered)

    async def finish(self) -> StoredFile:
        """Give it its staging name; the disk need not have it before `take`."""
        if self._ended:
            raise ValueError("this upload has ended")
        stored: StoredFile = await self._step(self._finish)
        return stored

    async def abort(self) -> None:
        """Leave nothing behind. Harmless after `finish`."""
        if not self._ended:
            self._ended = True
            with suppress(OSError, Unavailable):
                await self._run(self._drop)

    async def _step(self, work: Callable[[], Any]) -> Any:
        try:
            return await self._run(work)
        except BaseException:
            await self.abort()
            raise

    def _write_gathered(self) -> None:
        with self._working, self._folder() as folder:
            self._write_out(folder)

    def _finish(self) -> StoredFile:
        with self._working, self._folder() as folder:
            return self._finished(folder)

    def _drop(self) -> None:
        with self._working:
            self._dropped()

    @contextmanager
    def _folder(self) -> Iterator[int]:
        if self._ended:
            raise ValueError("this upload has ended")  # aborted before its thread came to it
        make = self._descriptor is None
        with opened_folder(self._root, "staging", self._system_id, make=make) as folder:
            yield folder

    def _write_out(self, folder: int) -> None:
        if self._descriptor is None:
            self._descriptor = open_anew(part_name(self._upload_id), folder)
        gathered, self._gathered = self._gathered, bytearray()
        self._hasher.update(gathered)
        write_all(self._descriptor, gathered)
        self._size += len(gathered)
        if self._size - self._written_out >= _WRITTEN_OUT:
            os.fdatasync(self._descriptor)
            self._written_out = self._size

    def _finished(self, folder: int) -> StoredFile:
        self._write_out(folder)
        descriptor = self._descriptor
        assert descriptor is not None  # noqa: S101 - opened by the line above
        name = part_name(self._upload_id)
        if not _is(name, folder, descriptor):
            raise FileNotFoundError(f"{self._upload_id} was begun again or discarded")
        os.rename(name, self._upload_id, src_dir_fd=folder, dst_dir_fd=folder)
        stored = StoredFile(self._hasher.hexdigest(), self._size)
        self._names.remember(self._system_id, self._upload_id, descriptor, stored)
        os.close(descriptor)
        self._descriptor = None
        self._ended = True
        return stored

    def _dropped(self) -> None:
        self._gathered = bytearray()
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            with opened_folder(self._root, "staging", self._system_id) as folder:
                name = part_name(self._upload_id)
                if _is(name, folder, descriptor):
                    remove_quietly(name, folder)
        finally:
            os.close(descriptor)


def _is(name: str, folder: int, descriptor: int) -> bool:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(status, os.fstat(descriptor))
