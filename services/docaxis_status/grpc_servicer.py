"""Reports and timelines: protobuf <-> commands and queries."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, is_identifier, new_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_proto import status_v1_pb2_grpc
from docaxis_status.codec import CODEC
from docaxis_status.domain.deliveries import RECIPIENT, RETURNED, furthest, refusal
from docaxis_status.domain.messages import ReportAnswer, ReportStatuses, Status
from docaxis_status.views import Timeline, documents_of, timelines_of

MOST_REPORTS = 500
MOST_REASON_CHARACTERS = 2000
_READERS = 16
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")

_log = structlog.get_logger(__name__)


class StatusServicer(status_v1_pb2_grpc.StatusServiceServicer):
    """The status service's methods; they raise `DocaxisError`."""

    def __init__(
        self, door: FrontDoor, timelines: ViewReader, files: FileStore, partitions: int
    ) -> None:
        self._door = door
        self._timelines = timelines
        self._files = files
        self._partitions = partitions

    async def ReportStatuses(
        self, request: rpc.ReportStatusesRequest, context: Any
    ) -> rpc.ReportStatusesReply:
        """Record statuses of one organisation's deliveries; each has a result of its own.

        What can be refused without looking is refused here and never reaches the log, nor do the
        words of a reason: they become a file of the document first (rule L32). Raises
        `deadline_exceeded` where the report is durable but not decided within the wait: the same
        again (same idempotency key) is answered with the first's results.
        """
        _check(request)
        report_id = (
            derived_id("report", request.system_id, request.idempotency_key)
            if request.idempotency_key
            else new_id()
        )
        statuses = [_status(each, request.system_id, report_id) for each in request.reports]
        results = [
            _refusal(request.organisation_id, status, report)
            for status, report in zip(statuses, request.reports, strict=True)
        ]
        await self._keep_reasons(request, statuses, results)
        sound = [place for place, result in enumerate(results) if not result]
        if sound:
            told = await self._report(request, [statuses[place] for place in sound], report_id)
            for place, each in zip(sound, told.results, strict=True):
                results[place] = each.result
        return rpc.ReportStatusesReply(
            results=[
                rpc.ReportStatusesReply.Result(
                    delivery_id=report.delivery_id, code=report.code, result=result
                )
                for report, result in zip(request.reports, results, strict=True)
            ]
        )

    async def GetTimeline(
        self, request: rpc.GetTimelineRequest, context: Any
    ) -> rpc.GetTimelineReply:
        """One timeline per recipient: all for the sender, its own for a recipient."""
        found = await timelines_of(
            self._timelines,
            self._partitions,
            request.document_id,
            request.for_organisation_ids,
        )
        reasons = await self._read_reasons(request.document_id, found)
        return rpc.GetTimelineReply(timelines=[_timeline(each, reasons) for each in found])

    async def _report(
        self, request: rpc.ReportStatusesRequest, statuses: Sequence[Status], report_id: str
    ) -> ReportAnswer:
        command = ReportStatuses(request.organisation_id, request.system_id, tuple(statuses))
        # What the door refused at the first attempt may be sound at the next: then it is another
        # command of the same report, and what was recorded is told apart by the report's id.
        command_id = derived_id("report", report_id, CODEC.encode(command)[1])
        outcome = await self._door.ask_decided(
            command,
            command_id=command_id,
            partition=organisation_partition(request.organisation_id, self._partitions),
            actor=request.system_id,
        )
        answer = answer_of(outcome, CODEC)
        if not isinstance(answer, ReportAnswer):
            raise TypeError(f"a report was answered with {type(answer).__name__}")
        return answer

    async def _keep_reasons(
        self, request: rpc.ReportStatusesRequest, statuses: list[Status], results: list[str]
    ) -> None:
        """Put the reasons of sound statuses under their documents, and their digests in place."""
        given = {
            place: report.reason.encode()
            for place, report in enumerate(request.reports)
            if report.reason.strip() and not results[place]
        }
        sought = [statuses[place].delivery_id for place in given if not statuses[place].document_id]
        partition = organisation_partition(request.organisation_id, self._partitions)
        known = (
            await documents_of(self._timelines, request.organisation_id, partition, sought)
            if sought
            else {}
        )
        files: dict[tuple[str, str], bytes] = {}
        for place, words in given.items():
            status = statuses[place]
            document_id = status.document_id or known.get(status.delivery_id, "")
            if not document_id:
                results[place] = "unknown_delivery"
                continue
            digest = sha256(words).hexdigest()
            statuses[place] = replace(status, reason_digest=digest)
            files[document_id, digest] = words
        await asyncio.gather(
            *(
                self._files.put(document_id, digest, words)
                for (document_id, digest), words in files.items()
            )
        )

    async def _read_reasons(
        self, document_id: str, timelines: Sequence[Timeline]
    ) -> dict[str, str]:
        digests = {each.reason_digest for timeline in timelines for each in timeline.entries}
        digests.discard("")
        readers = asyncio.Semaphore(_READERS)

        async def read(digest: str) -> str:
            async with readers:
                return await self._read_reason(document_id, digest)

        ordered = sorted(digests)
        words = await asyncio.gather(*(read(digest) for digest in ordered))
        return dict(zip(ordered, words, strict=True))

    async def _read_reason(self, document_id: str, digest: str) -> str:
        """The words; empty where they were purged, or are no longer what was put there."""
        try:
            return (await _whole(self._files.read(document_id, digest))).decode()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            _log.exception("reason_unreadable", document_id=document_id, digest=digest)
            return ""


def _check(request: rpc.ReportStatusesRequest) -> None:
    """Refuse a request that is not sound as a whole. Raises `DocaxisError`."""
    for name in ("system_id", "organisation_id"):
        if not getattr(request, name):
            raise _invalid([FieldProblem(f"/{name}", "field_required", {"field": name})])
    if not request.reports:
        raise _invalid([FieldProblem("/reports", "field_required", {"field": "reports"})])
    if len(request.reports) > MOST_REPORTS:
        params = {"field": "reports", "limit": str(MOST_REPORTS)}
        raise DocaxisError(
            "too_many_items", params, fields=(FieldProblem("/reports", "too_many_items", params),)
        )
    problems = []
    for place, report in enumerate(request.reports):
        if report.claimed_at and not _is_moment(report.claimed_at):
            params = {"field": "claimed_at", "expected": "RFC 3339"}
            problems.append(FieldProblem(f"/reports/{place}/claimed_at", "field_invalid", params))
        if len(report.reason) > MOST_REASON_CHARACTERS:
            params = {"field": "reason", "limit": str(MOST_REASON_CHARACTERS)}
            problems.append(FieldProblem(f"/reports/{place}/reason", "field_too_long", params))
    if problems:
        raise _invalid(problems)


def _invalid(problems: Sequence[FieldProblem]) -> DocaxisError:
    return DocaxisError("validation_failed", fields=tuple(problems))


def _status(report: rpc.StatusReport, system_id: str, report_id: str) -> Status:
    return Status(
        delivery_id=report.delivery_id,
        document_id=report.document_id,
        code=report.code,
        source=RECIPIENT,
        claimed_at=report.claimed_at,
        reason_digest="",
        system_id=system_id,
        sender_organisation_id="",
        report_id=report_id,
    )


def _refusal(organisation_id: str, status: Status, report: rpc.StatusReport) -> str:
    """Why a status cannot hold, whatever is known; empty: it may. Unsound ids name nothing."""
    ids = (status.delivery_id, status.document_id or status.delivery_id)
    if not all(map(is_identifier, ids)):
        return "unknown_delivery"
    refused = refusal(organisation_id, status)
    if not refused and status.code == RETURNED and not report.reason.strip():
        return "reason_required"
    return refused


def _timeline(timeline: Timeline, reasons: dict[str, str]) -> rpc.Timeline:
    return rpc.Timeline(
        delivery_id=timeline.delivery_id,
        organisation_id=timeline.organisation_id,
        organisation_code=timeline.organisation_code,
        furthest=furthest(each.code for each in timeline.entries),
        entries=[
            rpc.TimelineEntry(
                code=each.code,
                source=each.source,
                recorded_at=each.recorded_at,
                claimed_at=each.claimed_at,
                reason=reasons.get(each.reason_digest, ""),
            )
            for each in timeline.entries
        ],
    )


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def _is_moment(text: str) -> bool:
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
