"""The embedded log's file, read and written directly: the seeding tool's way around the axis.

Records go in with the next versions and offsets of their streams, and every consumer group of the
topic stands behind them in the same transaction: reactions and effects, as if they had worked all
of it off. Outcomes and decided commands are left out, as the axis removes both in time (L17).
Nothing is synced before `close`.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

from benchmarks.seed_pattern import Stored
from docaxis_adapters.folder_lock import FolderLock
from docaxis_adapters.sqlite_file import connect, transaction
from docaxis_adapters.sqlite_log.record_codec import decode_envelope, encode_envelope
from docaxis_adapters.sqlite_log.schema import load, place_of
from docaxis_eventsourcing.ports.event_log import Position


def ends_of(file: Path, partitions: int) -> dict[int, int]:
    """By stream, the offset that its next record gets; the axis must be stopped."""
    if not file.exists():
        return {}
    connection = connect(file, "FULL")
    try:
        return {stream: head.next for stream, head in load(connection, partitions).heads.items()}
    finally:
        connection.close()


def read_behind(file: Path, partitions: int, ends: Mapping[int, int]) -> list[Stored]:
    """All records from these offsets on, in the order of their times; an axis may be running."""
    connection = connect(file, "FULL", reader=True)
    try:
        found = []
        for number, topic in connection.execute("SELECT number, name FROM topic").fetchall():
            for partition in range(partitions):
                stream = number * partitions + partition
                found += [
                    (time, place, Stored(topic, partition, decode_envelope(envelope), data))
                    for place, time, envelope, data in connection.execute(
                        "SELECT place, time, envelope, data FROM record"
                        " WHERE place >= ? AND place < ?",
                        (place_of(stream, ends.get(stream, 0)), place_of(stream + 1, 0)),
                    )
                ]
        return [stored for _, _, stored in sorted(found, key=itemgetter(0, 1))]
    finally:
        connection.close()


class SeededLog:
    """The log of a stopped axis, open to be written."""

    def __init__(self, file: Path, partitions: int) -> None:
        """Raises `FolderInUse` while an axis runs on it, `ValueError`."""
        self._lock = FolderLock(file.with_name(file.name + ".lock"))
        self._file = file
        self._connection = connect(file, "OFF")
        self._connection.execute("PRAGMA cache_size=-65536")
        loaded = load(self._connection, partitions)
        self._topics = loaded.topics
        self._heads = loaded.heads
        self._partitions = partitions
        self._groups: dict[int, set[str]] = {}
        for group, stream in loaded.committed:
            self._groups.setdefault(stream // partitions, set()).add(group)

    def add(self, records: Iterable[Stored]) -> int:
        """Write these records behind what is there, all or none; tells how many."""
        rows = []
        changed = set()
        now = time.time_ns() // 1_000_000
        for each in records:
            stream = self._topics[each.topic] * self._partitions + each.partition
            head = self._heads[stream]
            moment = max(now, head.time)
            self._heads[stream] = head._replace(
                next=head.next + 1, time=moment, version=head.version + 1
            )
            envelope = replace(each.envelope, sequence=head.version + 1)
            rows.append((place_of(stream, head.next), moment, encode_envelope(envelope), each.data))
            changed.add(stream)
        with transaction(self._connection):
            self._connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", rows)
            self._connection.executemany(
                "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
                [
                    (
                        group,
                        stream,
                        *Position(self._heads[stream].version, self._heads[stream].next),
                    )
                    for stream in changed
                    for group in self._groups.get(stream // self._partitions, ())
                ],
            )
        return len(rows)

    def close(self) -> None:
        """Sync what was written, and let the folder go."""
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._lock.release()
