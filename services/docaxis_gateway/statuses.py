"""Processing statuses: one for a delivery, or many of one organisation."""

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.document_models import StatusResults
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, json_body, problems
from docaxis_gateway.organisation_scope import only_organisation
from docaxis_gateway.problems import fields_error
from docaxis_gateway.request_models import ReportStatus, ReportStatuses
from docaxis_proto import status_v1_pb2

router = APIRouter(tags=["deliveries"])

KNOWN_CODES = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})

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
    _check([report], [""])
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
    _check(reports, [f"/statuses/{index}" for index in range(len(reports))])
    return await _report(caller, asked.organisation, reports, key)


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


def _check(reports: list[status_v1_pb2.StatusReport], pointers: list[str]) -> None:
    problems = []
    for report, pointer in zip(reports, pointers, strict=True):
        if report.code not in KNOWN_CODES:
            params = {"status": report.code}
            problems.append(FieldProblem(f"{pointer}/code", "status_unknown", params))
        elif report.code == "02" and not report.reason.strip():
            problems.append(FieldProblem(f"{pointer}/reason", "reason_required"))
    if problems:
        raise fields_error(problems)
