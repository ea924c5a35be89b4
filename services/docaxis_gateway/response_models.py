"""What answers look like, for OpenAPI. The tests hold every answer against these models.

Clients must tolerate new members and new values; nothing here is ever removed.
"""

from typing import Literal

from pydantic import BaseModel

DateTimeText = str
"""RFC 3339 in UTC with milliseconds."""


class FieldError(BaseModel):
    """One field at fault: a JSON pointer (RFC 6901) into the request."""

    pointer: str
    code: str
    detail: str
    suggestions: list[str] = []


class Problem(BaseModel):
    """Why a request was not served (RFC 9457). `code` is a row of the error table."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]
    retryable: bool
    request_id: str
    suggestions: list[str]
    error: str | None = None
    """At `/token` only: the error of RFC 6749, section 5.2."""


class AccessToken(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class OrganisationName(BaseModel):
    """An organisation that the system serves."""

    id: str
    code: str
    name: str


class UsedCredential(BaseModel):
    """What proved the caller. `until` is the end of the access token or certificate,
    `not_after` that of the credential as it was registered."""

    id: str
    kind: Literal["key", "certificate", "hmac"]
    until: DateTimeText | None
    not_after: DateTimeText | None


class CallerLimits(BaseModel):
    """How often and how much at once one system may call, each for one replica of the gateway."""

    requests_per_s: float | None
    burst: int
    in_flight: int


class RequestMade(BaseModel):
    """A request that the caller made; `route` is its template, `code` that of a problem. The status
    is 0 where the caller was gone before the answer."""

    at: DateTimeText
    method: str
    route: str
    status: int
    code: str | None
    request_id: str
    duration_ms: float
    bytes_received: int
    bytes_sent: int


class RequestPage(BaseModel):
    """The newest first; `next` goes back."""

    items: list[RequestMade]
    next: str | None


class Me(BaseModel):
    """Who the caller is."""

    system_id: str
    name: str
    connection: str
    organisations: list[OrganisationName]
    role: Literal["system", "administrator"]
    credential: UsedCredential
    limits: CallerLimits
    server_time: DateTimeText
    clock_skew_s: float | None
    warnings: list[str]


class Alias(BaseModel):
    """Another code of an organisation, valid between dates; null is open."""

    code: str
    valid_from: str | None
    valid_until: str | None


class DatedLevel(BaseModel):
    """A level 1-4 from a full-date on; null is since ever."""

    level: int
    since: str | None


class MergedInto(BaseModel):
    """What an organisation became part of, on a full-date."""

    id: str
    code: str
    on: str


class Organisation(BaseModel):
    """An organisation of the catalogue; `level` is today's."""

    id: str
    code: str
    name: str
    level: int
    kind: str | None
    parent_code: str | None
    aliases: list[Alias]
    locked: bool
    state: Literal["active", "locked", "merged"]
    level_since: str | None
    levels: list[DatedLevel]
    merged_into: MergedInto | None


class FoundOrganisation(Organisation):
    """The organisation that a code means today; `merged_from` where it was of a merged one."""

    merged_from: Organisation | None


class ReachableSystem(BaseModel):
    """A system that serves an organisation and is not shut out."""

    connection: str
    onboarding: str
    last_seen: DateTimeText | None


class Reachability(BaseModel):
    """Whether an organisation is connected, when it called last, and what one file may hold."""

    code: str
    organisation_id: str
    connected: bool
    last_seen: DateTimeText | None
    systems: list[ReachableSystem]
    max_file_bytes: int


class RecipientGroup(BaseModel):
    """A group of recipients; its members as they are today."""

    id: str
    owner: str
    owner_organisation_id: str
    name: str
    members: list[OrganisationName]


class RecipientGroupList(BaseModel):
    """The groups of an organisation, or of all that the system serves."""

    items: list[RecipientGroup]


class OrganisationPage(BaseModel):
    """A page of organisations; `version` is for `since`, once `next` is null."""

    items: list[Organisation]
    next: str | None
    version: str


class Receipt(BaseModel):
    """A statement signed by the axis (JWS, RFC 7515)."""

    id: str
    kind: str
    document_id: str
    delivery_id: str | None
    organisation_id: str
    jws: str
    sealed_at: DateTimeText | None


class ReceiptPage(BaseModel):
    """A page of receipts; `next` also waits for news."""

    items: list[Receipt]
    next: str | None


class ReceiptList(BaseModel):
    """The receipts of a document."""

    items: list[Receipt]


class Subscription(BaseModel):
    """A webhook subscription."""

    id: str
    url: str
    organisations: list[str]
    organisation_ids: list[str]
    event_types: list[str]
    document_types: list[int]
    active: bool
    paused: bool
    previous_secret_until: DateTimeText | None


class NewSubscription(Subscription):
    """A webhook subscription with its secret (Standard Webhooks), told this once."""

    secret: str


class SubscriptionPage(BaseModel):
    """A page of subscriptions."""

    items: list[Subscription]
    next: str | None


class Notification(BaseModel):
    """One notification and how its attempts went."""

    id: str
    event_type: str
    document_id: str | None
    delivery_id: str | None
    state: str
    attempts: int
    failure: str | None
    retry_at: DateTimeText | None


class NewSecret(BaseModel):
    """A subscription's new secret, told this once, and until when the one before signs too."""

    secret: str
    previous_secret_until: DateTimeText | None


class SubscriptionTest(BaseModel):
    """How a test went: the receiver's status and how long it took, or the class of failure."""

    notification_id: str
    delivered: bool
    failure: str | None
    http_status: int | None
    milliseconds: int


class NotificationPage(BaseModel):
    """A page of notifications."""

    items: list[Notification]
    next: str | None


class HealthState(BaseModel):
    """`ready` or `not_ready`, and each part's word."""

    status: Literal["ready", "not_ready"]
    parts: dict[str, str]


class KeySet(BaseModel):
    """Published keys (RFC 7517)."""

    keys: list[dict[str, str]]
