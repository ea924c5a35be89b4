"""Commands, answers and events of routing; fields as in `routing_{commands,events}_v1.proto`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by the SHA-256 of its bytes (lower-case hex)."""

    digest: str
    size: int
    media_type: str
    signature_digest: str = ""


@dataclass(frozen=True, slots=True)
class DocumentBrief:
    """What every recipient's copy shows of its document: codes, dates, digests; no free text."""

    document_id: str
    sender_organisation_id: str
    sender_code: str
    system_id: str
    sender_document_id: str
    business_type: str
    number: str
    notation: str
    promulgated_on: str
    type_group: int
    type_name: str
    priority: int
    card_digest: str
    files: tuple[FileRef, ...]
    accepted_at: int = 0
    content_digest: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient that was resolved: the code as written, its organisation, whether held."""

    code: str
    organisation_id: str
    held: bool = False
    successor_code: str = ""
    """Present code of the organisation that the one with this code was merged into."""


@dataclass(frozen=True, slots=True)
class RefusedRecipient:
    """A recipient that gets no delivery, and why (a row of the error table)."""

    code: str
    reason: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentDigest:
    """The digest of the content under one canonical form (rule L1)."""

    canon_version: int
    digest: str


@dataclass(frozen=True, slots=True)
class SubmitDocument:
    """A system hands in a document for recipients."""

    brief: DocumentBrief
    submission_key: str
    content_digests: tuple[ContentDigest, ...]
    recipient_codes: tuple[str, ...]
    recipients_digest: str
    slices: int = 0
    """Above 500 recipients: how many slices they are resolved in; then `recipient_codes` is ()."""
    recipients_file: str = ""
    """Digest of the document's file that holds the slices' codes."""
    recipient_count: int = 0


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """What the sender is told: who gets it, and who does not."""

    document_id: str
    recipients_digest: str
    recipients: tuple[Recipient, ...]
    refused: tuple[RefusedRecipient, ...]
    accepted_at: int
    recipient_count: int = 0
    """Codes as sent; above 500 recipients it stands for them."""


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """Ask what a submission would be answered."""

    submission: SubmitDocument


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """What it would be answered; `first` where it was not accepted before."""

    answer: SubmitAnswer
    first: bool


@dataclass(frozen=True, slots=True)
class ResolveSlice:
    """Resolve one slice of a document's recipients."""

    brief: DocumentBrief
    recipients_digest: str
    recipients_file: str
    slice: int


@dataclass(frozen=True, slots=True)
class SettleSlice:
    """Pass the verdict on to the copies of one slice that wait for it."""

    document_id: str
    recipients_digest: str
    slice: int


@dataclass(frozen=True, slots=True)
class NoteVerdict:
    """The signature service's verdict, for the copies that wait for it."""

    document_id: str
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class MakeDeliveries:
    """Make the copies of a document for the recipients on one partition."""

    brief: DocumentBrief
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class ReleaseDeliveries:
    """Held copies may go on."""

    document_id: str
    organisation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefuseDeliveries:
    """Held copies may not go on."""

    document_id: str
    reason: str
    organisation_ids: tuple[str, ...]
    sender_organisation_id: str


@dataclass(frozen=True, slots=True)
class ExpireDelivery:
    """A timer's: the time of a delivery has passed."""

    delivery_id: str
    due: int


@dataclass(frozen=True, slots=True)
class ResendDelivery:
    """Its sender sends an expired copy again."""

    delivery_id: str
    organisation_id: str
    sender_organisation_id: str
    system_id: str


@dataclass(frozen=True, slots=True)
class ResendAnswer:
    """How the copy stands then."""

    delivery_id: str
    state: str


@dataclass(frozen=True, slots=True)
class AcknowledgeDeliveries:
    """A recipient's system has taken these deliveries."""

    organisation_id: str
    system_id: str
    delivery_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcknowledgeResult:
    """What became of one acknowledgement."""

    delivery_id: str
    result: str


@dataclass(frozen=True, slots=True)
class AcknowledgeAnswer:
    """One result for each delivery, in the order asked."""

    results: tuple[AcknowledgeResult, ...]


@dataclass(frozen=True, slots=True)
class DocumentSubmitted:
    """A document was accepted."""

    brief: DocumentBrief
    submission_key: str
    content_digests: tuple[ContentDigest, ...]
    recipients_digest: str
    recipients: tuple[Recipient, ...]
    refused: tuple[RefusedRecipient, ...]
    slices: int = 0
    recipients_file: str = ""
    recipient_count: int = 0
    sender_level: int = 0


@dataclass(frozen=True, slots=True)
class RecipientsAdded:
    """The same content was sent to further recipients."""

    brief: DocumentBrief
    recipients_digest: str
    recipients: tuple[Recipient, ...]
    refused: tuple[RefusedRecipient, ...]
    slices: int = 0
    recipients_file: str = ""
    recipient_count: int = 0


@dataclass(frozen=True, slots=True)
class SlicedRecipients:
    """A set of recipients that is resolved slice by slice."""

    recipients_digest: str
    slices: int


@dataclass(frozen=True, slots=True)
class RecipientsResolved:
    """One slice of a document's recipients was resolved."""

    brief: DocumentBrief
    recipients_digest: str
    slice: int
    recipients: tuple[Recipient, ...]
    refused: tuple[RefusedRecipient, ...]


@dataclass(frozen=True, slots=True)
class SliceSettled:
    """The verdict reached a slice; `organisation_ids` waited for it."""

    document_id: str
    recipients_digest: str
    slice: int
    status: str
    code: str
    organisation_ids: tuple[str, ...]
    sender_organisation_id: str
    priority: int


@dataclass(frozen=True, slots=True)
class VerdictNoted:
    """The verdict reached the document; `organisation_ids` waited for it."""

    document_id: str
    status: str
    code: str
    organisation_ids: tuple[str, ...]
    sender_organisation_id: str
    sliced: tuple[SlicedRecipients, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryMade:
    """One copy: `held`, `ready` (with its mailbox number) or `refused` (with the reason)."""

    delivery_id: str
    organisation_id: str
    state: str
    mailbox_number: int
    code: str
    reason: str = ""
    expires_at: int = 0
    """Unix ms; 0: never, or not ready yet."""


@dataclass(frozen=True, slots=True)
class DeliveriesMade:
    """The copies for all recipients of a document on one partition."""

    brief: DocumentBrief
    deliveries: tuple[DeliveryMade, ...]


@dataclass(frozen=True, slots=True)
class DeliveryReleased:
    """A held copy is ready; number 0 where the release came before its copy."""

    delivery_id: str
    organisation_id: str
    mailbox_number: int
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class DeliveriesReleased:
    """Held copies became ready."""

    document_id: str
    deliveries: tuple[DeliveryReleased, ...]


@dataclass(frozen=True, slots=True)
class DeliveryClosed:
    """A copy that ends here."""

    delivery_id: str
    organisation_id: str


@dataclass(frozen=True, slots=True)
class DeliveriesRefused:
    """Held copies were refused by policy."""

    document_id: str
    reason: str
    deliveries: tuple[DeliveryClosed, ...]
    sender_organisation_id: str


@dataclass(frozen=True, slots=True)
class DeliveriesExpired:
    """Nobody took these copies over in time."""

    document_id: str
    deliveries: tuple[DeliveryClosed, ...]
    sender_organisation_id: str


@dataclass(frozen=True, slots=True)
class DeliveriesReopened:
    """Expired copies were sent again."""

    document_id: str
    deliveries: tuple[DeliveryReleased, ...]
    sender_organisation_id: str
    system_id: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """One copy that its recipient's system has taken."""

    delivery_id: str
    document_id: str
    sender_organisation_id: str
    content_digest: str
    business_type: str = ""
    recipient_level: int = 0


@dataclass(frozen=True, slots=True)
class DeliveriesHandedOver:
    """A system acknowledged: that is the hand-over."""

    organisation_id: str
    system_id: str
    deliveries: tuple[HandOver, ...]
