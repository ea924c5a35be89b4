"""Files of documents as tar archives; a member is `<document id>/<digest>`.

Members are never unpacked to paths that an archive names: their bytes go to the file store, which
checks both parts of the name, and the digest.
"""

import os
import tarfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Self

from docaxis_moving.errors import ExportDamaged
from docaxis_moving.layout import Segment, check_segment, keep, make_folder, private

SEGMENT_BYTES = 64 * 2**20
"""A segment that has this much is closed; a larger file makes a larger one."""
_BLOCK = 512


class ArchiveWriter:
    """One segment being written: member by member, never a whole file in memory."""

    def __init__(self, folder: Path, path: str) -> None:
        self._path = path
        self._target = folder / path
        self._partial = self._target.with_name(self._target.name + ".partial")
        make_folder(self._target.parent)
        self._file: IO[bytes] = open(self._partial, "wb", opener=private)
        self._digest = sha256()
        self.size = 0
        self.count = 0

    async def add(self, document_id: str, digest: str, size: int, of: AsyncIterator[bytes]) -> None:
        """One file, `size` bytes of which `of` gives. Raises `ExportDamaged` where it does not."""
        member = tarfile.TarInfo(f"{document_id}/{digest}")
        member.size, member.mode = size, 0o600
        self._write(member.tobuf(format=tarfile.PAX_FORMAT))
        written = 0
        async for chunk in of:
            self._write(chunk)
            written += len(chunk)
        if written != size:
            raise ExportDamaged(f"{member.name} has {written} bytes, not {size}")
        self._write(bytes(-size % _BLOCK))
        self.count += 1

    def finish(self) -> Segment:
        """Close the archive, durably."""
        self._write(bytes(2 * _BLOCK))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        keep(self._partial, self._target)
        return Segment(self._path, self.count, self.size, self._digest.hexdigest())

    def abandon(self) -> None:
        """Free the file; what was written is of no use."""
        self._file.close()

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)
        self.size += len(content)


class ArchiveReader:
    """One segment, member by member; its digest is checked first."""

    def __init__(self, folder: Path, segment: Segment) -> None:
        self._segment = segment
        self._tar = _opened(check_segment(folder, segment), segment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def members(self) -> Iterator[tuple[str, str, int, "IO[bytes]"]]:
        """Document, digest, size and bytes of each file. Raises `ExportDamaged`."""
        count = 0
        try:
            for member in self._tar:
                document_id, _, digest = member.name.partition("/")
                content = self._tar.extractfile(member) if member.isreg() else None
                if content is None or not digest:
                    raise ExportDamaged(f"{self._segment.path}: {member.name!r} is no file of ours")
                count += 1
                yield document_id, digest, member.size, content
        except tarfile.TarError as error:
            raise ExportDamaged(f"{self._segment.path}: {error}") from error
        if count != self._segment.count:
            raise ExportDamaged(
                f"{self._segment.path} has {count} files, not {self._segment.count}"
            )


def _opened(path: Path, segment: Segment) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r|")  # as a stream: nothing of it is kept in memory
    except tarfile.TarError as error:
        raise ExportDamaged(f"{segment.path}: {error}") from error


def archive_path(number: int) -> str:
    """Where a segment of files lies, below the export's folder."""
    return f"files/{number:06}.tar"
