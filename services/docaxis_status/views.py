"""The view of timelines: one row per delivery, fed by its recipient's partition (rule L27).

A document's timeline is made of the rows of many partitions, found over an index; a delivery's id
is computed from document and recipient, so the rows of given recipients are found by key.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, RowRange, Table
from docaxis_eventsourcing.receipt_ids import delivery_id as computed_delivery_id
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_status.codec import CODEC
from docaxis_status.domain.messages import DeliveryOpened, Status, StatusesReported, TimelinesOpened

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
        version=1,
        topic=TOPICS.events,
        codec=CODEC,
        tables=(table,),
        keys=_keys,
        project=_project,
    )


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    if isinstance(event, StatusesReported):
        return ((TIMELINES, each.delivery_id) for each in event.statuses)
    return ()


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    if isinstance(event, TimelinesOpened):
        for opened in event.deliveries:
            rows.put(TIMELINES, _row(_opened(opened)))
    elif isinstance(event, StatusesReported):
        for status in event.statuses:
            row = rows.get(TIMELINES, status.delivery_id)
            if row is None:
                raise LookupError(f"{status.delivery_id}: reported on before it was opened")
            before = _timeline(row)
            entries = (*before.entries, _entry(status, envelope.time))
            rows.put(TIMELINES, _row(replace(before, entries=entries)))


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


async def timelines_of(
    reader: ViewReader, partitions: int, document_id: str, for_organisation_ids: Sequence[str]
) -> list[Timeline]:
    """A document's timelines: all of them for its sender.

    A recipient sees its own alone; who is neither sees none. A document whose timelines are not
    there yet is looked for again behind the ends of all partitions, because its recipients may lie
    in any (L28).
    """
    anyone = await _page(reader, document_id, None, 1)
    if not anyone:
        await asyncio.gather(*(reader.pass_end(partition) for partition in range(partitions)))
        anyone = await _page(reader, document_id, None, 1)
    if not anyone:
        return []
    asking = set(for_organisation_ids)
    if _timeline(anyone[0]).sender_organisation_id in asking:
        return await _all(reader, document_id)
    own = await _by_key(reader, [computed_delivery_id(document_id, each) for each in asking])
    return sorted(own, key=lambda each: each.organisation_id)


async def _all(reader: ViewReader, document_id: str) -> list[Timeline]:
    found: list[Timeline] = []
    last: Row | None = None
    while True:
        page = await _page(reader, document_id, last, _PAGE)
        found += map(_timeline, page)
        if len(page) < _PAGE:
            return found
        last = page[-1]


async def _page(
    reader: ViewReader, document_id: str, last: Row | None, limit: int
) -> Sequence[Row]:
    after = (last.fields["organisation_id"], last.key) if last else None
    return await reader.range(
        TIMELINES, RowRange("document", (document_id,), after=after, limit=limit)
    )


async def _by_key(reader: ViewReader, delivery_ids: Sequence[str]) -> list[Timeline]:
    found: list[Timeline] = []
    for start in range(0, len(delivery_ids), _PAGE):
        rows = await reader.get_many(TIMELINES, delivery_ids[start : start + _PAGE])
        found += map(_timeline, rows.values())
    return found


def _opened(opened: DeliveryOpened) -> Timeline:
    return Timeline(
        delivery_id=opened.delivery_id,
        document_id=opened.document_id,
        organisation_id=opened.organisation_id,
        organisation_code=opened.code,
        sender_organisation_id=opened.sender_organisation_id,
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
