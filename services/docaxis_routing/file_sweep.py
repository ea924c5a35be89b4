"""The sweep of L31: uploads that no document took, and folders that no document claimed.

A crash between taking files and writing the command, or a refusal, leaves a folder without a
document. It is removed when nobody gave it a file for a day and its partition has decided every
command that stood there: a command sent behind them, in each lane, has come back. `folder_marks`
tells why that is safe beside doors and other sweeps, in other processes, too.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.parts import PartHealth
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import document_partition
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_routing.domain.messages import NoteVerdict
from docaxis_routing.folder_marks import FolderMarks
from docaxis_routing.lanes import DOCUMENT_LANES
from docaxis_routing.views import DOCUMENTS

_log = structlog.get_logger(__name__)

_HOUR_MS = 3_600_000
_CHUNK = 500


class FileSweep:
    """Looks through the file store now and then; removes what nobody will ever claim."""

    def __init__(
        self,
        files: FileStore,
        documents: ViewReader,
        door: FrontDoor,
        marks: FolderMarks,
        partitions: int,
        clock: Callable[[], int],
        *,
        keep_hours: float,
        every_s: float,
    ) -> None:
        self._files = files
        self._documents = documents
        self._door = door
        self._marks = marks
        self._partitions = partitions
        self._clock = clock
        self._keep_ms = int(keep_hours * _HOUR_MS)
        self._every_s = every_s
        self.health = PartHealth("routing.file_sweep")

    async def run(self) -> None:
        """Ends only by cancellation."""
        while True:
            self.health.working()
            await asyncio.sleep(self._every_s)
            try:
                await self.sweep()
            except (Unavailable, DocaxisError) as error:
                self.health.waiting(repr(error))

    async def sweep(self) -> int:
        """One look; returns how many folders were removed. Raises `Unavailable`."""
        now = self._clock()
        await self._files.expire_staging(now - self._keep_ms)
        await self._files.forget_retired(self._marks.forgotten_before(now))
        untouched_since = self._marks.untouched_since(now, self._keep_ms)
        removed = 0
        for document_id in await self._unclaimed(await self._files.documents()):
            removed += await self._remove(document_id, untouched_since)
        return removed

    async def _unclaimed(self, document_ids: Sequence[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(document_ids), _CHUNK):
            chunk = document_ids[start : start + _CHUNK]
            rows = await self._documents.get_many(DOCUMENTS, chunk)
            found += [each for each in chunk if each not in rows]
        return found

    async def _remove(self, document_id: str, untouched_since: int) -> bool:
        generation = await self._files.retire(document_id, untouched_since)
        if generation is None:
            return False  # a door is at it, or was today
        partition = document_partition(document_id, self._partitions)
        behind = NoteVerdict(document_id, "", "")  # of a document that is not there: no event
        for lane in DOCUMENT_LANES:  # L10: each is decided in its own order
            probe = new_id()
            if (
                await self._door.ask(behind, command_id=probe, partition=partition, lane=lane)
                is None
            ):
                return False  # what stood there is not decided yet
        claimed = await self._documents.get_passing_end(DOCUMENTS, document_id, partition)
        if claimed is not None:
            return False
        await self._files.remove_retired(document_id, generation)
        _log.info("unclaimed_folder_removed", document_id=document_id)
        return True
