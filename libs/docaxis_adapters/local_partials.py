"""Uploads in pieces below a local root: `partial/<system>/<upload>/plan`, and a file of data.

The plan names its data, so that what a crash left of another upload never counts for this one. The
data's size is the upload's offset; nothing else tells it. Whoever appends holds the file's
lock (`flock`, which ends with its process), so one piece is written at a time, whichever processes
share the folder. A crash of the machine may leave a file longer than what was synced, with bytes
that never came: they do not give the digest that was told, and the upload is refused as a whole.

Everything here blocks. What writes answers descriptors to sync; who gets them closes them.
"""

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from threading import Lock
from uuid import uuid4

import msgspec

from docaxis_adapters.local_upload import CHUNK, StagedNames
from docaxis_adapters.safe_folder import (
    open_new,
    open_to_read,
    opened_folder,
    remove_quietly,
    write_all,
)
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import (
    OtherBytes,
    PartialUpload,
    UploadHeld,
    UploadPlan,
    WrongOffset,
)

FOLDER = "partial"
_PLAN = "plan"
_APPEND = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES = 5
_WRITTEN_OUT = 16 * 2**20
_HASHED_AT_ONCE = 16 * 2**20


class _Written(msgspec.Struct, frozen=True):
    """The plan's file: the plan, and the name of its data."""

    plan: UploadPlan
    data: str


_decoder = msgspec.json.Decoder(_Written)


class HeldPartial:
    """The data of an upload, open and locked by this object until `close`."""

    def __init__(self, descriptor: int, name: str, plan: UploadPlan) -> None:
        # A file object, so that a caller who is cancelled leaves neither descriptor nor lock.
        self._file = FileIO(descriptor, "r+")
        self.descriptor = descriptor
        self.name = name
        self.plan = plan
        self.offset = os.fstat(descriptor).st_size
        self._written_out = self.offset
        self._hasher = sha256()
        self._hashed = 0
        self._working = Lock()

    def write(self, content: bytes | bytearray) -> None:
        """Append; a disk that fills may take a part, and that part counts."""
        with self._working:
            try:
                write_all(self.descriptor, content)
            finally:
                self.offset = os.fstat(self.descriptor).st_size
            if self.offset - self._written_out >= _WRITTEN_OUT:
                os.fdatasync(self.descriptor)
                self._written_out = self.offset

    def hash_some(self) -> bool:
        """Hash the next bytes; False behind the last ones. Short steps let others at the disk."""
        until = self._hashed + _HASHED_AT_ONCE
        while self._hashed < until:
            chunk = os.pread(self.descriptor, CHUNK, self._hashed)
            if not chunk:
                return False
            self._hasher.update(chunk)
            self._hashed += len(chunk)
        return True

    def hashed(self) -> StoredFile:
        """Digest and size of what was hashed."""
        return StoredFile(self._hasher.hexdigest(), self._hashed)

    def close(self) -> None:
        """Give up the lock. A step that was cancelled goes on in its thread: wait for it."""
        with self._working:
            self._file.close()


class LocalPartials:
    """See the module."""

    def __init__(self, root: Path, names: StagedNames) -> None:
        self._root = root
        self._names = names

    def begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> list[int]:
        """Write the plan. Raises `FileExistsError`."""
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                return self._begin(system_id, upload_id, plan)
        raise Unavailable(f"{upload_id} is being discarded again and again")

    def _begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> list[int]:
        """Raises `FileNotFoundError` where another process removes the empty folder meanwhile."""
        data = uuid4().hex
        with (
            opened_folder(self._root, FOLDER, system_id, upload_id, make=True) as folder,
            opened_folder(self._root, FOLDER, system_id) as system,
            opened_folder(self._root, FOLDER) as above,
        ):
            self._remove_if_over(folder)
            os.close(open_new(data, folder))
            try:
                _write_plan(_Written(plan, data), folder)
            except BaseException:
                remove_quietly(data, folder)
                raise
            return [os.dup(folder), os.dup(system), os.dup(above)]

    def look_up(self, system_id: str, upload_id: str) -> PartialUpload:
        """How far it is. Raises `FileNotFoundError`."""
        with opened_folder(self._root, FOLDER, system_id, upload_id) as folder:
            written = _read_plan(folder)
            status = os.stat(written.data, dir_fd=folder, follow_symlinks=False)
        return PartialUpload(written.plan, status.st_size, status.st_mtime_ns // 1_000_000)

    def hold(self, system_id: str, upload_id: str) -> HeldPartial:
        """Lock its data. Raises `FileNotFoundError`, `UploadHeld`."""
        with opened_folder(self._root, FOLDER, system_id, upload_id) as folder:
            written = _read_plan(folder)
            descriptor = os.open(written.data, _APPEND, dir_fd=folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # It may have been completed, or removed, between the open and the lock.
                os.stat(written.data, dir_fd=folder, follow_symlinks=False)
            except BaseException as error:
                os.close(descriptor)
                if isinstance(error, BlockingIOError):
                    raise UploadHeld(upload_id) from None
                raise
            return HeldPartial(descriptor, written.data, written.plan)

    def publish(self, system_id: str, upload_id: str, held: HeldPartial) -> StoredFile:
        """Give the hashed bytes their staging name, or remove them. Raises `OtherBytes`."""
        stored = held.hashed()
        if stored.size != held.plan.size:
            raise WrongOffset(stored.size)
        if stored.digest != held.plan.digest:
            self.discard(system_id, upload_id)
            raise OtherBytes(upload_id)
        with (
            opened_folder(self._root, FOLDER, system_id, upload_id) as folder,
            opened_folder(self._root, "staging", system_id, make=True) as staging,
        ):
            # It may have waited for this since yesterday: its day as a file begins now.
            os.utime(held.descriptor)
            # By its own name: the upload may have been discarded and begun again meanwhile.
            os.rename(held.name, upload_id, src_dir_fd=folder, dst_dir_fd=staging)
        self._names.remember(system_id, upload_id, held.descriptor, stored)
        self.discard(system_id, upload_id)
        return stored

    def discard(self, system_id: str, upload_id: str) -> bool:
        """Remove it; tells whether there was one."""
        try:
            with opened_folder(self._root, FOLDER, system_id, upload_id) as folder:
                # The plan goes first: without it there is no upload, whatever else is left.
                there = remove_quietly(_PLAN, folder)
                for name in os.listdir(folder):
                    remove_quietly(name, folder)
        except FileNotFoundError:
            return False
        with suppress(OSError), opened_folder(self._root, FOLDER, system_id) as system:
            os.rmdir(upload_id, dir_fd=system)
        return there

    def expire(self, older_than_ms: int) -> int:
        """Remove those to which nothing was added since that moment; tells how many."""
        count = 0
        with opened_folder(self._root, FOLDER) as folder:
            systems = os.listdir(folder)
        for system_id in systems:
            with opened_folder(self._root, FOLDER, system_id) as folder:
                uploads = os.listdir(folder)
            for upload_id in uploads:
                with suppress(FileNotFoundError):
                    if self._written_ns(system_id, upload_id) < older_than_ms * 1_000_000:
                        count += self.discard(system_id, upload_id)
        return count

    def _written_ns(self, system_id: str, upload_id: str) -> int:
        with opened_folder(self._root, FOLDER, system_id, upload_id) as folder:
            newest = os.fstat(folder).st_mtime_ns
            for name in os.listdir(folder):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                newest = max(newest, status.st_mtime_ns)
            return newest

    @staticmethod
    def _remove_if_over(folder: int) -> None:
        """A plan whose data has gone is that of an upload that was completed before a crash."""
        with suppress(FileNotFoundError):
            data = _read_plan(folder).data
            try:
                os.stat(data, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                remove_quietly(_PLAN, folder)


def _write_plan(written: _Written, folder: int) -> None:
    """Whole or not at all, and once. Raises `FileExistsError`."""
    name = f".{uuid4().hex}"
    descriptor = open_new(name, folder)
    try:
        write_all(descriptor, msgspec.json.encode(written))
        os.fsync(descriptor)
        os.link(name, _PLAN, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(descriptor)
        remove_quietly(name, folder)


def _read_plan(folder: int) -> _Written:
    descriptor = open_to_read(_PLAN, folder)
    try:
        return _decoder.decode(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
    except msgspec.DecodeError as error:
        raise FileNotFoundError("the plan is damaged: begin again") from error
    finally:
        os.close(descriptor)
