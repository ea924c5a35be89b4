"""What clients may send: pydantic models, unknown fields refused by name.

Pydantic, because it tells all that is wrong at once and writes the OpenAPI schema from the same
lines; its core is compiled, and a submit is checked in some 20 microseconds.
"""

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from docaxis_gateway.text_rules import (
    DateTime,
    FileName,
    FreeText,
    FullDate,
    Identifier,
    Line,
    MediaType,
    OrganisationCode,
    Sha256,
    invalid,
)

MAX_RECIPIENTS = 100_000
MAX_FILES = 100
MAX_GROUPS = 20
MAX_ITEMS = 500

EventType = Literal[
    "document.accepted",
    "delivery.ready",
    "delivery.refused",
    "delivery.handed_over",
    "delivery.expired",
    "status.reported",
    "document.verified",
]
"""Public event types; a webhook carries their ids only."""

_UNSUPPORTED = frozenset({"recall", "update", "replace"})
_NOT_SECRET = frozenset({"", "none", "khong", "khong mat"})


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "d")
    letters = "".join(each for each in decomposed if unicodedata.category(each) != "Mn")
    return " ".join(letters.replace("_", " ").replace("-", " ").casefold().split())


def _check_secrecy(text: str) -> str:
    # Whatever is not plainly said to be open stays outside of the axis.
    if _plain(text) not in _NOT_SECRET:
        raise PydanticCustomError("secret_document", "secret")
    return text


def _check_business_type(text: str) -> str:
    if text in _UNSUPPORTED:
        raise PydanticCustomError(
            "business_type_not_supported", "not supported", {"business_type": text}
        )
    if text != "new":
        raise invalid("new")
    return text


def _check_distinct(codes: list[str]) -> list[str]:
    seen: set[str] = set()
    for index, code in enumerate(codes):
        if code in seen:
            raise PydanticCustomError(
                "recipient_duplicate", "twice", {"organisation": code, "index": index}
            )
        seen.add(code)
    return codes


def _check_anybody(codes: list[str], info: ValidationInfo) -> list[str]:
    # Where the groups themselves are at fault, that alone is told.
    if not codes and not info.data.get("recipient_groups", True):
        raise PydanticCustomError("too_short", "nobody")
    return codes


class DocumentType(_Request):
    """Kind of document: `group` 1 normative, 2 administrative; `code` is its number there."""

    group: Literal[1, 2]
    code: Annotated[int, Field(ge=0, le=9999)]
    name: Annotated[str, Line(100)]


class Signer(_Request):
    """Who signed: `competence` such as TM., KT., TL., TUQ., Q.; empty where signed in person."""

    competence: Annotated[str, Line(20, blank=True)]
    position: Annotated[str, Line(100)]
    full_name: Annotated[str, Line(50)]


class _Bytes(_Request):
    upload: Identifier | None = None
    part: Annotated[str, Line(100)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.upload is None) == (self.part is None):
            raise invalid("exactly one of upload and part")
        return self


class DetachedSignature(_Bytes):
    """A detached CMS signature (RFC 5652), uploaded before or sent along as a part."""


class DocumentFile(_Bytes):
    """A file, uploaded before (`upload`) or sent along (`part`: the name of its part)."""

    name: FileName
    media_type: MediaType
    digest: Sha256 | None = None
    signature: DetachedSignature | None = None


class SubmitDocument(_Request):
    """A document with its recipients. `id` is the sender's own; repeats of it are harmless."""

    sender: OrganisationCode
    recipient_groups: Annotated[list[Identifier], Field(max_length=MAX_GROUPS)] = []
    recipients: Annotated[
        list[OrganisationCode],
        Field(max_length=MAX_RECIPIENTS, validate_default=True),
        AfterValidator(_check_distinct),
        AfterValidator(_check_anybody),
    ] = []
    id: Annotated[str, Line(200)]
    business_type: Annotated[
        str,
        AfterValidator(_check_business_type),
        WithJsonSchema({"type": "string", "enum": ["new"], "default": "new"}),
    ] = "new"
    number: Annotated[str, Line(11)]
    notation: Annotated[str, Line(30)]
    place: Annotated[str, Line(200)]
    promulgated_on: FullDate
    type: DocumentType
    subject: Annotated[str, Line(500)]
    content: Annotated[str, FreeText(10_000, blank=True)] | None = None
    signer: Signer
    priority: Annotated[int, Field(ge=0, le=4)] = 0
    due_on: FullDate | None = None
    secrecy: (
        Annotated[
            str,
            AfterValidator(_check_secrecy),
            WithJsonSchema({"type": "string", "enum": ["none"], "default": "none"}),
        ]
        | None
    ) = None
    files: Annotated[list[DocumentFile], Field(min_length=1, max_length=MAX_FILES)]
    require_signature: bool = False


class AcknowledgeDeliveries(_Request):
    """Deliveries that were taken; the organisation narrows down whose they are."""

    deliveries: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_ITEMS)]
    organisation: OrganisationCode | None = None


class ReportStatus(_Request):
    """A processing status of the delivery in the path; 02 needs a reason."""

    code: Annotated[str, Line(10)]
    reason: Annotated[str, FreeText(1000, blank=True)] | None = None
    at: DateTime | None = None
    organisation: OrganisationCode | None = None


class StatusOfDelivery(_Request):
    """One status in a list; whatever its delivery's name, it has a result of its own."""

    delivery: Annotated[str, Line(100)]
    code: Annotated[str, Line(10)]
    reason: Annotated[str, FreeText(1000, blank=True)] | None = None
    at: DateTime | None = None


class ReportStatuses(_Request):
    """Statuses of one organisation's deliveries."""

    organisation: OrganisationCode | None = None
    statuses: Annotated[list[StatusOfDelivery], Field(min_length=1, max_length=MAX_ITEMS)]


class SetRecipientGroup(_Request):
    """A group of recipients; the organisation is its owner, where the system serves several."""

    organisation: OrganisationCode | None = None
    name: Annotated[str, Line(200)]
    members: Annotated[
        list[OrganisationCode],
        Field(min_length=1, max_length=MAX_ITEMS),
        AfterValidator(_check_distinct),
    ]


class Subscribe(_Request):
    """A webhook: whose events, and which of them; empty lists mean all."""

    url: Annotated[str, Line(2000)]
    organisations: Annotated[list[OrganisationCode], Field(max_length=MAX_ITEMS)] = []
    event_types: Annotated[list[EventType], Field(max_length=20)] = []
    document_types: Annotated[list[Literal[1, 2]], Field(max_length=20)] = []


class ChangeSubscription(Subscribe):
    """The whole subscription as it shall be; while `paused`, what happens waits for its end."""

    paused: bool = False


class RotateSecret(_Request):
    """For how many seconds the secret before signs beside the new one: at most 7 days."""

    overlap_s: Annotated[int, Field(ge=0, le=7 * 86_400)] = 86_400
