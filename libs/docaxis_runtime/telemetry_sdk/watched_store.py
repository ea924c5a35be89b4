"""The store, watched: each step that a view writes is a span in the traces that it is made of."""

from collections.abc import Mapping, Sequence
from time import time, time_ns

from opentelemetry.trace import SpanKind

from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, ReadStore, Row, RowRange, Table
from docaxis_runtime.telemetry_sdk.span_budget import SpanBudget
from docaxis_runtime.telemetry_sdk.spans import OpenSpan, is_sampled
from docaxis_runtime.telemetry_sdk.watched_log import Group, Taken, taken

_MOST_SPANS = 2
"""Of one trace and one view."""
_FRESH_MS = 60_000
"""A rebuild reads events of long ago: their traces are not written on."""


class WatchedStore:
    """A `ReadStore` that records what views write."""

    def __init__(self, store: ReadStore) -> None:
        self._inner = store
        self._budgets: dict[str, SpanBudget] = {}

    async def declare(self, space: str, tables: Sequence[Table]) -> None:
        """As the store does."""
        await self._inner.declare(space, tables)

    async def checkpoint(self, space: str, partition: int) -> Position | None:
        """As the store does."""
        return await self._inner.checkpoint(space, partition)

    async def apply(
        self,
        space: str,
        partition: int,
        start: Position | None,
        end: Position,
        changes: Mapping[str, Changes],
    ) -> None:
        """As the store does."""
        at = taken()
        if not changes or at is None or at.consumer.group.name != f"view.{space}":
            await self._inner.apply(space, partition, start, end, changes)
            return
        began = time_ns()
        error = ""
        try:
            await self._inner.apply(space, partition, start, end, changes)
        except BaseException as fault:
            error = repr(fault)
            raise
        finally:
            for span in self._spans(at, space, partition, began, changes):
                span.end(error)

    async def get(self, space: str, table: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """As the store does."""
        return await self._inner.get(space, table, keys)

    async def range(self, space: str, table: str, rows: RowRange) -> Sequence[Row]:
        """As the store does."""
        return await self._inner.range(space, table, rows)

    async def spaces(self) -> Sequence[str]:
        """As the store does."""
        return await self._inner.spaces()

    async def drop(self, space: str) -> None:
        """As the store does."""
        await self._inner.drop(space)

    async def close(self) -> None:
        """As the store does."""
        await self._inner.close()

    def _spans(
        self,
        at: Taken,
        space: str,
        partition: int,
        began: int,
        changes: Mapping[str, Changes],
    ) -> list[OpenSpan]:
        budget = self._budgets.setdefault(space, SpanBudget(_MOST_SPANS))
        oldest = time() * 1000 - _FRESH_MS
        found: dict[str, OpenSpan | None] = {}
        for record in at.batch.records:
            traceparent = record.envelope.traceparent
            if record.partition != partition or not is_sampled(traceparent):
                continue
            trace_id = traceparent[3:35]
            if trace_id in found or record.time < oldest:
                continue
            found[trace_id] = None
            if budget.takes(trace_id):
                found[trace_id] = self._span(at.consumer.group, at, traceparent, began, changes)
        return [span for span in found.values() if span is not None]

    def _span(
        self,
        group: Group,
        at: Taken,
        traceparent: str,
        began: int,
        changes: Mapping[str, Changes],
    ) -> OpenSpan:
        span = at.consumer.spans.begin(group.verb, traceparent, SpanKind.CONSUMER, started=began)
        rows = sum(len(each.puts) + len(each.removals) for each in changes.values())
        span.attributes["messaging.consumer.group.name"] = group.name
        span.attributes["docaxis.rows"] = rows
        return span
