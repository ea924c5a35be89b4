"""What of an export is finished: one line per segment, synced before the next is begun.

Its first line is the plan. Who goes on with an export makes the plan anew: where the two differ,
the axis has run since, and what was exported then does not fit what would be exported now.
"""

import os
from pathlib import Path
from typing import Self

import msgspec

from docaxis_moving.errors import MoveRefused
from docaxis_moving.layout import MANIFEST, Segment, make_folder, private
from docaxis_moving.plan import Plan

NAME = "journal.jsonl"


class Finished(msgspec.Struct, frozen=True):
    """A segment that is there for good, and where the next one begins."""

    segment: Segment
    stream: tuple[str, int] | None = None
    """Topic and partition; None for a segment of files."""
    after: tuple[int, int] | None = None
    """Of a stream: the position behind its last record."""
    last: tuple[str, str] | None = None
    """Of files: document and digest of its last one."""


class Journal:
    """An export's journal, open for writing; made by `open`."""

    def __init__(self, path: Path, finished: list[Finished]) -> None:
        self._file = open(path, "ab", opener=private)
        self.finished = finished

    @classmethod
    def open(cls, folder: Path, plan: Plan) -> Self:
        """Begin an export in a new or empty folder, or go on with the one that was begun there.

        Raises `MoveRefused`: `folder_not_empty`, `axis_ran`.
        """
        make_folder(folder)
        path = folder / NAME
        lines = _whole_lines(path)
        if not lines:
            if others := sorted({each.name for each in folder.iterdir()} - {NAME}):
                raise MoveRefused(
                    "folder_not_empty", f"{folder} holds {others[0]} and is no export"
                )
            journal = cls(path, [])
            journal._write(msgspec.json.encode(plan))
            return journal
        if msgspec.json.decode(lines[0], type=Plan) != plan:
            what = "finished" if (folder / MANIFEST).exists() else "begun"
            raise MoveRefused(
                "axis_ran",
                f"the axis has run since this export was {what}: export into another folder",
            )
        return cls(path, [msgspec.json.decode(line, type=Finished) for line in lines[1:]])

    def note(self, finished: Finished) -> None:
        """This segment is there."""
        self._write(msgspec.json.encode(finished))
        self.finished.append(finished)

    def _write(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Free the file."""
        self._file.close()


def _whole_lines(path: Path) -> list[bytes]:
    """The journal's lines; one that a crash cut off is removed, its segment is written again."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    return whole.splitlines()
