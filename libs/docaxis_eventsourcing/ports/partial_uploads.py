"""Large uploads that come in pieces, over as many requests, processes and days as it takes.

The port says what every store keeps, so that a cut connection, a killed process or another replica
that takes the next piece changes nothing: how much of the upload is there is read from the store
alone. SHA-256 cannot be carried on from one process to the next (no hash state can be written
down), so the bytes are read once more when all of them are there, and believed only then.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from docaxis_eventsourcing.ports.file_store import StoredFile


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What was told beforehand: bytes, their SHA-256 in lower-case hex, the sender's own note."""

    size: int
    digest: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """How far an upload is: its first `offset` bytes are kept; last written at (Unix ms)."""

    plan: UploadPlan
    offset: int
    written_ms: int


class UploadHeld(Exception):
    """Another piece of the same upload is being written at this moment: ask again."""


class WrongOffset(Exception):
    """The upload stands elsewhere than the piece begins; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload stands at {offset}")
        self.offset = offset


class OtherBytes(Exception):
    """All bytes came, and they do not give the digest that was told; nothing is kept of them."""


class TooManyPieces(Exception):
    """The upload came in more pieces than the store can put together."""


class UploadPiece(Protocol):
    """One piece being written. What was written counts also where its sender goes away."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `Unavailable`, `WrongOffset`; `ValueError` beyond the plan's size.

        Then the piece still has to be kept; `keep` tells how much of it counts.
        """
        ...

    async def keep(self) -> int:
        """End the piece: what it tells is the upload's offset, and survives a crash from now on.

        Frees what the piece held, whatever it raises. Raises `Unavailable`, `WrongOffset`.
        """
        ...


class PartialUploads(Protocol):
    """Uploads in pieces. Names as in `FileStore`; errors: `FileNotFoundError`, `Unavailable`.

    Of two pieces that are written at the same offset at the same time one counts: the other one
    gets `UploadHeld` or `WrongOffset`, sooner or later.
    """

    async def begin(self, system_id: str, upload_id: str, plan: UploadPlan) -> None:
        """Begin an upload, durably. Raises `FileExistsError` if one of this name was begun."""
        ...

    async def partial(self, system_id: str, upload_id: str) -> PartialUpload:
        """How far it is. Raises `FileNotFoundError`, also once it is complete."""
        ...

    async def append(self, system_id: str, upload_id: str, offset: int) -> UploadPiece:
        """Begin a piece at this offset. Raises `WrongOffset`, `UploadHeld`, `TooManyPieces`."""
        ...

    async def complete(self, system_id: str, upload_id: str) -> "StoredFile":
        """Make a staged file of an upload that has all its bytes (see `FileStore.staged`).

        Reads them once. A process that dies meanwhile leaves it to the next that is asked. Raises
        `WrongOffset` where bytes are missing, `UploadHeld`, `OtherBytes`.
        """
        ...
