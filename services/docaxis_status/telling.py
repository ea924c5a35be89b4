"""What telemetry is told of reported statuses; nothing is read for it where it is off."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_runtime import telemetry
from docaxis_status.domain.deliveries import AXIS, RECIPIENT
from docaxis_status.views import Timeline, timelines_now


@dataclass(frozen=True, slots=True)
class StatusTelling:
    """The deliveries of one report as they stood before it."""

    timelines: dict[str, Timeline]
    delivery_ids: tuple[str, ...]

    @classmethod
    async def of(cls, reader: ViewReader, request: rpc.ReportStatusesRequest) -> "StatusTelling":
        """Look the deliveries up, and link the call to the traces of their documents."""
        if not telemetry.is_on():
            return cls({}, ())
        ids = tuple(each.delivery_id for each in request.reports)
        found = await timelines_now(reader, list(dict.fromkeys(ids)))
        for each in found:
            telemetry.link_to(each.traceparent)
        return cls({each.delivery_id: each for each in found}, ids)

    def recorded(self, results: Sequence[str]) -> None:
        """Measure how long each recipient took to its first status, in seconds."""
        now = time.time() * 1000
        first = {
            delivery_id
            for delivery_id, result in zip(self.delivery_ids, results, strict=False)
            if result == "recorded"
        }
        for delivery_id in first:
            timeline = self.timelines.get(delivery_id)
            if timeline is None or any(each.source == RECIPIENT for each in timeline.entries):
                continue
            handed_over = [e.recorded_at for e in timeline.entries if e.source == AXIS]
            if handed_over:
                seconds = max(now - handed_over[0], 0.0) / 1000
                telemetry.took(telemetry.Duration.STATUS, seconds)
