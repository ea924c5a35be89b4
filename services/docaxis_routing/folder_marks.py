"""Folders of files that no document has claimed, and doors that are about to claim one (L31)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FolderMarks:
    """Marks of one process. A door that takes files lifts the mark, and waits for a removal."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._taking: Counter[str] = Counter()
        self._removing: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def taking(self, document_id: str) -> AsyncIterator[None]:
        """A door gives files to this document, until its command is durable."""
        while (removal := self._removing.get(document_id)) is not None:
            await removal.wait()
        self._since.pop(document_id, None)
        self._taking[document_id] += 1
        try:
            yield
        finally:
            self._taking[document_id] -= 1
            if not self._taking[document_id]:
                del self._taking[document_id]

    def mark(self, document_id: str, now: int) -> int:
        """Mark an unclaimed folder; returns since when (Unix ms) it has been marked."""
        return self._since.setdefault(document_id, now)

    def keep_only(self, unclaimed: set[str]) -> None:
        """Forget marks of folders that are claimed or gone."""
        self._since = {each: at for each, at in self._since.items() if each in unclaimed}

    @asynccontextmanager
    async def removing(self, document_id: str) -> AsyncIterator[bool]:
        """Whether the folder may be removed: still marked, and no door is at it."""
        if document_id not in self._since or self._taking[document_id]:
            yield False
            return
        done = self._removing[document_id] = asyncio.Event()
        try:
            yield True
        finally:
            self._since.pop(document_id, None)
            del self._removing[document_id]
            done.set()
