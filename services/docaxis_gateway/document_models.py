"""What answers about documents and deliveries look like (see `response_models`)."""

from typing import Literal

from pydantic import BaseModel

from docaxis_gateway.response_models import DateTimeText


class Upload(BaseModel):
    """A stored upload: lower-case hex SHA-256 and bytes."""

    id: str
    digest: str
    size: int


class Recipient(BaseModel):
    """A recipient that was resolved; `held` until the signature's verdict.

    `merged_into` is the present code of the organisation that got it, where the one written to was
    merged.
    """

    code: str
    organisation_id: str
    held: bool
    merged_into: str | None


class RefusedRecipient(BaseModel):
    """A recipient that was refused: `reason` is a row of the error table."""

    code: str
    reason: str
    suggestions: list[str]


class SubmissionLinks(BaseModel):
    """Where to look further."""

    self: str
    deliveries: str
    refused: str
    timeline: str


class Submission(BaseModel):
    """The answer to a submit."""

    id: str
    status: Literal["accepted", "pending"]
    accepted_at: DateTimeText | None
    recipients: list[Recipient]
    refused: list[RefusedRecipient]
    recipient_count: int
    """Codes as sent. Above 500 both lists are empty: `links` say where they are read in pages."""
    receipt: str | None
    links: SubmissionLinks


class CheckedFile(BaseModel):
    """What the signature service finds in a file; `status` and `code` as in a verdict."""

    name: str
    digest: str
    size: int
    status: str
    code: str


class DocumentCheck(BaseModel):
    """What a submit would be answered; `id` is the one that the document would have."""

    id: str
    status: Literal["would_be_accepted", "already_accepted"]
    recipients: list[Recipient]
    refused: list[RefusedRecipient]
    recipient_count: int
    """Codes as sent. Above 500 `recipients` is empty, and `refused` has the first 500."""
    files: list[CheckedFile]


class DocumentKind(BaseModel):
    """Kind of document."""

    group: int
    code: int
    name: str


class DocumentSigner(BaseModel):
    """Who signed."""

    competence: str
    position: str
    full_name: str


class StoredFile(BaseModel):
    """A file of a document."""

    name: str
    media_type: str
    digest: str
    size: int
    signature_digest: str | None
    href: str
    signature_href: str | None


class DocumentVerdict(BaseModel):
    """What the signature service found."""

    status: str
    code: str


class Document(BaseModel):
    """A document as its sender and its recipients see it."""

    id: str
    sender: str
    sender_organisation_id: str
    sender_document_id: str
    business_type: str
    number: str
    notation: str
    place: str
    promulgated_on: str
    type: DocumentKind
    subject: str
    content: str | None
    signer: DocumentSigner
    priority: int
    due_on: str | None
    files: list[StoredFile]
    accepted_at: DateTimeText | None
    recipients: list[Recipient]
    refused: list[RefusedRecipient]
    recipient_count: int
    verdict: DocumentVerdict | None
    content_digest: str
    receipts: list[str]


class DocumentList(BaseModel):
    """Documents that were found."""

    items: list[Document]


class Delivery(BaseModel):
    """One document for one recipient."""

    id: str
    organisation_id: str
    code: str
    state: str
    reason: str | None
    ready_at: DateTimeText | None
    handed_over_at: DateTimeText | None
    expires_at: DateTimeText | None
    """While it is ready: when it expires, unless it is taken over."""
    expired_at: DateTimeText | None


class FoundDelivery(Delivery):
    """A delivery of some document."""

    document_id: str


class FoundDeliveryPage(BaseModel):
    """A page of deliveries of any documents."""

    items: list[FoundDelivery]
    next: str | None


class Resent(BaseModel):
    """A delivery that was sent again, and how it stands."""

    delivery_id: str
    state: str


class DeliveryPage(BaseModel):
    """A page of deliveries."""

    items: list[Delivery]
    next: str | None


class RefusedPage(BaseModel):
    """A page of refused recipients, by code."""

    items: list[RefusedRecipient]
    next: str | None


class SignatureFound(BaseModel):
    """One signature in or beside a file."""

    kind: str
    status: str
    code: str
    signer_name: str
    organisation_name: str
    certificate_sha256: str
    is_seal: bool
    claimed_at: str | None
    covers_whole_file: bool


class FileVerdict(BaseModel):
    """The verdict on one file."""

    digest: str
    status: str
    code: str
    signatures: list[SignatureFound]


class Verdict(BaseModel):
    """The verdict on a document; `pending` until it was verified."""

    status: str
    code: str
    verified_at: DateTimeText | None
    files: list[FileVerdict]


class TimelineEntry(BaseModel):
    """One status; `label` in the caller's language."""

    code: str
    label: str
    source: str
    recorded_at: DateTimeText | None
    claimed_at: str | None
    reason: str | None


class TimelineItem(BaseModel):
    """What became of one recipient's copy."""

    delivery_id: str
    organisation_id: str
    code: str
    name: str
    state: str
    reason: str | None
    furthest: str | None
    handed_over_at: DateTimeText | None
    receipt: str | None
    entries: list[TimelineEntry]


class Timeline(BaseModel):
    """One timeline per recipient; `trace_id` is of the submit, where the axis records traces."""

    document_id: str
    trace_id: str | None
    items: list[TimelineItem]
    next: str | None


class InboxItem(BaseModel):
    """A delivery with its whole document."""

    delivery_id: str
    organisation: str
    organisation_id: str
    state: str
    mailbox_number: int
    ready_at: DateTimeText | None
    document: Document


class InboxPage(BaseModel):
    """A page of the inbox; `next` also waits for news."""

    items: list[InboxItem]
    next: str | None


class Acknowledged(BaseModel):
    """`handed_over`, `already_handed_over`, or a row of the error table."""

    delivery_id: str
    result: str
    receipt: str | None


class AcknowledgeResults(BaseModel):
    """One result for each delivery."""

    results: list[Acknowledged]


class StatusResult(BaseModel):
    """`recorded`, `already_recorded`, `held`, or a row of the error table."""

    delivery_id: str
    code: str
    result: str


class StatusResults(BaseModel):
    """One result for each status."""

    results: list[StatusResult]


class UnmatchedStatus(BaseModel):
    """A status that was kept, of a delivery that is not known."""

    organisation_id: str
    delivery_id: str
    code: str
    held_since: DateTimeText | None
    claimed_at: str | None


class UnmatchedPage(BaseModel):
    """A page of statuses that fit no delivery so far."""

    items: list[UnmatchedStatus]
    next: str | None
