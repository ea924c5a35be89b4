"""Records of one partition as gzip files of frames, a few MiB each.

A frame is a length (4 bytes, big-endian) and so many bytes of MessagePack: an array of the append
time (Unix ms, of the log that it comes from), the headers (CloudEvents 1.0 in binary mode, pairs of
name and bytes) and the data (protobuf). So an export can be read without this code.
"""

import gzip
import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from docaxis_eventsourcing.envelope import Message, from_headers, to_headers
from docaxis_eventsourcing.ports.event_log import Recorded
from docaxis_moving.errors import ExportDamaged
from docaxis_moving.layout import Segment, check_segment, write_whole

SEGMENT_BYTES = 4 * 2**20
"""Of frames, before they are compressed; so much is held in memory."""
_MOST_FRAME = 8 * 2**20
"""A message has at most 256 KiB (L9); whoever says more is not one of ours."""
_LENGTH = struct.Struct(">I")

Frame = tuple[int, list[tuple[str, bytes]], bytes]
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Frame)


class SegmentWriter:
    """Gathers records until there are enough of them for a segment."""

    def __init__(self) -> None:
        self._frames = bytearray()
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return len(self._frames) >= SEGMENT_BYTES

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self._count == 0

    def add(self, record: Recorded) -> None:
        """One more record."""
        frame = _encode((record.time, to_headers(record.envelope), record.data))
        self._frames += _LENGTH.pack(len(frame)) + frame
        self._count += 1

    def write(self, folder: Path, path: str) -> Segment:
        """Write what was gathered, durably, and begin anew."""
        content = gzip.compress(bytes(self._frames), compresslevel=1, mtime=0)
        write_whole(folder / path, content)
        segment = Segment(path, self._count, len(content), sha256(content).hexdigest())
        self._frames.clear()
        self._count = 0
        return segment


def read_segment(folder: Path, segment: Segment) -> Iterator[Message]:
    """The messages of a segment, in order. Raises `ExportDamaged`, the last one where some lack."""
    path = check_segment(folder, segment)
    count = 0
    try:
        with gzip.open(path) as file:
            while length := file.read(_LENGTH.size):
                (size,) = _LENGTH.unpack(length)
                frame = file.read(size) if size <= _MOST_FRAME else b""
                if len(frame) != size:
                    raise ExportDamaged(f"{segment.path}: a record of {size} bytes is not there")
                _, headers, data = _decoder.decode(frame)
                count += 1
                yield Message(from_headers(headers), data)
    except (OSError, EOFError, struct.error, ValueError, KeyError, msgspec.MsgspecError) as error:
        raise ExportDamaged(f"{segment.path}: {error!r}") from error
    if count != segment.count:
        raise ExportDamaged(f"{segment.path} has {count} records, not {segment.count}")


def stream_path(topic: str, partition: int, number: int) -> str:
    """Where a segment of a stream lies, below the export's folder."""
    return f"log/{topic}/{partition:04}/{number:06}.gz"
