"""What answers about figures look like, for OpenAPI."""

from typing import Literal

from pydantic import BaseModel, Field


class CountedType(BaseModel):
    """Documents and deliveries of a business type other than `new`."""

    business_type: str
    sent: int
    received: int


class LevelFigures(BaseModel):
    """Figures of one level (0: not known), of the whole axis or of one organisation."""

    level: int
    organisation_id: str | None
    code: str | None
    sent: int
    received: int
    apart: list[CountedType]


class Total(BaseModel):
    """All levels together, business type `new`."""

    sent: int
    received: int


class Statistics(BaseModel):
    """Documents accepted and deliveries handed over, by day in Viet Nam, both ends included."""

    from_: str = Field(alias="from")
    to: str
    by: Literal["level", "organisation"]
    items: list[LevelFigures]
    total: Total


class Classes(BaseModel):
    """How many reported the full chain (03-06), part of it, 01 alone, or nothing."""

    full: int
    part: int
    arrived_only: int
    none: int


class LevelFeedback(BaseModel):
    """Units (each by the best of its deliveries) and deliveries by what recipients reported."""

    level: int
    organisation_id: str | None
    code: str | None
    units: Classes
    deliveries: Classes


class FeedbackFigures(BaseModel):
    """How completely recipients report, by month of the hand-over in Viet Nam."""

    from_: str = Field(alias="from")
    to: str
    by: Literal["level", "organisation"]
    items: list[LevelFeedback]
