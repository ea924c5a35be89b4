"""Processing statuses: one for a delivery, or many of one organisation."""

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.document_models import StatusResults, UnmatchedPage
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import only_organisation, served_organisations
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, OrganisationQuery, page
from docaxis_gateway.problems import fields_error
from docaxis_gateway.request_models import ReportStatus, ReportStatuses
from docaxis_proto import status_v1_pb2

router = APIRouter(tags=["deliveries"])

KNOWN_CODES = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})
_WITH_REASON = ("02", "13")

_CODES = (
    "idempotency_key_invalid",
    "status_unknown",
    "reason_required",
    "unknown_delivery",
    "unknown_organisation",
    "organisation_not_served",
)


@router.post(
    "/deliveries/{delivery_id}/statuses",
    openapi_extra={**json_body(ReportStatus), "parameters": [IDEMPOTENCY_KEY]},
    responses={200: {"model": StatusResults}, **problems(*BODY, *_CODES)},
)
async def report_status(delivery_id: str, caller: CallerDep) -> Response:
    """Say how far one delivery has come."""
    if not is_identifier(delivery_id):
        raise DocaxisError("unknown_delivery")
    key = idempotency_key(caller, f"deliveries/{delivery_id}/statuses")
    limit = caller.gateway.settings.max_json_bytes
    asked = await read_json(caller.request, ReportStatus, limit)
    report = status_v1_pb2.StatusReport(
        delivery_id=delivery_id,
        code=asked.code,
        reason=asked.reason or "",
        claimed_at=asked.at or "",
    )
    _check(report)
    return await _report(caller, asked.organisation, [report], key)


@router.post(
    "/statuses",
    openapi_extra={**json_body(ReportStatuses), "parameters": [IDEMPOTENCY_KEY]},
    responses={200: {"model": StatusResults}, **problems(*BODY, *_CODES)},
)
async def report_statuses(caller: CallerDep) -> Response:
    """Say how far many deliveries of one organisation have come; each has its own result."""
    key = idempotency_key(caller, "statuses")
    limit = caller.gateway.settings.max_json_bytes
    asked = await read_json(caller.request, ReportStatuses, limit)
    reports = [
        status_v1_pb2.StatusReport(
            delivery_id=each.delivery,
            code=each.code,
            reason=each.reason or "",
            claimed_at=each.at or "",
        )
        for each in asked.statuses
    ]
    return await _report(caller, asked.organisation, reports, key)


@router.get(
    "/statuses/unmatched",
    responses={
        200: {"model": UnmatchedPage},
        **problems("unknown_organisation", "organisation_not_served", "read_stale", *PAGE),
    },
)
async def list_unmatched(
    caller: CallerDep,
    organisation: OrganisationQuery = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """What was reported for deliveries that are not known: kept, and recorded when they come."""
    request = status_v1_pb2.ListUnmatchedRequest(
        for_organisation_ids=await served_organisations(caller, organisation),
        limit=limit,
        cursor=cursor,
    )
    reply = await caller.services.status.ListUnmatched(request)
    items = [
        {
            "organisation_id": each.organisation_id,
            "delivery_id": each.delivery_id,
            "code": each.code,
            "held_since": moment(each.held_since),
            "claimed_at": each.claimed_at or None,
        }
        for each in reply.statuses
    ]
    return json_answer(page(items, reply.next))


async def _report(
    caller: Caller,
    organisation: str | None,
    reports: list[status_v1_pb2.StatusReport],
    key: str,
) -> Response:
    request = status_v1_pb2.ReportStatusesRequest(
        system_id=caller.system_id,
        organisation_id=await only_organisation(caller, organisation),
        reports=reports,
        idempotency_key=key,
    )
    reply = await caller.services.status.ReportStatuses(request)
    results = [
        {"delivery_id": each.delivery_id, "code": each.code, "result": each.result}
        for each in reply.results
    ]
    return json_answer({"results": results})


def _check(report: status_v1_pb2.StatusReport) -> None:
    """Refuse a status that stands alone; in a list each has its own result instead."""
    if report.code not in KNOWN_CODES:
        raise fields_error(
            [FieldProblem("/code", "status_unknown", {"status": report.code})],
        )
    if report.code in _WITH_REASON and not report.reason.strip():
        raise fields_error([FieldProblem("/reason", "reason_required")])
