"""Status's commands, answers and events: names and fields are those of their protobuf messages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """One status of one delivery; reports leave to the domain what is not theirs to say."""

    delivery_id: str
    document_id: str
    code: str
    source: str
    claimed_at: str
    reason_digest: str
    system_id: str
    sender_organisation_id: str
    report_id: str
    recipient_level: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryOpened:
    """A delivery as routing made it."""

    delivery_id: str
    document_id: str
    organisation_id: str
    sender_organisation_id: str
    code: str


@dataclass(frozen=True, slots=True)
class OpenTimelines:
    """Deliveries were made on this partition."""

    deliveries: tuple[DeliveryOpened, ...]


@dataclass(frozen=True, slots=True)
class RecordHandOver:
    """The axis's own 01 for deliveries that their recipient took."""

    organisation_id: str
    statuses: tuple[Status, ...]


@dataclass(frozen=True, slots=True)
class ReportStatuses:
    """A system reports on deliveries of one recipient, for it or (13) for their sender."""

    organisation_id: str
    system_id: str
    statuses: tuple[Status, ...]
    sender_organisation_id: str = ""


@dataclass(frozen=True, slots=True)
class ReportResult:
    """`recorded`, `already_recorded`, `held`, or a row of the error table."""

    delivery_id: str
    code: str
    result: str


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """One result for each status of the report, in its order."""

    results: tuple[ReportResult, ...]


@dataclass(frozen=True, slots=True)
class TimelinesOpened:
    """Deliveries became known."""

    deliveries: tuple[DeliveryOpened, ...]


@dataclass(frozen=True, slots=True)
class StatusesReported:
    """Statuses of one organisation's deliveries, complete with document and sender.

    `released` of them had been held until now.
    """

    organisation_id: str
    statuses: tuple[Status, ...]
    released: int = 0


@dataclass(frozen=True, slots=True)
class StatusesHeld:
    """Statuses that came before their deliveries (rule 4)."""

    organisation_id: str
    statuses: tuple[Status, ...]


Command = OpenTimelines | RecordHandOver | ReportStatuses
Event = TimelinesOpened | StatusesReported | StatusesHeld
