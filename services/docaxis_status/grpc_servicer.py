"""Reports, timelines and figures: protobuf <-> commands and queries."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import structlog

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_proto import status_v1_pb2_grpc
from docaxis_status import feedback, statistics
from docaxis_status.domain.deliveries import furthest
from docaxis_status.periods import check_by, check_days, check_months
from docaxis_status.reporting import ReportDoor
from docaxis_status.unmatched import unmatched_of
from docaxis_status.views import Timeline, timelines_by_id, timelines_of

MOST_DELIVERIES = 500
_READERS = 16
_Key = Annotated[str, msgspec.Meta(max_length=200)]

_log = structlog.get_logger(__name__)


class StatusServicer(status_v1_pb2_grpc.StatusServiceServicer):
    """The status service's methods; they raise `DocaxisError`."""

    def __init__(
        self,
        reports: ReportDoor,
        timelines: ViewReader,
        figures: ViewReader,
        files: FileStore,
        partitions: int,
        epoch: int,
    ) -> None:
        self._reports = reports
        self._timelines = timelines
        self._figures = figures
        self._files = files
        self._partitions = partitions
        self._epoch = epoch

    async def ReportStatuses(
        self, request: rpc.ReportStatusesRequest, context: Any
    ) -> rpc.ReportStatusesReply:
        """Record statuses of one organisation's deliveries; each has a result of its own."""
        results = await self._reports.report(request)
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
        """One timeline per recipient: all for the sender, its own for a recipient; in pages.

        Raises `limit_invalid`, `cursor_invalid`.
        """
        limit = page_limit(request.limit)
        after = decode_cursor(request.cursor, self._epoch, _Key, "")
        if len(request.delivery_ids) > MOST_DELIVERIES:
            params = {"field": "delivery_ids", "limit": str(MOST_DELIVERIES)}
            raise DocaxisError("too_many_items", params)
        asking = request.for_organisation_ids
        at = (self._timelines, self._partitions, request.document_id, asking)
        reply = rpc.GetTimelineReply()
        if request.delivery_ids:
            found = await timelines_by_id(*at, request.delivery_ids)
        else:
            found = await timelines_of(*at, limit, after)
            if len(found) == limit:
                reply.next = encode_cursor(self._epoch, found[-1].organisation_id)
        reasons = await self._read_reasons(request.document_id, found)
        reply.timelines.extend(_timeline(each, reasons) for each in found)
        return reply

    async def ListUnmatched(
        self, request: rpc.ListUnmatchedRequest, context: Any
    ) -> rpc.ListUnmatchedReply:
        """What some organisations reported that fits no delivery so far, in pages."""
        limit = page_limit(request.limit)
        after = decode_cursor(request.cursor, self._epoch, _Key, "")
        asking = request.for_organisation_ids
        found, last = await unmatched_of(self._timelines, asking, after, limit)
        return rpc.ListUnmatchedReply(
            statuses=[
                rpc.UnmatchedStatus(
                    organisation_id=each.organisation_id,
                    delivery_id=each.delivery_id,
                    document_id=each.document_id,
                    code=each.code,
                    held_since=each.held_since,
                    claimed_at=each.claimed_at,
                    system_id=each.system_id,
                )
                for each in found
            ],
            next=encode_cursor(self._epoch, last) if last else "",
        )

    async def GetStatistics(
        self, request: rpc.GetStatisticsRequest, context: Any
    ) -> rpc.GetStatisticsReply:
        """Documents sent and deliveries received, of all that was decided when it was asked.

        Raises `limit_invalid`, and `read_stale` where the counters lag behind the log.
        """
        check_by(request.by)
        check_days(request.from_day, request.to_day)
        await self._pass_ends(self._figures)
        period = (request.from_day, request.to_day)
        found = (
            await statistics.by_level(self._figures, *period)
            if request.by == "level"
            else await statistics.by_organisation(
                self._figures, request.for_organisation_ids, *period
            )
        )
        return rpc.GetStatisticsReply(figures=map(_figures, found))

    async def GetFeedback(
        self, request: rpc.GetFeedbackRequest, context: Any
    ) -> rpc.GetFeedbackReply:
        """How completely recipients report. Raises as `GetStatistics`."""
        check_by(request.by)
        check_months(request.from_month, request.to_month)
        await self._pass_ends(self._timelines)
        period = (request.from_month, request.to_month)
        found = (
            await feedback.by_level(self._timelines, *period)
            if request.by == "level"
            else await feedback.by_organisation(
                self._timelines, request.for_organisation_ids, *period
            )
        )
        return rpc.GetFeedbackReply(feedback=map(_feedback, found))

    async def _pass_ends(self, reader: ViewReader) -> None:
        await asyncio.gather(*(reader.pass_end(each) for each in range(self._partitions)))

    async def _read_reasons(
        self, document_id: str, timelines: Sequence[Timeline]
    ) -> Mapping[str, str]:
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


def _timeline(timeline: Timeline, reasons: Mapping[str, str]) -> rpc.Timeline:
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


def _figures(figures: statistics.Figures) -> rpc.Figures:
    counted = dict(sorted(figures.by_type.items()))
    new = counted.pop(statistics.NEW, statistics.Counts())
    return rpc.Figures(
        level=figures.level,
        organisation_id=figures.organisation_id,
        sent=new.sent,
        received=new.received,
        apart=[
            rpc.Counted(business_type=kind, sent=each.sent, received=each.received)
            for kind, each in counted.items()
        ],
    )


def _feedback(found: feedback.Feedback) -> rpc.Feedback:
    return rpc.Feedback(
        level=found.level,
        organisation_id=found.organisation_id,
        units=rpc.Feedback.Classes(**found.units),
        deliveries=rpc.Feedback.Classes(**found.deliveries),
    )


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])
