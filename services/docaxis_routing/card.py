"""A document's card: its words (subject, names, notes), a file that can be destroyed (L32)."""

from dataclasses import dataclass
from hashlib import sha256

import msgspec
import structlog
from cachetools import LRUCache

from docaxis_eventsourcing.ports.file_store import FileStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Card:
    """The free text of a document, kept as it was sent; file names in the files' order."""

    subject: str = ""
    content: str = ""
    place: str = ""
    type_code: int = 0
    due_on: str = ""
    competence: str = ""
    position: str = ""
    full_name: str = ""
    file_names: tuple[str, ...] = ()


def encode(card: Card) -> tuple[str, bytes]:
    """The card's digest (lower-case hex SHA-256) and bytes (JSON)."""
    content = msgspec.json.encode(card)
    return sha256(content).hexdigest(), content


class Cards:
    """Reads cards from the file store, keeping the last ones in memory."""

    def __init__(self, files: FileStore, kept: int = 2048) -> None:
        self._files = files
        self._kept: LRUCache[tuple[str, str], Card] = LRUCache(kept)

    def remember(self, document_id: str, digest: str, card: Card) -> None:
        """Keep a card that was written a moment ago: its document is read soon."""
        self._kept[document_id, digest] = card

    async def read(self, document_id: str, digest: str) -> Card:
        """The card of a document; an empty one where it was destroyed, or its bytes are damaged.

        A damaged card costs its own words, never the page of others that it stands on.
        """
        known = self._kept.get((document_id, digest))
        if known is not None:
            return known
        try:
            content = b"".join([chunk async for chunk in self._files.read(document_id, digest)])
        except FileNotFoundError:
            return Card()
        except OSError as error:
            _log.error("card_damaged", document_id=document_id, digest=digest, reason=str(error))
            return Card()
        card = msgspec.json.decode(content, type=Card)
        self._kept[document_id, digest] = card
        return card
