"""A recipient's part of the client: inbox, files, acknowledgements, statuses."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from docaxis_client import downloads, tracking
from docaxis_client.calls import Calls, path_of, present, segment
from docaxis_client.submission import Progress

# An inbox that answers "nothing new" at once, rather than after the wait, is not asked in a loop.
_EMPTY_PAUSE_S = 0.5


class Receiving(Calls):
    """Taking over what was sent to the organisations that the system serves."""

    async def inbox(
        self,
        organisation: str | None = None,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> tracking.InboxPage:
        """List what is open for an organisation, or for all; with a cursor, what is new since.

        `wait` (seconds, at most 50) holds an empty answer back until there is news.
        """
        path = path_of("/inbox", organisation=organisation, cursor=cursor, limit=limit, wait=wait)
        return await self._get(path, tracking.InboxPage)

    async def inbox_pages(
        self,
        organisation: str | None = None,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        wait: int = 25,
    ) -> AsyncIterator[tracking.InboxPage]:
        """Follow the inbox for ever, page by page; store a page's `next` to resume there."""
        while True:
            asked_at = time.monotonic()
            page = await self.inbox(organisation, cursor=cursor, limit=limit, wait=wait)
            cursor = page.next or cursor
            if page.items:
                yield page
            elif time.monotonic() - asked_at < _EMPTY_PAUSE_S:
                await asyncio.sleep(_EMPTY_PAUSE_S)

    async def inbox_stream(
        self,
        organisation: str | None = None,
        *,
        cursor: str | None = None,
        wait: int = 25,
    ) -> AsyncIterator[tracking.InboxItem]:
        """Follow the inbox for ever: first all that is open, then what comes, as it comes."""
        async for page in self.inbox_pages(organisation, cursor=cursor, wait=wait):
            for item in page.items:
                yield item

    async def acknowledge(
        self,
        deliveries: Sequence[str],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[tracking.Acknowledgement, ...]:
        """Take deliveries over (at most 500): from then on they are the recipient's."""
        content = present(deliveries=list(deliveries), organisation=organisation)
        answer = await self._post(
            "/deliveries:acknowledge", content, tracking.Acknowledgements, idempotency_key
        )
        return answer.results

    async def report_statuses(
        self,
        statuses: Sequence[tracking.StatusReport],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[tracking.StatusResult, ...]:
        """Say how far deliveries (at most 500) have come."""
        content = present(statuses=list(statuses), organisation=organisation)
        answer = await self._post("/statuses", content, tracking.StatusResults, idempotency_key)
        return answer.results

    async def fetch(self, document_id: str, digest: str) -> bytes:
        """Get a small file into memory, verified; raises `DigestMismatch`."""
        return await downloads.fetch(self._transport, _file(document_id, digest), digest)

    async def download(
        self, document_id: str, digest: str, target: Path, *, progress: Progress | None = None
    ) -> None:
        """Get a file to a path: streamed, verified, resumed where an earlier try was cut.

        Raises `DigestMismatch`, with nothing left at `target`.
        """
        path = _file(document_id, digest)
        await downloads.download(self._transport, path, digest, target, progress)


def _file(document_id: str, digest: str) -> str:
    return f"/documents/{segment(document_id)}/files/{segment(digest)}"
