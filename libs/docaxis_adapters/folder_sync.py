"""Making files and folders durable, many at once: a disk has few syncs a second.

A thread takes everything that waits. Where that is more than one file or folder, one `syncfs`
(Linux) makes all of them durable for the price of about one sync; else each is synced by itself.
"""

import ctypes
import os
from collections.abc import Callable, Sequence

from docaxis_adapters.batch_thread import BatchThread, Job

Sync = Callable[[int], None]


class SyncJob(Job[None]):
    """Descriptors to make durable. The job owns them: they are closed when it is done."""

    __slots__ = ("descriptors",)

    def __init__(self, descriptors: Sequence[int]) -> None:
        super().__init__()
        self.descriptors = descriptors


def whole_filesystem_sync() -> Sync | None:
    """`syncfs(2)`, which reports write errors since Linux 5.8; None where there is none."""
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return None

    def sync(descriptor: int) -> None:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return sync


class FolderSync(BatchThread[SyncJob, None]):
    """See the module. All descriptors are of one filesystem."""

    def __init__(self, sync_one: Sync = os.fsync, sync_all: Sync | None = None) -> None:
        super().__init__("file sync")
        self._sync_one = sync_one
        self._sync_all = sync_all or whole_filesystem_sync()

    def setup(self) -> None:
        """Nothing is needed."""

    def teardown(self, context: None) -> None:
        """Nothing was made."""

    def run(self, context: None, jobs: Sequence[SyncJob]) -> None:
        """Sync everything at once, and each job by itself where that fails."""
        try:
            if self._sync_all is None or sum(len(job.descriptors) for job in jobs) < 2:
                self._one_by_one(jobs)
                return
            try:
                self._sync_all(jobs[0].descriptors[0])
            except OSError:
                self._one_by_one(jobs)  # to tell whose file the disk did not take
        finally:
            for job in jobs:
                for descriptor in job.descriptors:
                    os.close(descriptor)

    def _one_by_one(self, jobs: Sequence[SyncJob]) -> None:
        for job in jobs:
            try:
                for descriptor in job.descriptors:
                    self._sync_one(descriptor)
            except OSError as error:
                job.error = error
