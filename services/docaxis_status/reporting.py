"""The front door of reports: what is sound goes to the log, each status has its own answer.

What can be refused without looking is refused here and never reaches the log, nor do the words of
a reason: they become a file of the document first (rule L32). A recipient's statuses lie on its own
partition; the sender's 13 lies on its recipient's, which the view of timelines tells.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, is_identifier, new_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_status.codec import CODEC
from docaxis_status.domain.deliveries import (
    RECIPIENT,
    RETURNED,
    SENDER,
    TAKE_BACK,
    refusal,
)
from docaxis_status.domain.messages import ReportAnswer, ReportStatuses, Status
from docaxis_status.telling import StatusTelling
from docaxis_status.views import deliveries_of, documents_of

MOST_REPORTS = 500
MOST_REASON_CHARACTERS = 2000
FIND_S = 2.0
"""How long 13s wait for deliveries that routing has made and status has not heard of yet."""
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


@dataclass(slots=True)
class _Asked:
    """One status on its way in: whose delivery it is about, and its result once there is one."""

    status: Status
    reason: str
    organisation_id: str
    result: str = ""


@dataclass(frozen=True, slots=True)
class ReportDoor:
    """Takes reports in, one replica's."""

    door: FrontDoor
    timelines: ViewReader
    files: FileStore
    partitions: int
    find_s: float = FIND_S

    async def report(self, request: rpc.ReportStatusesRequest) -> Sequence[str]:
        """Record statuses for one organisation; one result each, in their order.

        Raises `deadline_exceeded` where the report is durable but not decided within the wait: the
        same again (same idempotency key) is answered with the first's results.
        """
        _check(request)
        report_id = (
            derived_id("report", request.system_id, request.idempotency_key)
            if request.idempotency_key
            else new_id()
        )
        asked = [
            _Asked(
                _status(each, request.system_id, report_id), each.reason, request.organisation_id
            )
            for each in request.reports
        ]
        for each in asked:
            each.result = _refusal(each)
        telling = await StatusTelling.of(self.timelines, request)
        await self._find_take_backs(request.organisation_id, asked)
        await self._keep_reasons(request.organisation_id, asked)
        by_recipient: dict[tuple[str, str], list[_Asked]] = {}
        for each in asked:
            if not each.result:
                side = each.status.source
                by_recipient.setdefault((each.organisation_id, side), []).append(each)
        await asyncio.gather(
            *(
                self._ask(request, organisation_id, side, several, report_id)
                for (organisation_id, side), several in by_recipient.items()
            )
        )
        results = [each.result for each in asked]
        telling.recorded(results)
        return results

    async def _ask(
        self,
        request: rpc.ReportStatusesRequest,
        organisation_id: str,
        side: str,
        asked: Sequence[_Asked],
        report_id: str,
    ) -> None:
        command = ReportStatuses(
            organisation_id,
            request.system_id,
            tuple(each.status for each in asked),
            request.organisation_id if side == SENDER else "",
        )
        # What the door refused at the first attempt may be sound at the next: then it is another
        # command of the same report, and what was recorded is told apart by the report's id.
        command_id = derived_id("report", report_id, CODEC.encode(command)[1])
        outcome = await self.door.ask_decided(
            command,
            command_id=command_id,
            partition=organisation_partition(organisation_id, self.partitions),
            actor=request.system_id,
        )
        answer = answer_of(outcome, CODEC)
        if not isinstance(answer, ReportAnswer):
            raise TypeError(f"a report was answered with {type(answer).__name__}")
        for each, told in zip(asked, answer.results, strict=True):
            each.result = told.result

    async def _find_take_backs(self, organisation_id: str, asked: Sequence[_Asked]) -> None:
        """Whose delivery each 13 is about: it is the sender's to say, on its recipient's side.

        One that is not found is refused, not held: its sender has the id from the axis, and its
        reason has no document to lie under.
        """

        sought = [each for each in asked if each.status.code == TAKE_BACK and not each.result]
        if not sought:
            return
        ids = [each.status.delivery_id for each in sought]
        known = await deliveries_of(self.timelines, ids, self.find_s)
        for each in sought:
            found = known.get(each.status.delivery_id)
            if found is not None and found.sender_organisation_id == organisation_id:
                each.organisation_id = found.organisation_id
                each.status = replace(each.status, source=SENDER, document_id=found.document_id)
            elif found is not None and found.organisation_id == organisation_id:
                each.result = "status_wrong_side"
            else:
                each.result = "unknown_delivery"

    async def _keep_reasons(self, organisation_id: str, asked: Sequence[_Asked]) -> None:
        """Put the reasons of sound statuses under their documents, and their digests in place."""
        given = [each for each in asked if each.reason.strip() and not each.result]
        known = await self._documents(organisation_id, given)
        files: dict[tuple[str, str], bytes] = {}
        for each in given:
            status = each.status
            document_id = status.document_id or known.get(status.delivery_id, "")
            if not document_id:
                each.result = "unknown_delivery"
                continue
            words = each.reason.encode()
            digest = sha256(words).hexdigest()
            each.status = replace(status, reason_digest=digest)
            files[document_id, digest] = words
        await asyncio.gather(
            *(
                self.files.put(document_id, digest, words)
                for (document_id, digest), words in files.items()
            )
        )

    async def _documents(self, organisation_id: str, given: Sequence[_Asked]) -> Mapping[str, str]:
        """Documents of an organisation's own deliveries, where the report does not name them."""
        sought = [each.status.delivery_id for each in given if not each.status.document_id]
        if not sought:
            return {}
        partition = organisation_partition(organisation_id, self.partitions)
        return await documents_of(self.timelines, organisation_id, partition, sought)


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


def _refusal(asked: _Asked) -> str:
    """Why a status cannot hold, whatever is known; empty: it may. Unsound ids name nothing."""
    status = asked.status
    ids = (status.delivery_id, status.document_id or status.delivery_id)
    if not all(map(is_identifier, ids)):
        return "unknown_delivery"
    if status.code == TAKE_BACK:
        refused = ""  # whose it is to say is known when its delivery is found
    else:
        refused = refusal(asked.organisation_id, status)
    if not refused and status.code in (RETURNED, TAKE_BACK) and not asked.reason.strip():
        return "reason_required"
    return refused


def _is_moment(text: str) -> bool:
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
