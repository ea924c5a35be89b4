"""Cards: read once, remembered where they were just written, and never read from other bytes."""

from collections.abc import AsyncIterator
from typing import cast

from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_routing import card
from docaxis_routing.card import Card, Cards

SENT = Card("Về việc họp", "Nội dung", "Hà Nội", 3, "", "TL.", "Vụ trưởng", "Người ký", ("a.pdf",))
DIGEST, CONTENT = card.encode(SENT)


class _Files:
    def __init__(self) -> None:
        self.stored = {("document", DIGEST): CONTENT}
        self.reads = 0

    async def read(self, document_id: str, digest: str) -> AsyncIterator[bytes]:
        self.reads += 1
        if (document_id, digest) not in self.stored:
            raise FileNotFoundError(digest)
        yield self.stored[document_id, digest]


async def test_a_card_that_was_just_written_is_not_read_and_is_what_would_be_read() -> None:
    files = _Files()
    remembering, reading = Cards(cast(FileStore, files)), Cards(cast(FileStore, files))
    remembering.remember("document", DIGEST, SENT)
    assert await remembering.read("document", DIGEST) == SENT
    assert files.reads == 0
    assert await reading.read("document", DIGEST) == await reading.read("document", DIGEST) == SENT
    assert files.reads == 1


async def test_it_is_remembered_for_its_document_alone() -> None:
    files = _Files()
    cards = Cards(cast(FileStore, files))
    cards.remember("document", DIGEST, SENT)
    assert await cards.read("another", DIGEST) == Card()
