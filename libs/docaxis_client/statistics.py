"""What the axis answers about figures: documents sent and received, completeness of feedback."""

from datetime import datetime

from docaxis_client.models import Answer


class CountedType(Answer, frozen=True, kw_only=True):
    """Counts of a business type other than `new`."""

    business_type: str
    sent: int = 0
    received: int = 0


class LevelFigures(Answer, frozen=True, kw_only=True):
    """Figures of one level (0: not known), of the whole axis or of one organisation."""

    level: int
    organisation_id: str | None = None
    code: str | None = None
    sent: int = 0
    received: int = 0
    apart: tuple[CountedType, ...] = ()


class Total(Answer, frozen=True, kw_only=True):
    """All levels together."""

    sent: int = 0
    received: int = 0


class Statistics(Answer, frozen=True, kw_only=True):
    """Documents accepted and deliveries handed over, by days in Viet Nam."""

    items: tuple[LevelFigures, ...] = ()
    total: Total = Total()


class Classes(Answer, frozen=True, kw_only=True):
    """How many reported the full chain, part of it, 01 alone, or nothing."""

    full: int = 0
    part: int = 0
    arrived_only: int = 0
    none: int = 0


class LevelFeedback(Answer, frozen=True, kw_only=True):
    """Units and deliveries by what recipients reported."""

    level: int
    organisation_id: str | None = None
    code: str | None = None
    units: Classes = Classes()
    deliveries: Classes = Classes()


class FeedbackFigures(Answer, frozen=True, kw_only=True):
    """How completely recipients report, by months of the hand-over in Viet Nam."""

    items: tuple[LevelFeedback, ...] = ()


class UnmatchedStatus(Answer, frozen=True, kw_only=True):
    """A status that the axis keeps, of a delivery that it does not know."""

    organisation_id: str
    delivery_id: str
    code: str
    held_since: datetime | None = None
    claimed_at: str | None = None


class UnmatchedPage(Answer, frozen=True, kw_only=True):
    """A page of them."""

    items: tuple[UnmatchedStatus, ...] = ()
    next: str | None = None
