"""What the axis answers about deliveries: inbox, verdicts, timelines, receipts, subscriptions.

As in `models`, what this release does not know is tolerated. A time that another party claims is
kept as it came, as text.
"""

from datetime import datetime
from typing import Any

import msgspec

from docaxis_client.models import Answer, Document


class Delivery(Answer, frozen=True, kw_only=True):
    """One document for one recipient."""

    id: str
    organisation_id: str = ""
    code: str = ""
    state: str = ""
    reason: str | None = None
    ready_at: datetime | None = None
    handed_over_at: datetime | None = None
    expires_at: datetime | None = None
    expired_at: datetime | None = None


class FoundDelivery(Delivery, frozen=True, kw_only=True):
    """A delivery of some document."""

    document_id: str = ""


class FoundDeliveriesPage(Answer, frozen=True, kw_only=True):
    """A page of deliveries that stand in a state."""

    items: tuple[FoundDelivery, ...] = ()
    next: str | None = None


class Resent(Answer, frozen=True, kw_only=True):
    """A delivery that was sent again, and how it stands."""

    delivery_id: str
    state: str = ""


class DeliveriesPage(Answer, frozen=True, kw_only=True):
    """A page of a document's deliveries."""

    items: tuple[Delivery, ...] = ()
    next: str | None = None


class SignatureFinding(Answer, frozen=True, kw_only=True):
    """One signature found in a file."""

    kind: str = ""
    status: str = ""
    code: str = ""
    signer_name: str | None = None
    organisation_name: str | None = None
    certificate_sha256: str | None = None
    is_seal: bool = False
    claimed_at: str | None = None
    covers_whole_file: bool = False


class FileVerdict(Answer, frozen=True, kw_only=True):
    """The verdict on one file, with every signature found in it."""

    digest: str
    status: str = ""
    code: str = ""
    signatures: tuple[SignatureFinding, ...] = ()


class Verdict(Answer, frozen=True, kw_only=True):
    """What the signature service found in a document's files; `pending` until it has looked."""

    status: str
    code: str | None = None
    verified_at: datetime | None = None
    files: tuple[FileVerdict, ...] = ()


class TimelineEntry(Answer, frozen=True, kw_only=True):
    """One processing status; `source` is who says so: recipient, sender (13) or axis."""

    code: str
    label: str = ""
    source: str = ""
    recorded_at: datetime | None = None
    claimed_at: str | None = None
    reason: str | None = None


class RecipientTimeline(Answer, frozen=True, kw_only=True):
    """What became of the copy of one recipient; `furthest` is the furthest status code."""

    delivery_id: str
    organisation_id: str = ""
    code: str = ""
    name: str = ""
    state: str = ""
    reason: str | None = None
    furthest: str | None = None
    handed_over_at: datetime | None = None
    receipt: str | None = None
    entries: tuple[TimelineEntry, ...] = ()


class Timeline(Answer, frozen=True, kw_only=True):
    """What became of every copy of a document."""

    document_id: str
    items: tuple[RecipientTimeline, ...] = ()
    next: str | None = None
    trace_id: str | None = None
    """Of the submit, where the axis records traces."""


class InboxItem(Answer, frozen=True, kw_only=True):
    """A delivery that waits for its recipient, with the whole document."""

    delivery_id: str
    organisation: str = ""
    organisation_id: str = ""
    state: str = ""
    mailbox_number: int = 0
    ready_at: datetime | None = None
    document: Document


class InboxPage(Answer, frozen=True, kw_only=True):
    """A page of what is open; `next` resumes behind it and waits for news."""

    items: tuple[InboxItem, ...] = ()
    next: str | None = None


class Acknowledgement(Answer, frozen=True, kw_only=True):
    """What became of one acknowledgement; another `result` than these two is an error's code."""

    delivery_id: str
    result: str
    receipt: str | None = None

    @property
    def done(self) -> bool:
        """Whether the delivery is handed over, now or before."""
        return self.result in ("handed_over", "already_handed_over")


class Acknowledgements(Answer, frozen=True, kw_only=True):
    """One result for each delivery asked for."""

    results: tuple[Acknowledgement, ...] = ()


class StatusReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """A status to report: 02 and 13 need a reason; `at` is when it came about (RFC 3339)."""

    delivery: str
    code: str
    reason: str | None = None
    at: str | None = None


class StatusResult(Answer, frozen=True, kw_only=True):
    """What became of one reported status."""

    delivery_id: str
    code: str = ""
    result: str

    @property
    def done(self) -> bool:
        """Whether the axis has it: recorded, known already, or held until its delivery comes."""
        return self.result in ("recorded", "already_recorded", "held")


class StatusResults(Answer, frozen=True, kw_only=True):
    """One result for each status reported."""

    results: tuple[StatusResult, ...] = ()


class Receipt(Answer, frozen=True, kw_only=True):
    """A statement signed by the axis; `jws` is the proof (RFC 7515, compact)."""

    id: str
    kind: str = ""
    document_id: str = ""
    delivery_id: str | None = None
    organisation_id: str | None = None
    jws: str
    sealed_at: datetime | None = None


class ReceiptsPage(Answer, frozen=True, kw_only=True):
    """A page of receipts; `next` resumes behind it."""

    items: tuple[Receipt, ...] = ()
    next: str | None = None


class Subscription(Answer, frozen=True, kw_only=True):
    """Where the axis tells news; `secret` signs its calls and is told once."""

    id: str
    url: str = ""
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    document_types: tuple[int, ...] = ()
    active: bool = True
    paused: bool = False
    previous_secret_until: datetime | None = None
    secret: str | None = None


class NewSecret(Answer, frozen=True, kw_only=True):
    """A subscription's new secret, told once; until when the one before signs too."""

    secret: str
    previous_secret_until: datetime | None = None


class SubscriptionTest(Answer, frozen=True, kw_only=True):
    """How a test went: what the receiver answered, how long it took, or the class of failure."""

    notification_id: str = ""
    delivered: bool = False
    failure: str | None = None
    http_status: int | None = None
    milliseconds: int = 0


class SubscriptionsPage(Answer, frozen=True, kw_only=True):
    """A page of subscriptions."""

    items: tuple[Subscription, ...] = ()
    next: str | None = None


class NotificationsPage(Answer, frozen=True, kw_only=True):
    """A page of a subscription's notifications, each as the axis tells it."""

    items: tuple[dict[str, Any], ...] = ()
    next: str | None = None
