"""An axis into a folder: resumable after being killed anywhere, of one moment or refused.

Memory is bounded by one segment of records and one chunk of a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from docaxis_eventsourcing.ports.event_log import EventLog, Position, Recorded
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.running_service import RunningService
from docaxis_moving.errors import MoveRefused
from docaxis_moving.file_segments import SEGMENT_BYTES, ArchiveWriter, archive_path
from docaxis_moving.journal import Finished, Journal
from docaxis_moving.layout import (
    FORMAT,
    KEY_HASH,
    MANIFEST,
    Manifest,
    Segment,
    Stream,
    encode_manifest,
    write_whole,
)
from docaxis_moving.log_segments import SegmentWriter, stream_path
from docaxis_moving.plan import Plan, PlannedStream, make_plan

Progress = Callable[[str, int, int], None]
"""Told a stage (`log`, `files`), how much of it is done, and how much there is."""
_LIMIT = 200
"""Records read at once: of 256 KiB each, at worst (L9)."""
_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export: the SHA-256 of its manifest, and what it holds."""

    digest: str
    partitions: int
    epoch: int
    records: int
    files: int
    size: int
    """Bytes of all segments."""


async def export_axis(
    log: EventLog,
    files: FileStore,
    services: Sequence[RunningService],
    folder: Path,
    progress: Progress = lambda stage, done, total: None,
) -> Exported:
    """Carry the log and the files of an axis that rests into `folder`, or go on with that.

    The topics of `services` are there. Raises `MoveRefused` (`axis_ran` where anything was written
    to the log meanwhile: nothing of a running axis is exported), `Unavailable`, `OSError`.
    """
    plan = await make_plan(log, services)
    journal = Journal.open(folder, plan)
    try:
        export = _Export(log, files, folder, journal, progress)
        streams = await export.streams(plan)
        archives = await export.files()
    finally:
        journal.close()
    if await make_plan(log, services) != plan:
        raise MoveRefused(
            "axis_ran", "the axis was at work while it was exported: stop it, and export again"
        )
    manifest = Manifest(
        FORMAT, plan.partitions, KEY_HASH, plan.epoch, streams, plan.groups, archives
    )
    content = encode_manifest(manifest)
    write_whole(folder / MANIFEST, content)
    return Exported(
        sha256(content).hexdigest(),
        plan.partitions,
        plan.epoch,
        manifest.records,
        sum(each.count for each in archives),
        sum(each.size for each in manifest.segments),
    )


class _Export:
    def __init__(
        self, log: EventLog, files: FileStore, folder: Path, journal: Journal, progress: Progress
    ) -> None:
        self._event_log = log
        self._store = files
        self._folder = folder
        self._journal = journal
        self._progress = progress

    async def streams(self, plan: Plan) -> tuple[Stream, ...]:
        total = sum(max(0, each.end[1] - each.start[1]) for each in plan.streams)
        done = 0
        found: list[Stream] = []
        for planned in plan.streams:
            before = done

            def passed(place: int, *, of: PlannedStream = planned, before: int = before) -> None:
                self._progress("log", before + max(0, place - of.start[1]), total)

            segments = await self._stream(planned, passed)
            if segments:
                found.append(Stream(planned.topic, planned.partition, segments))
            done += max(0, planned.end[1] - planned.start[1])
        self._progress("log", total, total)
        return tuple(found)

    async def _stream(
        self, planned: PlannedStream, passed: Callable[[int], None]
    ) -> tuple[Segment, ...]:
        name = (planned.topic, planned.partition)
        finished = [each for each in self._journal.finished if each.stream == name]
        segments = [each.segment for each in finished]
        at = Position(*planned.start)
        if finished and finished[-1].after:
            at = Position(*finished[-1].after)
        end = planned.end[1]
        if at.place >= end:
            return tuple(segments)
        last = at.version
        writer = SegmentWriter()

        def write(after: Position) -> None:
            path = stream_path(*name, len(segments) + 1)
            segment = writer.write(self._folder, path)
            self._journal.note(Finished(segment, name, after))
            segments.append(segment)

        tail = self._event_log.tail(planned.topic, {planned.partition: at})
        try:
            while at.place < end:
                for record in await tail.next(_LIMIT, _WAIT_S):
                    if record.after.place > end:
                        raise MoveRefused("axis_ran", "the axis is at work: stop it first")
                    if planned.events:
                        last = _follows(record, last)
                    writer.add(record)
                    at = record.after
                    if writer.full:
                        write(at)
                        passed(at.place)
                at = max(at, tail.reached(planned.partition), key=lambda one: one.place)
                passed(at.place)
        finally:
            await tail.close()
        if not writer.empty:
            write(Position(last, end))
        return tuple(segments)

    async def files(self) -> tuple[Segment, ...]:
        finished = [each for each in self._journal.finished if each.stream is None]
        segments = [each.segment for each in finished]
        behind = (finished[-1].last if finished else None) or ("", "")
        documents = sorted(await self._store.documents())
        writer: ArchiveWriter | None = None
        try:
            for number, document_id in enumerate(documents):
                self._progress("files", number, len(documents))
                if document_id < behind[0]:
                    continue
                for digest in sorted(await self._store.digests(document_id)):
                    name = (document_id, digest)
                    if name <= behind:
                        continue
                    if writer is None:
                        writer = ArchiveWriter(self._folder, archive_path(len(segments) + 1))
                    await self._file(writer, *name)
                    behind = name
                    if writer.size >= SEGMENT_BYTES:
                        segments.append(self._finish(writer, behind))
                        writer = None
            if writer is not None:
                segments.append(self._finish(writer, behind))
                writer = None
        finally:
            if writer is not None:
                writer.abandon()
        self._progress("files", len(documents), len(documents))
        return tuple(segments)

    async def _file(self, writer: ArchiveWriter, document_id: str, digest: str) -> None:
        try:
            size = await self._store.size(document_id, digest)
            await writer.add(document_id, digest, size, self._store.read(document_id, digest))
        except FileNotFoundError as error:
            raise MoveRefused("axis_ran", f"{error}: removed while it was exported") from error

    def _finish(self, writer: ArchiveWriter, last: tuple[str, str]) -> Segment:
        segment = writer.finish()
        self._journal.note(Finished(segment, last=last))
        return segment


def _follows(record: Recorded, last: int) -> int:
    """Events are exported whole or not at all (L16)."""
    version = record.envelope.sequence
    if version != last + 1:
        raise MoveRefused(
            "log_incomplete",
            f"{record.topic}/{record.partition} has version {version} where {last + 1} is due",
        )
    return version
