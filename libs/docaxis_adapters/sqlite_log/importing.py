"""An axis moved into a log file: the mark of an import lies in the file itself.

While the mark is not finished nobody else opens the file (`schema.load`), so no service starts on
a log that is half there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

from docaxis_adapters.sqlite_file import connect, transaction
from docaxis_adapters.sqlite_log.event_log import SqliteEventLog
from docaxis_adapters.sqlite_log.schema import file_of
from docaxis_eventsourcing.ports.event_log import Outgoing


class SqliteNewHome:
    """The `NewHome` of `docaxis_moving`; made by `open`."""

    def __init__(self, log: SqliteEventLog, file: Path, export: str, finished: bool | None) -> None:
        self.log = log
        self._file = file
        self._export = export
        self.begun = finished is not None
        self.finished = bool(finished)

    @classmethod
    async def open(
        cls, folder_or_file: Path, partitions: int, export: str, *, synchronous: str = "FULL"
    ) -> Self:
        """Open or create the log, for the import of one export (its digest).

        Raises `FolderInUse`, and `ValueError` where it has other partitions or another export is
        being imported.
        """
        log = await SqliteEventLog.open(
            folder_or_file, partitions, synchronous=synchronous, importing=export
        )
        file = file_of(folder_or_file)
        return cls(log, file, export, await asyncio.to_thread(_mark, file, export))

    async def begin(self, epoch: int) -> int:
        """Mark the file and set its epoch; once begun, the epoch of the first time stays."""
        if self.begun:
            return self.log.epoch
        await asyncio.to_thread(_begin, self._file, self._export, epoch)
        return epoch

    async def load(self, outputs: Sequence[Outgoing]) -> None:
        """Append in one transaction; the file's lock keeps every other process out."""
        await self.log.append(outputs)

    async def finish(self) -> None:
        """Let services start on it."""
        await asyncio.to_thread(_finish, self._file, self._export)

    async def close(self) -> None:
        """Close the log."""
        await self.log.close()


def _mark(file: Path, export: str) -> bool | None:
    """Whether this export's import was finished; None where it was not begun."""
    with closing(connect(file, "FULL", reader=True)) as connection:
        row = connection.execute(
            "SELECT finished FROM import WHERE export = ?", (export,)
        ).fetchone()
        return None if row is None else bool(row[0])


def _begin(file: Path, export: str, epoch: int) -> None:
    with closing(connect(file, "FULL")) as connection, transaction(connection):
        connection.execute("INSERT INTO import VALUES (?, 0)", (export,))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (epoch,))


def _finish(file: Path, export: str) -> None:
    with closing(connect(file, "FULL")) as connection, transaction(connection):
        connection.execute("UPDATE import SET finished = 1 WHERE export = ?", (export,))
