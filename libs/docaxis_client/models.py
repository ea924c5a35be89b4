"""What the axis answers, typed. Fields and values that this release does not know are tolerated.

Times are aware datetimes in UTC; legal dates are plain dates. Codes (`state`, `result`, `kind`)
are strings, because an axis newer than this library may send new ones.
"""

from datetime import date, datetime

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that are absent take their default; fields not known here are passed over."""


class Changed(Answer, frozen=True, kw_only=True):
    """The id of what was changed or made."""

    id: str


class Organisation(Answer, frozen=True, kw_only=True):
    """An organisation that a system serves."""

    id: str
    code: str
    name: str = ""


class RequestMade(Answer, frozen=True, kw_only=True):
    """A request as the axis noted it: `route` is its template, `code` that of a problem."""

    at: datetime | None = None
    method: str = ""
    route: str = ""
    status: int = 0
    code: str | None = None
    request_id: str = ""
    duration_ms: float = 0.0
    bytes_received: int = 0
    bytes_sent: int = 0


class RequestsPage(Answer, frozen=True, kw_only=True):
    """The newest first; `next` goes back."""

    items: tuple[RequestMade, ...] = ()
    next: str | None = None


class Health(Answer, frozen=True, kw_only=True):
    """`ready` or `not_ready`, and each part's word."""

    status: str
    parts: dict[str, str] = {}


class UsedCredential(Answer, frozen=True, kw_only=True):
    """What proved the caller; `until` is the end of the token or certificate, `not_after` that of
    the credential."""

    id: str = ""
    kind: str = ""
    until: datetime | None = None
    not_after: datetime | None = None


class Me(Answer, frozen=True, kw_only=True):
    """Who the axis takes the caller for."""

    system_id: str
    name: str = ""
    connection: str = ""
    organisations: tuple[Organisation, ...] = ()
    role: str = ""
    credential: UsedCredential | None = None
    server_time: datetime | None = None
    clock_skew_s: float | None = None
    warnings: tuple[str, ...] = ()


class Alias(Answer, frozen=True, kw_only=True):
    """An older or other code of an organisation, with the days on which it is valid."""

    code: str
    valid_from: date | None = None
    valid_until: date | None = None


class MergedInto(Answer, frozen=True, kw_only=True):
    """What an organisation became part of, and from which day on."""

    id: str
    code: str
    on: date | None = None


class CatalogueEntry(Answer, frozen=True, kw_only=True):
    """An organisation as the catalogue lists it."""

    id: str
    code: str
    name: str = ""
    level: int = 0
    kind: str | None = None
    parent_code: str | None = None
    aliases: tuple[Alias, ...] = ()
    locked: bool = False
    state: str = ""
    level_since: date | None = None
    merged_into: MergedInto | None = None
    merged_from: "CatalogueEntry | None" = None
    """At a look-up by the code of a merged organisation: what it was."""


class OrganisationsPage(Answer, frozen=True, kw_only=True):
    """A page of the catalogue; `next` is the cursor of the next one."""

    items: tuple[CatalogueEntry, ...] = ()
    next: str | None = None
    version: str = ""
    """To ask for changes since, once `next` is None."""


class Reachability(Answer, frozen=True, kw_only=True):
    """Whether an organisation's copies are fetched, and when its systems called last."""

    code: str
    organisation_id: str
    connected: bool = False
    last_seen: datetime | None = None
    max_file_bytes: int = 0


class RecipientGroup(Answer, frozen=True, kw_only=True):
    """A list of recipients under one id, for `recipient_groups` of a document."""

    id: str
    name: str = ""
    owner: str = ""
    members: tuple[Organisation, ...] = ()


class RecipientGroups(Answer, frozen=True, kw_only=True):
    """The groups of the organisations that a system serves."""

    items: tuple[RecipientGroup, ...] = ()


class Upload(Answer, frozen=True, kw_only=True):
    """A file that waits at the axis for its document; `digest` is SHA-256 in hex."""

    id: str
    digest: str
    size: int = 0


class Recipient(Answer, frozen=True, kw_only=True):
    """A recipient that was resolved; `held` until its policy lets the document through."""

    code: str
    organisation_id: str = ""
    held: bool = False


class RefusedRecipient(Answer, frozen=True, kw_only=True):
    """A recipient that gets nothing, and why."""

    code: str
    reason: str = ""
    suggestions: tuple[str, ...] = ()


class RefusedPage(Answer, frozen=True, kw_only=True):
    """A page of a document's refused recipients."""

    items: tuple[RefusedRecipient, ...] = ()
    next: str | None = None


class Links(Answer, frozen=True, kw_only=True):
    """Where to look further; paths on the axis."""

    self: str = ""
    deliveries: str = ""
    refused: str = ""
    timeline: str = ""


class Submission(Answer, frozen=True, kw_only=True):
    """What became of a submit.

    `status` is `accepted`, or `pending` when the axis keeps it durably but has not decided yet.
    `first` tells a first acceptance from the repeat of one. Above 500 recipients both lists are
    empty, and `recipient_count` stands for them: read the client's `deliveries` and
    `refused_recipients`.
    """

    id: str
    status: str = "accepted"
    accepted_at: datetime | None = None
    recipients: tuple[Recipient, ...] = ()
    refused: tuple[RefusedRecipient, ...] = ()
    recipient_count: int = 0
    receipt: str | None = None
    links: Links = Links()
    first: bool = True


class CheckedFile(Answer, frozen=True, kw_only=True):
    """What the signature service finds in a file."""

    name: str
    digest: str = ""
    size: int = 0
    status: str = ""
    code: str = ""


class DocumentCheck(Answer, frozen=True, kw_only=True):
    """What a submit would be answered; `status` is `would_be_accepted` or `already_accepted`."""

    id: str
    status: str = ""
    recipients: tuple[Recipient, ...] = ()
    refused: tuple[RefusedRecipient, ...] = ()
    recipient_count: int = 0
    files: tuple[CheckedFile, ...] = ()


class DocumentType(Answer, frozen=True, kw_only=True):
    """QCVN 102: group 1 normative, 2 administrative; the name is what counts in practice."""

    group: int = 2
    code: int = 0
    name: str = ""


class Signer(Answer, frozen=True, kw_only=True):
    """Who signed the document, as printed on it."""

    competence: str = ""
    position: str = ""
    full_name: str = ""


class FileInfo(Answer, frozen=True, kw_only=True):
    """One file of a document; `href` is its address on the axis."""

    name: str
    media_type: str = "application/octet-stream"
    digest: str
    size: int = 0
    signature_digest: str | None = None
    href: str = ""
    signature_href: str | None = None


class VerdictSummary(Answer, frozen=True, kw_only=True):
    """The signature service's word on a document, in short."""

    status: str
    code: str = ""


class Document(Answer, frozen=True, kw_only=True):
    """An accepted document, as its sender and its recipients see it."""

    id: str
    status: str = "accepted"
    sender: str = ""
    sender_document_id: str | None = None
    business_type: str = "new"
    number: str = ""
    notation: str = ""
    place: str = ""
    promulgated_on: date | None = None
    type: DocumentType = DocumentType()
    subject: str = ""
    content: str | None = None
    signer: Signer = Signer()
    priority: int = 0
    due_on: date | None = None
    accepted_at: datetime | None = None
    recipients: tuple[Recipient, ...] = ()
    refused: tuple[RefusedRecipient, ...] = ()
    recipient_count: int = 0
    files: tuple[FileInfo, ...] = ()
    verdict: VerdictSummary | None = None
    content_digest: str = ""
    receipts: tuple[str, ...] = ()


class Documents(Answer, frozen=True, kw_only=True):
    """What was found."""

    items: tuple[Document, ...] = ()
