"""Finished uploads: each has bytes under a key of its own, and a companion points to them.

So what a companion tells is true for ever of the bytes that it points to: a newer upload under the
same name writes other bytes and then its companion, it never changes those that a document is
being given. What no companion points to any more goes when the upload expires.
"""

from collections.abc import Sequence
from uuid import uuid4

import msgspec

from docaxis_adapters.s3_files.objects import Listed, Objects
from docaxis_adapters.safe_folder import checked_digest, checked_id
from docaxis_eventsourcing.ports.file_store import StoredFile

_FOLDER = "staging"
_COMPANION = "current"


class Staged(msgspec.Struct, frozen=True):
    """A companion: the version that stands, the SHA-256 (lower-case hex) and size of its bytes."""

    version: str
    digest: str
    size: int

    @property
    def stored(self) -> StoredFile:
        """What the port tells of it."""
        return StoredFile(self.digest, self.size)


class Staging:
    """See the module."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    @staticmethod
    def new_version() -> str:
        """A name for an upload's bytes that no other upload has."""
        return uuid4().hex

    @staticmethod
    def key(system_id: str, upload_id: str, version: str) -> str:
        """Where the bytes of a version lie. Raises `ValueError`."""
        return f"{_FOLDER}/{checked_id(system_id)}/{checked_id(upload_id)}/{version}"

    async def look_up(self, system_id: str, upload_id: str) -> Staged:
        """The version that stands. Raises `FileNotFoundError`, `Unavailable`, `ValueError`."""
        key = self.key(system_id, upload_id, _COMPANION)
        content = await self._objects.get(key)
        try:
            staged = msgspec.json.decode(content, type=Staged)
            checked_digest(staged.digest)
        except ValueError as error:
            raise FileNotFoundError(f"{key} is damaged: upload again") from error
        return staged

    async def publish(self, system_id: str, upload_id: str, staged: Staged) -> None:
        """Let this version stand from now on. Raises `Unavailable`."""
        key = self.key(system_id, upload_id, _COMPANION)
        await self._objects.put(key, msgspec.json.encode(staged))

    async def discard(self, system_id: str, upload_id: str) -> None:
        """Remove every version. Raises `Unavailable`, `ValueError`."""
        folder = f"{_FOLDER}/{checked_id(system_id)}/{checked_id(upload_id)}"
        await self._objects.delete([each.key async for each in self._objects.under(folder)])

    async def expire(self, older_than_ms: int) -> int:
        """Remove uploads of which nothing was written since that moment; tells how many.

        The bytes of a large upload may bear the time at which it was begun: its companion, the
        last that is written, keeps them.
        """
        expired = 0
        upload: list[Listed] = []
        async for each in self._objects.under(_FOLDER):  # in the order of keys: upload by upload
            if upload and _folder_of(each) != _folder_of(upload[0]):
                expired += await self._expire(upload, older_than_ms)
                upload = []
            upload.append(each)
        return expired + await self._expire(upload, older_than_ms)

    async def _expire(self, upload: Sequence[Listed], older_than_ms: int) -> bool:
        if not upload or max(each.written_ms for each in upload) >= older_than_ms:
            return False
        await self._objects.delete([each.key for each in upload])
        return True


def _folder_of(listed: Listed) -> str:
    return listed.key.rpartition("/")[0]
