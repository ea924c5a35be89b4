"""Figures: documents sent and received, and how completely recipients report.

By level they are the whole axis's and everybody's to read; by organisation they are the caller's.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.openapi import problems
from docaxis_gateway.organisation_scope import names_of, served_organisations
from docaxis_gateway.paging import OrganisationQuery
from docaxis_gateway.statistics_models import FeedbackFigures, Statistics
from docaxis_proto import status_v1_pb2

router = APIRouter(tags=["statistics"])

_CODES = (
    "limit_invalid",
    "field_required",
    "field_invalid",
    "unknown_organisation",
    "organisation_not_served",
    "read_stale",
)
_CLASSES = ("full", "part", "arrived_only", "none")

By = Annotated[Literal["level", "organisation"], Query(description="What is counted apart.")]


def _day(end: str, name: str) -> Any:
    return Query(alias=name, max_length=10, description=f"The {end} day in Viet Nam, included.")


def _month(end: str, name: str) -> Any:
    return Query(alias=name, max_length=7, description=f"The {end} month (YYYY-MM), included.")


@router.get("/statistics", responses={200: {"model": Statistics}, **problems(*_CODES)})
async def get_statistics(
    caller: CallerDep,
    first: Annotated[str, _day("first", "from")],
    last: Annotated[str, _day("last", "to")],
    by: By = "level",
    organisation: OrganisationQuery = None,
) -> Response:
    """Documents sent and deliveries received, up to 366 days; business type `new`, others apart."""
    request = status_v1_pb2.GetStatisticsRequest(
        from_day=first,
        to_day=last,
        by=by,
        for_organisation_ids=await served_organisations(caller, organisation),
    )
    reply = await caller.services.status.GetStatistics(request)
    codes = await _codes(caller, [each.organisation_id for each in reply.figures])
    items = [
        {
            **_whose(each.level, each.organisation_id, codes),
            "sent": each.sent,
            "received": each.received,
            "apart": [
                {"business_type": one.business_type, "sent": one.sent, "received": one.received}
                for one in each.apart
            ],
        }
        for each in reply.figures
    ]
    items.sort(key=_by_code)
    total = {name: sum(each[name] for each in items) for name in ("sent", "received")}
    return json_answer({"from": first, "to": last, "by": by, "items": items, "total": total})


@router.get(
    "/statistics/feedback", responses={200: {"model": FeedbackFigures}, **problems(*_CODES)}
)
async def get_feedback(
    caller: CallerDep,
    first: Annotated[str, _month("first", "from")],
    last: Annotated[str, _month("last", "to")],
    by: By = "level",
    organisation: OrganisationQuery = None,
) -> Response:
    """How completely recipients report on what they were handed over, up to 24 months."""
    request = status_v1_pb2.GetFeedbackRequest(
        from_month=first,
        to_month=last,
        by=by,
        for_organisation_ids=await served_organisations(caller, organisation),
    )
    reply = await caller.services.status.GetFeedback(request)
    codes = await _codes(caller, [each.organisation_id for each in reply.feedback])
    items = [
        {
            **_whose(each.level, each.organisation_id, codes),
            "units": {name: getattr(each.units, name) for name in _CLASSES},
            "deliveries": {name: getattr(each.deliveries, name) for name in _CLASSES},
        }
        for each in reply.feedback
    ]
    items.sort(key=_by_code)
    return json_answer({"from": first, "to": last, "by": by, "items": items})


async def _codes(caller: Caller, organisation_ids: Sequence[str]) -> dict[str, str]:
    ids = sorted({each for each in organisation_ids if each})
    return {each: found.code for each, found in (await names_of(caller, ids)).items()}


def _whose(level: int, organisation_id: str, codes: dict[str, str]) -> dict[str, Any]:
    return {
        "level": level,
        "organisation_id": organisation_id or None,
        "code": codes.get(organisation_id),
    }


def _by_code(item: dict[str, Any]) -> tuple[str, int]:
    return (item["code"] or "", item["level"])
