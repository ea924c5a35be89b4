"""The `EventLog` of one process: SQLite with WAL, one writer thread, readers fed from memory."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Self
from weakref import WeakSet

from docaxis_adapters.folder_lock import FolderLock
from docaxis_adapters.sqlite_file import connect
from docaxis_adapters.sqlite_log.consumer import LogParts, SqliteConsumer
from docaxis_adapters.sqlite_log.groups import Groups
from docaxis_adapters.sqlite_log.listeners import Listeners
from docaxis_adapters.sqlite_log.reading import ColdReader, Reading
from docaxis_adapters.sqlite_log.record_cache import RecordCache
from docaxis_adapters.sqlite_log.removal import RemoveJob
from docaxis_adapters.sqlite_log.schema import KEPT_FOR_EVER, Loaded, file_of, load
from docaxis_adapters.sqlite_log.streams import Streams
from docaxis_adapters.sqlite_log.tail import SqliteTail
from docaxis_adapters.sqlite_log.unkindness import Unkindness
from docaxis_adapters.sqlite_log.writer import WriteJob, Writer
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, TopicPartition
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS


class SqliteEventLog:
    """The port's `EventLog`; made by `open`. Its calls may come from several event loops."""

    def __init__(self, parts: LogParts, cold: ColdReader, lock: FolderLock) -> None:
        self._parts = parts
        self._cold = cold
        self._lock = lock
        self._groups = Groups(parts.streams.partitions)
        self._open: WeakSet[SqliteTail | SqliteConsumer] = WeakSet()

    @classmethod
    async def open(
        cls,
        folder_or_file: Path,
        partitions: int = DEFAULT_PARTITIONS,
        *,
        synchronous: str = "FULL",
        cache_records: int = 20_000,
        cache_bytes: int = 32 * 2**20,
        reader_threads: int = 2,
        unkindness: Unkindness | None = None,
        clock: Callable[[], float] = time,
        connecting: Callable[[Path, str], sqlite3.Connection] = connect,
        importing: str = "",
    ) -> Self:
        """Open or create the log in a folder, or in the file named.

        Raises `FolderInUse` where another process has it open, and `ValueError` where it was
        made with another partition count (L3). `synchronous` below FULL loses acknowledged
        records when the power fails. `cache_*` bound the newest records kept in memory.
        `clock` gives Unix seconds; `connecting` opens the writer's connection (tests). `importing`
        is the export that may be under way into it (`importing`).
        """
        if partitions < 1:
            raise ValueError("a log has at least one partition")
        file = file_of(folder_or_file)
        lock, loaded = await asyncio.to_thread(_prepare, file, partitions, importing)
        streams = Streams(loaded, partitions, RecordCache(cache_records, cache_bytes))
        listeners = Listeners()
        writer = Writer(
            file,
            synchronous,
            streams,
            listeners,
            unkindness=unkindness,
            clock=clock,
            connecting=connecting,
        )
        cold = ColdReader(file, streams, reader_threads)
        await asyncio.to_thread(writer.begin)
        await asyncio.to_thread(cold.begin)
        parts = LogParts(streams, writer, Reading(streams, cold), listeners, unkindness)
        return cls(parts, cold, lock)

    @property
    def partitions(self) -> int:
        """The partition count of every topic."""
        return self._parts.streams.partitions

    @property
    def epoch(self) -> int:
        """Raised by `raise_epoch` after a restore or a move (L4)."""
        return self._parts.streams.epoch

    async def declare(self, topics: Sequence[str], kept_s: float | None = None) -> None:
        """Create what is missing; the partition count was checked by `open`."""
        streams = self._parts.streams
        kept_ms = KEPT_FOR_EVER if kept_s is None else round(kept_s * 1000)
        if kept_s is not None and kept_ms <= 0:
            raise ValueError("records are kept for a time, or for ever")
        if new := [topic for topic in topics if streams.kept_ms(topic) is None]:
            await self._submit(WriteJob(streams, topics=dict.fromkeys(new, kept_ms)))
        for topic in topics:
            if (known := streams.kept_ms(topic)) != kept_ms:
                raise ValueError(
                    f"topic {topic} was declared with kept_ms {known}, not {kept_ms}"
                    f" ({KEPT_FOR_EVER}: for ever)"
                )

    async def trim(self, topic: str, partition: int, before: Position) -> None:
        """Remove the records before a position, slice by slice; the partition's last one stays."""
        stream = self._parts.streams.number(topic, partition)
        more = before.place > self._parts.streams.removed.get(stream, 0)
        while more:
            more = await self._parts.writer.submit(RemoveJob(stream, before.place))

    async def append(self, outputs: Sequence[Outgoing]) -> None:
        """Write the messages in one transaction; on return they are synced to disk."""
        if outputs:
            await self._submit(WriteJob(self._parts.streams, outputs))

    async def _submit(self, job: WriteJob) -> None:
        await self._parts.writer.submit(job)

    async def end(self, topic: str, partition: int) -> Position:
        """The position behind the last committed record, seen by readers or not yet (L15)."""
        return self._parts.streams.end(self._parts.streams.number(topic, partition))

    async def settled(self, topic: str, partition: int) -> Position:
        """Just behind what readers see now."""
        streams = self._parts.streams
        return Position(0, streams.visible[streams.number(topic, partition)])

    def tail(self, topic: str, start: Mapping[int, Position]) -> SqliteTail:
        """Read the partitions named in `start`, each from behind its position."""
        parts = self._parts
        starts = {TopicPartition(topic, partition): at for partition, at in start.items()}
        tail = SqliteTail(parts.streams, parts.reading, parts.listeners, starts)
        self._open.add(tail)
        return tail

    async def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        transactional: bool = False,  # every member may commit here
        at_most: Mapping[str, int] | None = None,
    ) -> SqliteConsumer:
        """Become a member of a consumer group over the topics."""
        for topic in topics:
            self._parts.streams.number(topic, 0)
        consumer = SqliteConsumer(self._parts, self._groups.get(group, topics), at_most or {})
        self._open.add(consumer)
        return consumer

    async def close(self) -> None:
        """Finish what was accepted and free everything; waiting readers get `Unavailable`."""
        for reader in list(self._open):
            await reader.close()
        self._open.clear()
        await self._parts.writer.close()
        await self._cold.close()
        self._lock.release()


def _prepare(file: Path, partitions: int, importing: str) -> tuple[FolderLock, Loaded]:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FolderLock(file.with_name(file.name + ".lock"))
    try:
        connection = connect(file, "FULL")
        try:
            return lock, load(connection, partitions, importing)
        finally:
            connection.close()
    except BaseException:
        lock.release()
        raise
