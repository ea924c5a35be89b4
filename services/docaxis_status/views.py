"""The view of timelines: one row per delivery, fed by its recipient's partition (rule L27).

A document's timeline is made of the rows of many partitions, found over an index; a delivery's id
is computed from document and recipient, so the rows of given recipients are found by key. Beside
them: how completely recipients report (`feedback`), and the statuses that fit no delivery so far
(`unmatched`), each in rows of the reporting organisation's partition.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.moments import day_in_vietnam, milliseconds
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, RowRange, Table
from docaxis_eventsourcing.receipt_ids import delivery_id as computed_delivery_id
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_status.codec import CODEC
from docaxis_status.domain.deliveries import AXIS, RECIPIENT
from docaxis_status.domain.messages import (
    DeliveryOpened,
    Status,
    StatusesHeld,
    StatusesReported,
    TimelinesOpened,
)
from docaxis_status.feedback import FEEDBACK, FEEDBACK_TABLE, class_of, feedback_key
from docaxis_status.unmatched import (
    UNMATCHED,
    UNMATCHED_TABLE,
    project_held,
    project_matched,
    unmatched_key,
)

TOPICS = ServiceTopics("status")
TIMELINES = "timelines"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One status as recorded. `recorded_at` is the axis's log time, Unix ms."""

    code: str
    source: str
    recorded_at: int
    claimed_at: str
    reason_digest: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A delivery with all its statuses, in the order in which they were recorded."""

    delivery_id: str
    document_id: str
    organisation_id: str
    organisation_code: str
    sender_organisation_id: str
    entries: tuple[Entry, ...] = ()
    handed_over_in: str = ""
    """The month of the hand-over in Viet Nam; empty before it."""
    level: int = 0
    """The recipient's at the hand-over."""
    traceparent: str = ""
    """Of the trace in which the document was submitted; empty where there was none."""


def timelines_view() -> View:
    """Timelines, from status's own events."""
    table = Table(
        TIMELINES,
        fields={"document_id": IndexType.TEXT, "organisation_id": IndexType.TEXT},
        indexes=(Index("document", ("document_id", "organisation_id")),),
    )
    return View(
        service=TOPICS.service,
        name="timelines",
        version=3,
        topic=TOPICS.events,
        codec=CODEC,
        tables=(table, FEEDBACK_TABLE, UNMATCHED_TABLE),
        keys=_keys,
        project=_project,
    )


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    match event:
        case StatusesReported():
            return ((TIMELINES, each.delivery_id) for each in event.statuses)
        case StatusesHeld():
            return (
                (UNMATCHED, unmatched_key(event.organisation_id, each.delivery_id))
                for each in event.statuses
            )
        case TimelinesOpened():
            return (
                (UNMATCHED, unmatched_key(each.organisation_id, each.delivery_id))
                for each in event.deliveries
            )
    return ()


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    match event:
        case TimelinesOpened():
            for opened in event.deliveries:
                rows.put(TIMELINES, _row(_opened(opened, envelope.traceparent)))
                project_matched(rows, opened.organisation_id, opened.delivery_id)
        case StatusesReported():
            for status in event.statuses:
                _project_status(rows, status, envelope.time)
        case StatusesHeld():
            for status in event.statuses:
                project_held(rows, event.organisation_id, status, envelope.time)


def _project_status(rows: Rows, status: Status, recorded_at: int) -> None:
    row = rows.get(TIMELINES, status.delivery_id)
    if row is None:
        raise LookupError(f"{status.delivery_id}: reported on before it was opened")
    before = _timeline(row)
    after = replace(before, entries=(*before.entries, _entry(status, recorded_at)))
    if status.source == AXIS and not after.handed_over_in:
        month = day_in_vietnam(milliseconds(status.claimed_at))[: len("2026-11")]
        after = replace(after, handed_over_in=month, level=status.recipient_level)
    _count_feedback(rows, before, after)
    rows.put(TIMELINES, _row(after))


def _count_feedback(rows: Rows, before: Timeline, after: Timeline) -> None:
    """A delivery counts from its hand-over on, in the class that it has reached."""
    if not after.handed_over_in:
        return
    key = feedback_key(after.handed_over_in, after.organisation_id, after.level)
    was = _class(before) if before.handed_over_in else None
    now = _class(after)
    if was == now:
        return
    if was is not None:
        rows.add(FEEDBACK, key, was, -1)
    rows.add(FEEDBACK, key, now)


def _class(timeline: Timeline) -> str:
    return class_of(each.code for each in timeline.entries if each.source == RECIPIENT)


async def documents_of(
    reader: ViewReader, organisation_id: str, partition: int, delivery_ids: Sequence[str]
) -> dict[str, str]:
    """The documents of an organisation's own deliveries, by delivery; what is unknown is missing.

    `partition` is the organisation's. Looks again behind the log's end before it misses one (L28).
    """
    found = await _by_key(reader, delivery_ids)
    if len(found) < len(set(delivery_ids)):
        await reader.pass_end(partition)
        found = await _by_key(reader, delivery_ids)
    return {
        each.delivery_id: each.document_id
        for each in found
        if each.organisation_id == organisation_id
    }


async def timelines_now(reader: ViewReader, delivery_ids: Sequence[str]) -> list[Timeline]:
    """The deliveries that the view has at this moment, whoever's."""
    return await _by_key(reader, delivery_ids)


async def deliveries_of(
    reader: ViewReader, delivery_ids: Sequence[str], wait_s: float
) -> dict[str, Timeline]:
    """Any deliveries by their ids, whoever's; waits once for those that are on their way here."""
    sought = list(dict.fromkeys(delivery_ids))
    found = await reader.read_until(
        wait_s, lambda: _by_key(reader, sought), lambda rows: len(rows) == len(sought)
    )
    return {each.delivery_id: each for each in found}


async def timelines_of(
    reader: ViewReader,
    partitions: int,
    document_id: str,
    for_organisation_ids: Sequence[str],
    limit: int,
    after: str = "",
) -> list[Timeline]:
    """A page of a document's timelines, by organisation id, behind the organisation `after`.

    Its sender sees all, a recipient its own alone; who is neither sees none. A document whose
    timelines are not there yet is looked for again behind the ends of all partitions, because its
    recipients may lie in any (L28).
    """
    anyone = await _page(reader, document_id, "", 1)
    if not anyone:
        await asyncio.gather(*(reader.pass_end(partition) for partition in range(partitions)))
        anyone = await _page(reader, document_id, "", 1)
    if not anyone:
        return []
    asking = set(for_organisation_ids)
    if anyone[0].sender_organisation_id in asking:
        return await _page(reader, document_id, after, limit)
    own = await _by_key(
        reader, [computed_delivery_id(document_id, each) for each in asking if each > after]
    )
    return sorted(own, key=lambda each: each.organisation_id)[:limit]


async def timelines_by_id(
    reader: ViewReader,
    partitions: int,
    document_id: str,
    for_organisation_ids: Sequence[str],
    delivery_ids: Sequence[str],
) -> list[Timeline]:
    """Given timelines of a document, as `timelines_of` shows them."""
    found = await _by_key(reader, delivery_ids)
    if not found:
        await asyncio.gather(*(reader.pass_end(partition) for partition in range(partitions)))
        found = await _by_key(reader, delivery_ids)
    asking = set(for_organisation_ids)
    return [
        each
        for each in found
        if each.document_id == document_id
        and not asking.isdisjoint((each.sender_organisation_id, each.organisation_id))
    ]


async def _page(reader: ViewReader, document_id: str, after: str, limit: int) -> list[Timeline]:
    behind = (after, computed_delivery_id(document_id, after)) if after else None
    rows = await reader.range(
        TIMELINES, RowRange("document", (document_id,), after=behind, limit=limit)
    )
    return list(map(_timeline, rows))


async def _by_key(reader: ViewReader, delivery_ids: Sequence[str]) -> list[Timeline]:
    found: list[Timeline] = []
    for start in range(0, len(delivery_ids), _PAGE):
        rows = await reader.get_many(TIMELINES, delivery_ids[start : start + _PAGE])
        found += map(_timeline, rows.values())
    return found


def _opened(opened: DeliveryOpened, traceparent: str) -> Timeline:
    return Timeline(
        delivery_id=opened.delivery_id,
        document_id=opened.document_id,
        organisation_id=opened.organisation_id,
        organisation_code=opened.code,
        sender_organisation_id=opened.sender_organisation_id,
        traceparent=traceparent,
    )


def _entry(status: Status, recorded_at: int) -> Entry:
    return Entry(status.code, status.source, recorded_at, status.claimed_at, status.reason_digest)


def _row(timeline: Timeline) -> Row:
    return Row(
        timeline.delivery_id,
        msgspec.msgpack.encode(timeline),
        {"document_id": timeline.document_id, "organisation_id": timeline.organisation_id},
    )


def _timeline(row: Row) -> Timeline:
    return msgspec.msgpack.decode(row.blob, type=Timeline)
