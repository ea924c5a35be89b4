"""The same client for code without an event loop: each call waits for its answer.

One private loop runs in a thread of its own, so any thread may call, several at once.
"""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from docaxis_client import client, models, tracking
from docaxis_client.credentials import Credentials
from docaxis_client.receipts import ReceiptClaims
from docaxis_client.submission import NewDocument, OutgoingFile, Progress

_T = TypeVar("_T")


class DocaxisClient:
    """See `docaxis_client.DocaxisClient`: the same methods, arguments, answers and errors."""

    def __init__(
        self,
        base_url: str | None,
        credentials: Credentials,
        *,
        language: str = "vi",
        attempts: int = 6,
        patience_s: float = 60.0,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = False,
    ) -> None:
        self._axis = client.DocaxisClient(
            base_url,
            credentials,
            language=language,
            attempts=attempts,
            patience_s=patience_s,
            tls=tls,
            trust_env=trust_env,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="docaxis-client", daemon=True
        )
        self._thread.start()

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
        if self._loop.is_closed():
            return
        self._run(self._axis.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
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

    def organisations(self, query: str = "", **page: Any) -> models.OrganisationsPage:
        """Search the catalogue (`limit`, `cursor`)."""
        return self._run(self._axis.organisations(query, **page))

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

    def deliveries(self, document_id: str, **page: Any) -> tracking.DeliveriesPage:
        """List a document's deliveries (`limit`, `cursor`)."""
        return self._run(self._axis.deliveries(document_id, **page))

    def timeline(self, document_id: str, **page: Any) -> tracking.Timeline:
        """Tell what became of each recipient's copy (`limit`, `cursor`)."""
        return self._run(self._axis.timeline(document_id, **page))

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

    def inbox(self, organisation: str | None = None, **page: Any) -> tracking.InboxPage:
        """List what is open, or what is new (`cursor`, `limit`, `wait`)."""
        return self._run(self._axis.inbox(organisation, **page))

    def inbox_stream(
        self, organisation: str | None = None, *, cursor: str | None = None, wait: int = 25
    ) -> Iterator[tracking.InboxItem]:
        """Follow the inbox for ever."""
        stream: AsyncIterator[tracking.InboxItem] = self._axis.inbox_stream(
            organisation, cursor=cursor, wait=wait
        )
        while True:
            yield self._run(_next(stream))

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

    def receipts(self, **page: Any) -> tracking.ReceiptsPage:
        """List receipts (`cursor`, `limit`, `wait`)."""
        return self._run(self._axis.receipts(**page))

    def receipt(self, receipt: str) -> tracking.Receipt:
        """Get one receipt, by id or address."""
        return self._run(self._axis.receipt(receipt))

    def document_receipts(self, document_id: str) -> tuple[tracking.Receipt, ...]:
        """List the receipts of one document."""
        return self._run(self._axis.document_receipts(document_id))

    def key_set(self, *, fresh: bool = False) -> Mapping[str, Any]:
        """Get the axis's published keys."""
        return self._run(self._axis.key_set(fresh=fresh))

    def verify_receipt(self, jws: str, **about: Any) -> ReceiptClaims:
        """Check a receipt (`document_id`, `content_digest`, `delivery_id`)."""
        return self._run(self._axis.verify_receipt(jws, **about))

    def subscribe(self, url: str, **wishes: Any) -> tracking.Subscription:
        """Have news told to a webhook (`organisations`, `event_types`, `idempotency_key`)."""
        return self._run(self._axis.subscribe(url, **wishes))

    def subscriptions(self, **page: Any) -> tracking.SubscriptionsPage:
        """List the system's subscriptions."""
        return self._run(self._axis.subscriptions(**page))

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        self._run(self._axis.unsubscribe(subscription_id))

    def notifications(self, subscription_id: str, **page: Any) -> tracking.NotificationsPage:
        """List what a subscription was told."""
        return self._run(self._axis.notifications(subscription_id, **page))

    def _run(self, call: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in the caller's thread ends the call, too.
            future.cancel()
            raise


async def _next(stream: AsyncIterator[_T]) -> _T:
    return await anext(stream)
