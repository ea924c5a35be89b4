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
from docaxis_client.counting import Counting
from docaxis_client.credentials import Credentials
from docaxis_client.pending import decided_submission
from docaxis_client.proofs import KeyCache, Proofs
from docaxis_client.receiving import Receiving
from docaxis_client.submission import NewDocument, OutgoingFile, Progress
from docaxis_client.subscriptions import Subscriptions
from docaxis_client.transport import Request, Transport
from docaxis_client.uploads import upload
from docaxis_client.watching import Watching


class DocaxisClient(Receiving, Proofs, Counting, Subscriptions, Watching):
    """A connected system's client; use it as `async with DocaxisClient(url, credentials) as axis`.

    `patience_s` and `attempts` bound the retries of one call; `language` (`vi`, `en`) picks the
    words of problems and labels; `tls` and `trust_env` (proxy variables) are aiohttp's. Where `tls`
    is given, it counts instead of the credentials' authority and client certificate.
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
        """A bearer token for other tools (curl), good for some minutes.

        Raises `CredentialsUnusable` for a shared secret or a certificate, which need none.
        """
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

    async def changed_organisations(
        self, since: str = "0", *, limit: int | None = None, cursor: str | None = None
    ) -> models.OrganisationsPage:
        """List what changed in the catalogue since the version of an earlier answer."""
        path = path_of("/organisations", since=since, limit=limit, cursor=cursor)
        return await self._get(path, models.OrganisationsPage)

    async def reachability(self, code: str) -> models.Reachability:
        """Tell whether an organisation is connected, and when it was seen last."""
        return await self._get(f"/organisations/{segment(code)}/reachability", models.Reachability)

    async def recipient_groups(self, organisation: str | None = None) -> models.RecipientGroups:
        """List the recipient groups of an organisation, or of all that the system serves."""
        path = path_of("/recipient-groups", organisation=organisation)
        return await self._get(path, models.RecipientGroups)

    async def make_recipient_group(
        self,
        name: str,
        members: Sequence[str],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.RecipientGroup:
        """Make a group of recipients; members are told by their codes."""
        content = present(name=name, members=list(members), organisation=organisation)
        return await self._post(
            "/recipient-groups", content, models.RecipientGroup, idempotency_key
        )

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

        Small files ride along, larger ones are uploaded first, unless `inline` says which; those
        above 16 MiB in pieces, going on where they were cut, also by an earlier call. When
        the axis has it but needs longer to decide, its decision is awaited; a `status` of
        `pending` afterwards means that it is safe at the axis, still undecided.
        """
        request = await self._document_request("/documents", document, files, progress, inline)
        reply = await self._transport.call(request)
        answer = msgspec.json.decode(reply.body, type=models.Submission)
        if reply.status == 202:
            return await decided_submission(self._transport, answer, decide_within_s)
        return answer if reply.status == 201 else msgspec.structs.replace(answer, first=False)

    async def check(
        self,
        document: NewDocument,
        files: Sequence[OutgoingFile],
        *,
        progress: Progress | None = None,
        inline: bool | None = None,
    ) -> models.DocumentCheck:
        """Ask what `submit` would be answered, and what is found in the files; nothing is sent.

        What the submit would be refused for, this is: `ProblemError`.
        """
        path = "/documents:check"
        request = await self._document_request(path, document, files, progress, inline)
        reply = await self._transport.call(request)
        return msgspec.json.decode(reply.body, type=models.DocumentCheck)

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

    async def find_deliveries(
        self,
        state: str,
        *,
        side: str = "sent",
        organisation: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> tracking.FoundDeliveriesPage:
        """List deliveries that stand in a state now; `expired` and `refused` are dead letters.

        `side` is `sent` (of one's own documents) or `received`.
        """
        path = path_of(
            "/deliveries",
            state=state,
            side=side,
            organisation=organisation,
            limit=limit,
            cursor=cursor,
        )
        return await self._get(path, tracking.FoundDeliveriesPage)

    async def resend(
        self, delivery_id: str, *, idempotency_key: str | None = None
    ) -> tracking.Resent:
        """Send an expired delivery again; `ProblemError` says why one is not."""
        path = f"/deliveries/{segment(delivery_id)}:resend"
        return await self._post(path, {}, tracking.Resent, idempotency_key)

    async def refused_recipients(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> models.RefusedPage:
        """List the recipients that a document of one's own does not reach, and why."""
        path = path_of(f"/documents/{segment(document_id)}/refused", limit=limit, cursor=cursor)
        return await self._get(path, models.RefusedPage)

    async def timeline(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.Timeline:
        """Tell what became of each recipient's copy."""
        path = path_of(f"/documents/{segment(document_id)}/timeline", limit=limit, cursor=cursor)
        return await self._get(path, tracking.Timeline)

    async def verdict(self, document_id: str) -> tracking.Verdict:
        """Tell what was found on the signatures of a document's files."""
        return await self._get(f"/documents/{segment(document_id)}/verdict", tracking.Verdict)

    async def _document_request(
        self,
        path: str,
        document: NewDocument,
        files: Sequence[OutgoingFile],
        progress: Progress | None,
        inline: bool | None,
    ) -> Request:
        parts = await submission.read_files(files)
        if submission.fits_inline(parts) if inline is None else inline:
            return await submission.inline_request(document, parts, path)
        uploads = [
            (
                await upload(self._transport, part.content, progress),
                await upload(self._transport, part.signature, progress) if part.signature else None,
            )
            for part in parts
        ]
        return submission.json_request(document, parts, uploads, path)
