"""The same client for code without an event loop: each call waits for its answer.

One private loop runs in a thread of its own, so any thread may call, several at once.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from docaxis_client import client, models, tracking
from docaxis_client.credentials import Credentials
from docaxis_client.own_loop import OwnLoop
from docaxis_client.receipts import ReceiptClaims
from docaxis_client.statistics import FeedbackFigures, Statistics, UnmatchedPage
from docaxis_client.submission import NewDocument, OutgoingFile, Progress
from docaxis_client.sync_subscriptions import Subscriptions


class DocaxisClient(Subscriptions):
    """See `docaxis_client.DocaxisClient`: the same methods, arguments, answers and errors."""

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
        self._axis = client.DocaxisClient(
            base_url,
            credentials,
            language=language,
            attempts=attempts,
            patience_s=patience_s,
            connections=connections,
            tls=tls,
            trust_env=trust_env,
        )
        self._loop = OwnLoop()

    def __enter__(self) -> "DocaxisClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread; further calls are errors."""
        if not self._loop.closed:
            self._run(self._axis.aclose())
            self._loop.close()

    def access_token(self) -> str:
        """A bearer token for other tools (curl), good for some minutes."""
        return self._run(self._axis.access_token())

    def health(self) -> models.Health:
        """Tell whether the axis is ready, and what it waits for."""
        return self._run(self._axis.health())

    def server_time(self) -> datetime:
        """Read the axis's clock, in whole seconds."""
        return self._run(self._axis.server_time())

    def requests(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> models.RequestsPage:
        """List the system's own requests of the last 30 days, the newest first."""
        return self._run(self._axis.requests(limit=limit, cursor=cursor))

    def me(self) -> models.Me:
        """Tell who the axis takes this system for."""
        return self._run(self._axis.me())

    def organisations(
        self, query: str = "", *, limit: int | None = None, cursor: str | None = None
    ) -> models.OrganisationsPage:
        """Search the catalogue by words or code."""
        return self._run(self._axis.organisations(query, limit=limit, cursor=cursor))

    def changed_organisations(
        self, since: str = "0", *, limit: int | None = None, cursor: str | None = None
    ) -> models.OrganisationsPage:
        """List what changed in the catalogue since a version."""
        return self._run(self._axis.changed_organisations(since, limit=limit, cursor=cursor))

    def reachability(self, code: str) -> models.Reachability:
        """Tell whether an organisation is connected, and when it was seen last."""
        return self._run(self._axis.reachability(code))

    def recipient_groups(self, organisation: str | None = None) -> models.RecipientGroups:
        """List the recipient groups of an organisation, or of all that are served."""
        return self._run(self._axis.recipient_groups(organisation))

    def make_recipient_group(
        self,
        name: str,
        members: Sequence[str],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.RecipientGroup:
        """Make a group of recipients."""
        return self._run(
            self._axis.make_recipient_group(
                name, members, organisation=organisation, idempotency_key=idempotency_key
            )
        )

    def organisation(self, code: str) -> models.CatalogueEntry:
        """Look one organisation up."""
        return self._run(self._axis.organisation(code))

    def submit(
        self,
        document: NewDocument,
        files: Sequence[OutgoingFile],
        *,
        progress: Progress | None = None,
        inline: bool | None = None,
        decide_within_s: float = 60.0,
    ) -> models.Submission:
        """Send a document; `progress` is called in the client's thread."""
        return self._run(
            self._axis.submit(
                document,
                files,
                progress=progress,
                inline=inline,
                decide_within_s=decide_within_s,
            )
        )

    def find_documents(self, sender: str, sender_document_id: str) -> models.Documents:
        """Find documents by the sender's own id."""
        return self._run(self._axis.find_documents(sender, sender_document_id))

    def document(self, document_id: str) -> models.Document:
        """Get a document."""
        return self._run(self._axis.document(document_id))

    def deliveries(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.DeliveriesPage:
        """List a document's deliveries."""
        return self._run(self._axis.deliveries(document_id, limit=limit, cursor=cursor))

    def timeline(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.Timeline:
        """Tell what became of each recipient's copy."""
        return self._run(self._axis.timeline(document_id, limit=limit, cursor=cursor))

    def check(
        self,
        document: NewDocument,
        files: Sequence[OutgoingFile],
        *,
        progress: Progress | None = None,
        inline: bool | None = None,
    ) -> models.DocumentCheck:
        """Ask what `submit` would be answered; nothing is sent."""
        return self._run(self._axis.check(document, files, progress=progress, inline=inline))

    def find_deliveries(
        self,
        state: str,
        *,
        side: str = "sent",
        organisation: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> tracking.FoundDeliveriesPage:
        """List deliveries in a state."""
        return self._run(
            self._axis.find_deliveries(
                state, side=side, organisation=organisation, limit=limit, cursor=cursor
            )
        )

    def resend(self, delivery_id: str, *, idempotency_key: str | None = None) -> tracking.Resent:
        """Send an expired delivery again."""
        return self._run(self._axis.resend(delivery_id, idempotency_key=idempotency_key))

    def refused_recipients(
        self, document_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> models.RefusedPage:
        """List the recipients that a document does not reach."""
        return self._run(self._axis.refused_recipients(document_id, limit=limit, cursor=cursor))

    def verdict(self, document_id: str) -> tracking.Verdict:
        """Tell what was found on the signatures."""
        return self._run(self._axis.verdict(document_id))

    def fetch(self, document_id: str, digest: str) -> bytes:
        """Get a small file into memory, verified."""
        return self._run(self._axis.fetch(document_id, digest))

    def download(
        self, document_id: str, digest: str, target: Path, *, progress: Progress | None = None
    ) -> None:
        """Get a file to a path: streamed, verified, resumed."""
        self._run(self._axis.download(document_id, digest, target, progress=progress))

    def inbox(
        self,
        organisation: str | None = None,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> tracking.InboxPage:
        """List what is open, or, with a cursor, what is new."""
        return self._run(self._axis.inbox(organisation, cursor=cursor, limit=limit, wait=wait))

    def inbox_pages(
        self,
        organisation: str | None = None,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        wait: int = 25,
    ) -> Iterator[tracking.InboxPage]:
        """Follow the inbox for ever, page by page."""
        return self._each(
            self._axis.inbox_pages(organisation, cursor=cursor, limit=limit, wait=wait)
        )

    def inbox_stream(
        self, organisation: str | None = None, *, cursor: str | None = None, wait: int = 25
    ) -> Iterator[tracking.InboxItem]:
        """Follow the inbox for ever."""
        return self._each(self._axis.inbox_stream(organisation, cursor=cursor, wait=wait))

    def acknowledge(
        self,
        deliveries: Sequence[str],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[tracking.Acknowledgement, ...]:
        """Take deliveries over."""
        return self._run(
            self._axis.acknowledge(
                deliveries, organisation=organisation, idempotency_key=idempotency_key
            )
        )

    def report_statuses(
        self,
        statuses: Sequence[tracking.StatusReport],
        *,
        organisation: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[tracking.StatusResult, ...]:
        """Say how far deliveries have come."""
        return self._run(
            self._axis.report_statuses(
                statuses, organisation=organisation, idempotency_key=idempotency_key
            )
        )

    def statistics(
        self, first: str, last: str, *, by: str = "level", organisation: str | None = None
    ) -> Statistics:
        """Count documents and deliveries between two days."""
        return self._run(self._axis.statistics(first, last, by=by, organisation=organisation))

    def feedback(
        self, first: str, last: str, *, by: str = "level", organisation: str | None = None
    ) -> FeedbackFigures:
        """Count how completely recipients report between two months."""
        return self._run(self._axis.feedback(first, last, by=by, organisation=organisation))

    def unmatched_statuses(
        self,
        organisation: str | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> UnmatchedPage:
        """List statuses of deliveries that the axis does not know."""
        return self._run(self._axis.unmatched_statuses(organisation, limit=limit, cursor=cursor))

    def receipts(
        self, *, cursor: str | None = None, limit: int | None = None, wait: int | None = None
    ) -> tracking.ReceiptsPage:
        """List receipts of all the system's documents and deliveries."""
        return self._run(self._axis.receipts(cursor=cursor, limit=limit, wait=wait))

    def receipt(self, receipt: str) -> tracking.Receipt:
        """Get one receipt, by id or address."""
        return self._run(self._axis.receipt(receipt))

    def document_receipts(self, document_id: str) -> tuple[tracking.Receipt, ...]:
        """List the receipts of one document."""
        return self._run(self._axis.document_receipts(document_id))

    def key_set(self, *, fresh: bool = False) -> Mapping[str, Any]:
        """Get the axis's published keys."""
        return self._run(self._axis.key_set(fresh=fresh))

    def verify_receipt(
        self,
        jws: str,
        *,
        document_id: str | None = None,
        content_digest: str | None = None,
        delivery_id: str | None = None,
    ) -> ReceiptClaims:
        """Check a receipt against the published keys."""
        return self._run(
            self._axis.verify_receipt(
                jws,
                document_id=document_id,
                content_digest=content_digest,
                delivery_id=delivery_id,
            )
        )
