"""Uploads in pieces: a plan, and bytes in objects that are named by where they begin.

An object of bytes is created once (`If-None-Match: *`) and never changed, so of two pieces at one
offset one counts, whichever processes write them; objects follow each other without a gap, and
where the last one ends is the upload's offset. When all bytes are there they are read once, hashed
on the way into one object of the staging area, and published as any finished upload is.

A piece that a killed process held in memory is lost, 8 MiB at most: its sender asks for the offset.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from docaxis_adapters.s3_files.objects import PART, Listed, Objects
from docaxis_adapters.s3_files.staging import Staged, Staging
from docaxis_adapters.s3_files.verified_reading import read_pieces
from docaxis_adapters.safe_folder import checked_id
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import (
    OtherBytes,
    PartialUpload,
    TooManyPieces,
    UploadPlan,
    WrongOffset,
)

if TYPE_CHECKING:
    from hashlib import _Hash

_FOLDER = "partial"
_PLAN = "plan"
_MOST_OBJECTS = 10_000


class _Written(msgspec.Struct, frozen=True):
    """The plan's object: the plan, and the folder of its bytes."""

    plan: UploadPlan
    version: str


class S3Piece:
    """The port's `UploadPiece`: holds 8 MiB at most."""

    def __init__(self, objects: Objects, folder: str, offset: int, plan: UploadPlan) -> None:
        self._objects = objects
        self._folder = folder
        self._offset = offset
        self._plan = plan
        self._gathered = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable`, `WrongOffset`, `ValueError`."""
        if self._offset + len(self._gathered) + len(chunk) > self._plan.size:
            raise ValueError("larger than was told")
        self._gathered += chunk
        while len(self._gathered) >= PART:
            await self._put(bytes(memoryview(self._gathered)[:PART]))
            del self._gathered[:PART]

    async def keep(self) -> int:
        """Write what is left."""
        gathered, self._gathered = bytes(self._gathered), bytearray()
        if gathered:
            await self._put(gathered)
        return self._offset

    async def _put(self, content: bytes) -> None:
        try:
            await self._objects.create(f"{self._folder}/{self._offset:020d}", content)
        except FileExistsError:
            self._gathered = bytearray()
            raise WrongOffset(self._offset) from None
        self._offset += len(content)


class S3Partials:
    """See the module."""

    def __init__(self, objects: Objects, staging: Staging) -> None:
        self._objects = objects
        self._staging = staging

    async def begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> None:
        """Write the plan. Raises `FileExistsError`, `Unavailable`, `ValueError`."""
        written = msgspec.json.encode(_Written(plan, uuid4().hex))
        await self._objects.create(f"{_folder_of(system_id, upload_id)}/{_PLAN}", written)

    async def look_up(self, system_id: str, upload_id: str) -> PartialUpload:
        """How far it is. Raises `FileNotFoundError`, `Unavailable`, `ValueError`."""
        written, _, pieces = await self._read(system_id, upload_id)
        return PartialUpload(written.plan, _end(pieces), max(each.written_ms for each in pieces))

    async def append(self, system_id: str, upload_id: str, offset: int) -> S3Piece:
        """Begin a piece where the upload stands at this offset."""
        written, folder, pieces = await self._read(system_id, upload_id)
        if _end(pieces) != offset:
            raise WrongOffset(_end(pieces))
        if len(pieces) > _MOST_OBJECTS:
            raise TooManyPieces(upload_id)
        return S3Piece(self._objects, folder, offset, written.plan)

    async def complete(self, system_id: str, upload_id: str) -> StoredFile:
        """Put the pieces together. Two that do it at once publish the same bytes."""
        written, _, pieces = await self._read(system_id, upload_id)
        plan = written.plan
        if _end(pieces) != plan.size:
            raise WrongOffset(_end(pieces))
        hasher = sha256()
        version = self._staging.new_version()
        key = self._staging.key(system_id, upload_id, version)
        if plan.size <= PART:
            content = b"".join([each async for each in self._content(pieces, hasher)])
            await self._objects.put(key, content)
        else:
            await self._objects.put_pieces(key, self._content(pieces, hasher))
        if hasher.hexdigest() != plan.digest:
            await self._objects.delete([key])
            await self.discard(system_id, upload_id)
            raise OtherBytes(upload_id)
        staged = Staged(version, plan.digest, plan.size)
        await self._staging.publish(system_id, upload_id, staged)
        await self.discard(system_id, upload_id)
        return staged.stored

    async def discard(self, system_id: str, upload_id: str) -> bool:
        """Remove it; tells whether there was one. Raises `Unavailable`, `ValueError`."""
        folder = _folder_of(system_id, upload_id)
        found = [each.key async for each in self._objects.under(folder)]
        await self._objects.delete(found)
        return f"{folder}/{_PLAN}" in found

    async def expire(self, older_than_ms: int) -> int:
        """Remove those to which nothing was added since that moment; tells how many."""
        expired = 0
        upload: list[Listed] = []
        async for each in self._objects.under(_FOLDER):  # in the order of keys: upload by upload
            if upload and _upload_of(each) != _upload_of(upload[0]):
                expired += await self._expire(upload, older_than_ms)
                upload = []
            upload.append(each)
        return expired + await self._expire(upload, older_than_ms)

    async def _expire(self, upload: Sequence[Listed], older_than_ms: int) -> bool:
        if not upload or max(each.written_ms for each in upload) >= older_than_ms:
            return False
        await self._objects.delete([each.key for each in upload])
        return True

    async def _read(self, system_id: str, upload_id: str) -> tuple[_Written, str, list[Listed]]:
        """The plan, the folder of its bytes, and the objects that follow each other, plan first."""
        folder = _folder_of(system_id, upload_id)
        content = await self._objects.get(f"{folder}/{_PLAN}")
        try:
            written = msgspec.json.decode(content, type=_Written)
        except msgspec.DecodeError as error:
            raise FileNotFoundError(f"{folder}: the plan is damaged, begin again") from error
        found = [each async for each in self._objects.under(folder)]
        pieces = [each for each in found if each.key.endswith(f"/{_PLAN}")]
        if not pieces:
            raise FileNotFoundError(folder)
        bytes_in = f"{folder}/{written.version}"
        offset = 0
        for each in sorted(found, key=lambda one: one.key):
            if each.key == f"{bytes_in}/{offset:020d}":
                pieces.append(each)
                offset += each.size
        return written, bytes_in, pieces

    async def _content(self, pieces: Sequence[Listed], hasher: "_Hash") -> AsyncIterator[bytes]:
        for each in pieces[1:]:
            async for piece, _ in read_pieces(self._objects, each.key):
                await asyncio.to_thread(hasher.update, piece)
                yield piece


def _folder_of(system_id: str, upload_id: str) -> str:
    return f"{_FOLDER}/{checked_id(system_id)}/{checked_id(upload_id)}"


def _upload_of(listed: Listed) -> list[str]:
    return listed.key.split("/")[:3]


def _end(pieces: Sequence[Listed]) -> int:
    """Where the last one ends: the first is the plan."""
    return sum(each.size for each in pieces[1:])
