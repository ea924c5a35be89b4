"""What a log offers that an axis can be moved into it; each adapter's own (`importing` there)."""

from collections.abc import Sequence
from typing import Protocol

from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing


class NewHome(Protocol):
    """A log that is being filled. From `begin` to `finish` no service starts on it.

    Made for one export, known by its digest. Its mark lies in the log itself, durably, so that a
    killed import is gone on with on whatever machine.
    """

    @property
    def log(self) -> EventLog:
        """The log, as the services will have it."""
        ...

    @property
    def begun(self) -> bool:
        """Whether an import of this export was begun here before."""
        ...

    @property
    def finished(self) -> bool:
        """Whether it was finished: nothing is to be done."""
        ...

    async def begin(self, epoch: int) -> int:
        """Mark the log, and give it the epoch that it has from now on; tells the epoch.

        Once begun, the epoch of the first time stays. Raises `Unavailable`.
        """
        ...

    async def load(self, outputs: Sequence[Outgoing]) -> None:
        """Append as the envelopes stand: all of it or nothing, also where the process dies.

        Whoever began an earlier import and was believed dead writes nothing more.
        """
        ...

    async def finish(self) -> None:
        """Let services start on it. Raises `Unavailable`."""
        ...

    async def close(self) -> None:
        """Free everything. Never raises."""
        ...
