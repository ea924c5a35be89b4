"""What an export looks like on disk, version 1.

```
manifest.json                          written last: an export without it is not finished
journal.jsonl                          what is finished so far; of use to `docaxis export` alone
log/<topic>/<partition>/<n>.gz         records, see `log_segments`
files/<n>.tar                          members <document id>/<digest>, see `file_segments`
```

Every segment's SHA-256 is in the manifest, so the manifest's own SHA-256 stands for the whole. It
is the name of the export: an import that was begun goes on with this one and with no other.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from docaxis_moving.errors import ExportDamaged, MoveRefused

FORMAT = 1
MANIFEST = "manifest.json"
KEY_HASH = "blake2b-64"
"""Name of `docaxis_eventsourcing.topics.partition_of`."""
ALL = -1
"""Of a group: it has done every event there is."""
_CHUNK = 2**20

Kind = TypeVar("Kind")


class Segment(msgspec.Struct, frozen=True):
    """One file of an export: path below its folder, what is in it, its size and SHA-256."""

    path: str
    count: int
    size: int
    digest: str


class Stream(msgspec.Struct, frozen=True):
    """One partition of one topic: its records in order, in so many segments."""

    topic: str
    partition: int
    segments: tuple[Segment, ...]

    @property
    def count(self) -> int:
        """Records of all segments."""
        return sum(each.count for each in self.segments)


class GroupPlace(msgspec.Struct, frozen=True):
    """How many events of a partition a group has done (`ALL`: every one)."""

    group: str
    topic: str
    partition: int
    done: int


class Manifest(msgspec.Struct, frozen=True):
    """A finished export."""

    format: int
    partitions: int
    key_hash: str
    epoch: int
    """Of the log that it was taken from; the new home's is a later one."""
    streams: tuple[Stream, ...]
    groups: tuple[GroupPlace, ...]
    files: tuple[Segment, ...]

    @property
    def records(self) -> int:
        """Records of all streams."""
        return sum(each.count for each in self.streams)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All files of the export but the manifest."""
        return (*(one for each in self.streams for one in each.segments), *self.files)


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as it is stored; equal ones have equal bytes."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a finished export and its SHA-256.

    Raises `FileNotFoundError` where it was not finished, `ExportDamaged`, and `MoveRefused` for one
    of another release.
    """
    content = (folder / MANIFEST).read_bytes()
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version != FORMAT:
            raise MoveRefused(
                "other_release", f"{folder} has format {version}, this release reads {FORMAT}"
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ExportDamaged(f"{folder / MANIFEST}: {error}") from error
    if manifest.key_hash != KEY_HASH:
        raise MoveRefused(
            "other_release", f"its keys are spread by {manifest.key_hash}, here by {KEY_HASH}"
        )
    return manifest, sha256(content).hexdigest()


class _Version(msgspec.Struct):
    format: int


def check_segment(folder: Path, segment: Segment) -> Path:
    """The segment's file, once its bytes are those of the manifest. Raises `ExportDamaged`."""
    path = folder / segment.path
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ExportDamaged(f"{segment.path} lies outside of the export")
    digest = sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        raise ExportDamaged(f"{segment.path} is missing") from None
    if digest.hexdigest() != segment.digest:
        raise ExportDamaged(f"{segment.path} does not have the digest of the manifest")
    return path


def write_whole(path: Path, content: bytes) -> None:
    """A private file, there with all its bytes or not at all, also after a power cut."""
    make_folder(path.parent)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb", opener=private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    keep(partial, path)


def keep(partial: Path, path: Path) -> None:
    """Give a synced file its name, durably."""
    partial.rename(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private(path: str, flags: int) -> int:
    """Opener of files that are their owner's alone."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def make_folder(folder: Path) -> None:
    """Folders that are their owner's alone; those that are there keep their modes."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
