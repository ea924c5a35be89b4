"""A folder into an empty axis: files first, then the log, then how far groups came.

Nothing is written before every segment had its digest; everything that was written is read back
and compared before services may start. Killed anywhere, the same command goes on.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.running_service import RunningService
from docaxis_moving.errors import MoveRefused
from docaxis_moving.file_filling import FileFilling
from docaxis_moving.filling import LogFilling
from docaxis_moving.group_places import check_unattended
from docaxis_moving.layout import Manifest, check_segment
from docaxis_moving.new_home import NewHome
from docaxis_moving.plan import followed

Progress = Callable[[str, int, int], None]
"""Told a stage (`checking`, `files`, `log`, `verifying`, `groups`), how much is done, of how
much."""
_BEFORE_ALL_EPOCHS_S = 1_577_836_800
"""2020-01-01 in UTC."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import carried, and the epoch that the log has now."""

    records: int
    files: int
    epoch: int
    partitions: int
    was_finished: bool = False
    """It was all there already, from an earlier import of the same export."""


def next_epoch(before: int, now_s: float) -> int:
    """The epoch of a new home (L4): later than the old one's, and no other place's.

    Seconds since 2020: an export that is imported twice, in two places or again after a first try
    was thrown away, makes two logs, and what was told by one must mean nothing to the other. A
    plain count would give both the same.
    """
    return max(before + 1, int(now_s) - _BEFORE_ALL_EPOCHS_S)


async def import_axis(
    home: NewHome,
    files: FileStore,
    services: Sequence[RunningService],
    folder: Path,
    manifest: Manifest,
    progress: Progress = lambda stage, done, total: None,
    clock: Callable[[], float] = time.time,
) -> Imported:
    """Fill an empty axis with an export, or go on with that. `clock` gives Unix seconds.

    Raises `MoveRefused` (`axis_not_empty`, `other_release`), `ExportDamaged`, `Unavailable`.
    """
    log = home.log
    count = sum(each.count for each in manifest.files)
    if home.finished:
        return Imported(manifest.records, count, log.epoch, log.partitions, was_finished=True)
    _check_known(manifest, services)
    for done, segment in enumerate(manifest.segments):
        progress("checking", done, len(manifest.segments))
        await asyncio.to_thread(check_segment, folder, segment)
    progress("checking", len(manifest.segments), len(manifest.segments))
    for service in services:
        await service.declare_topics(log)
    await check_unattended(log, services)
    if not home.begun:
        await _check_empty(log, services, files)
    epoch = await home.begin(next_epoch(manifest.epoch, clock()))
    await FileFilling(files, folder, again=home.begun, progress=progress).fill(manifest.files)
    filling = LogFilling(home, folder, manifest, progress)
    await filling.fill()
    await filling.place_groups(services)
    await home.finish()
    return Imported(manifest.records, count, epoch, log.partitions)


def _check_known(manifest: Manifest, services: Sequence[RunningService]) -> None:
    ours = {topic for each in services for topic in each.all_topics}
    if unknown := sorted({each.topic for each in manifest.streams} - ours):
        raise MoveRefused("other_release", f"this release has no topic {unknown[0]}")
    groups = set(followed(services))
    if strange := sorted({(each.group, each.topic) for each in manifest.groups} - groups):
        raise MoveRefused("other_release", f"in this release nobody is called {strange[0][0]}")


async def _check_empty(log: EventLog, services: Sequence[RunningService], files: FileStore) -> None:
    for service in services:
        for topic in service.all_topics:
            for partition in range(log.partitions):
                if (await log.end(topic, partition)).place > 0:
                    raise MoveRefused(
                        "axis_not_empty", f"there are records in {topic}: this is somebody's axis"
                    )
    if found := await files.documents():
        raise MoveRefused("axis_not_empty", f"there are files of {found[0]} in the file store")
