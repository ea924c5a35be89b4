"""The axis, as its callers see it: one method per route.

Answers are typed (`models`, `tracking`), refusals are `ProblemError`. Whatever a method does, it
may be called again: the axis makes repeats harmless, and the transport relies on that.
"""

import ssl
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import msgspec

from docaxis_client import models, submission, tracking
from docaxis_client.calls import path_of, present, segment
from docaxis_client.credentials import Credentials
from docaxis_client.pending import decided_submission
from docaxis_client.proofs import KeyCache, Proofs
from docaxis_client.receiving import Receiving
from docaxis_client.submission import NewDocument, OutgoingFile, Progress
from docaxis_client.transport import Request, Transport


class DocaxisClient(Receiving, Proofs):
    """A connected system's client; use it as `async with DocaxisClient(url, credentials) as axis`.

    `patience_s` and `attempts` bound the retries of one call; `language` (`vi`, `en`) picks the
    words of problems and labels; `tls` and `trust_env` (proxy variables) are aiohttp's.
    """

    def __init__(
        self,
        base_url: str | None,
        credentials: Credentials,
        *,
        language: str = "vi",
        attempts: int = 6,
        patience_s: float = 60.0,
        connections: int = 100,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = False,
    ) -> None:
        address = base_url or credentials.base_url
        if not address:
            raise ValueError("neither a base URL nor credentials that name one")
        self.credentials = credentials
        self._transport = Transport(
            address,
            credentials,
            language=language,
            attempts=attempts,
            patience_s=patience_s,
            connections=connections,
            tls=tls,
            trust_env=trust_env,
        )
        self._keys = KeyCache()

    async def __aenter__(self) -> "DocaxisClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def access_token(self) -> str:
        """A bearer token for other tools (curl), good for some minutes."""
        return (await self._transport.authorization()).removeprefix("Bearer ")

    async def me(self) -> models.Me:
        """Tell who the axis takes this system for, and which organisations it serves."""
        return await self._get("/me", models.Me)

    async def health(self) -> models.Health:
        """Tell whether the axis is ready, and what it waits for; asked once, without a token."""
        reply = await self._transport.peek("/health/ready")
        return msgspec.json.decode(reply.body, type=models.Health)

    async def server_time(self) -> datetime:
        """Read the axis's clock, in whole seconds."""
        reply = await self._transport.peek("/health/live")
        return parsedate_to_datetime(reply.headers["Date"])

    async def requests(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> models.RequestsPage:
        """List the system's own requests of the last 30 days, the newest first."""
        return await self._get(
            path_of("/requests", limit=limit, cursor=cursor), models.RequestsPage
        )

    async def organisations(
        self, query: str = "", *, limit: int | None = None, cursor: str | None = None
    ) -> models.OrganisationsPage:
        """Search the catalogue by words or code."""
        path = path_of("/organisations", query=query, limit=limit, cursor=cursor)
        return await self._get(path, models.OrganisationsPage)

    async def organisation(self, code: str) -> models.CatalogueEntry:
        """Look one organisation up, by its code or an older one."""
        return await self._get(f"/organisations/{segment(code)}", models.CatalogueEntry)

    async def submit(
        self,
        document: NewDocument,
        files: Sequence[OutgoingFile],
        *,
        progress: Progress | None = None,
        inline: bool | None = None,
        decide_within_s: float = 60.0,
    ) -> models.Submission:
        """Send a document; the same again is harmless and gets the same answer.

        Small files ride along, larger ones are uploaded first, unless `inline` says which. When
        the axis has it but needs longer to decide, its decision is awaited; a `status` of
        `pending` afterwards means that it is safe at the axis, still undecided.
        """
        parts = await submission.read_files(files)
        if submission.fits_inline(parts) if inline is None else inline:
            request = await submission.inline_request(document, parts)
        else:
            uploads = [
                (
                    await self._upload(part.content, part.file.name, progress),
                    await self._upload(part.signature, part.file.name, progress)
                    if part.signature
                    else None,
                )
                for part in parts
            ]
            request = submission.json_request(document, parts, uploads)
        reply = await self._transport.call(request)
        answer = msgspec.json.decode(reply.body, type=models.Submission)
        if reply.status == 202:
            return await decided_submission(self._transport, answer, decide_within_s)
        return answer if reply.status == 201 else msgspec.structs.replace(answer, first=False)

    async def find_documents(self, sender: str, sender_document_id: str) -> models.Documents:
        """Find documents by the sender's own id."""
        path = path_of("/documents", sender=sender, id=sender_document_id)
        return await self._get(path, models.Documents)

    async def document(self, document_id: str) -> models.Document:
        """Get a document that one of the system's organisations sent or receives."""
        return await self._get(f"/documents/{segment(document_id)}", models.Document)

    async def deliveries(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.DeliveriesPage:
        """List a document's deliveries and their states."""
        path = path_of(f"/documents/{segment(document_id)}/deliveries", limit=limit, cursor=cursor)
        return await self._get(path, tracking.DeliveriesPage)

    async def timeline(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.Timeline:
        """Tell what became of each recipient's copy."""
        path = path_of(f"/documents/{segment(document_id)}/timeline", limit=limit, cursor=cursor)
        return await self._get(path, tracking.Timeline)

    async def verdict(self, document_id: str) -> tracking.Verdict:
        """Tell what was found on the signatures of a document's files."""
        return await self._get(f"/documents/{segment(document_id)}/verdict", tracking.Verdict)

    async def subscribe(
        self,
        url: str,
        *,
        organisations: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> tracking.Subscription:
        """Have news told to a webhook; keep the answer's `secret`, it is told once."""
        content = present(url=url, organisations=organisations, event_types=event_types)
        return await self._post("/subscriptions", content, tracking.Subscription, idempotency_key)

    async def subscriptions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.SubscriptionsPage:
        """List the system's subscriptions."""
        path = path_of("/subscriptions", limit=limit, cursor=cursor)
        return await self._get(path, tracking.SubscriptionsPage)

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        path = f"/subscriptions/{segment(subscription_id)}"
        await self._transport.call(Request("DELETE", path))

    async def notifications(
        self, subscription_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.NotificationsPage:
        """List what a subscription was told, with attempts and failures."""
        path = f"/subscriptions/{segment(subscription_id)}/notifications"
        return await self._get(
            path_of(path, limit=limit, cursor=cursor), tracking.NotificationsPage
        )

    async def _upload(self, blob: submission.Blob, name: str, progress: Progress | None) -> str:
        request = submission.upload_request(blob, name, progress)
        reply = await self._transport.call(request)
        return msgspec.json.decode(reply.body, type=models.Upload).id
