"""The figures of the conference reports: documents sent and deliveries received, by day and level.

What they count: *sent*, documents accepted, at the sender's level on that day; *received*,
deliveries handed over, at the recipient's level on that day; days are Asia/Ho_Chi_Minh's. Status
packets are no documents and never count; business types other than "new" are counted apart.

Counters are a view like others (rule L27), fed by routing's events alone, which state level and
business type: one row for each day, level, type and partition, summed when read, so that a rebuild
gives the same bytes.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_eventsourcing.ports.read_store import Row, RowRange, Table
from docaxis_eventsourcing.topics import document_partition, organisation_partition
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto.routing_events_v1_pb2 import DeliveriesHandedOver, DocumentSubmitted
from docaxis_status.codec import COUNTED_EVENTS

BY_LEVEL, BY_ORGANISATION = "by_level", "by_organisation"
SENT, RECEIVED = "sent", "received"
NEW = "new"
_PAGE = 500
_LAST = "\uffff"


@dataclass(slots=True)
class Counts:
    """Documents sent and deliveries received."""

    sent: int = 0
    received: int = 0


@dataclass(slots=True)
class Figures:
    """Counts of one level (and organisation, where asked for), by business type."""

    level: int
    organisation_id: str = ""
    by_type: dict[str, Counts] = field(default_factory=dict)


class _Counting:
    """The view's projection, in an installation with a number of partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def project(self, rows: Rows, event: Any, envelope: Envelope) -> None:
        if isinstance(event, DocumentSubmitted):
            brief = event.brief
            at = document_partition(brief.document_id, self._partitions)
            sender, level = brief.sender_organisation_id, event.sender_level
            _count(rows, brief.accepted_at, sender, level, brief.business_type, at, SENT)
        elif isinstance(event, DeliveriesHandedOver):
            organisation_id = event.organisation_id
            at = organisation_partition(organisation_id, self._partitions)
            for each in event.deliveries:
                kind = each.business_type or NEW  # before it was stated there was no other
                level = each.recipient_level
                _count(rows, envelope.time, organisation_id, level, kind, at, RECEIVED)


def statistics_view(partitions: int) -> View:
    """The counters, from routing's events."""
    counters = (SENT, RECEIVED)
    return View(
        service="status",
        name="statistics",
        version=1,
        topic="docaxis.routing.events",
        codec=COUNTED_EVENTS,
        tables=(
            Table(BY_LEVEL, counters=counters),
            Table(BY_ORGANISATION, counters=counters),
        ),
        keys=_nothing,
        project=_Counting(partitions).project,
    )


async def by_level(reader: ViewReader, from_day: str, to_day: str) -> list[Figures]:
    """The whole axis's figures of the days from one to the other (full-dates), by level."""
    found: dict[str, Figures] = {}
    async for key, row in _between(reader, BY_LEVEL, "", from_day, to_day):
        _, level, kind, _ = key
        _add(found.setdefault(level, Figures(int(level))), kind, row)
    return [found[level] for level in sorted(found)]


async def by_organisation(
    reader: ViewReader, organisation_ids: Sequence[str], from_day: str, to_day: str
) -> list[Figures]:
    """The figures of some organisations, each at the levels that it had on those days."""
    figures: list[Figures] = []
    for organisation_id in sorted(set(organisation_ids)):
        found: dict[str, Figures] = {}
        start = f"{organisation_id}/"
        async for key, row in _between(reader, BY_ORGANISATION, start, from_day, to_day):
            _, _, level, kind, _ = key
            _add(found.setdefault(level, Figures(int(level), organisation_id)), kind, row)
        figures += (found[level] for level in sorted(found))
    return figures


async def _between(
    reader: ViewReader, table: str, start: str, from_day: str, to_day: str
) -> AsyncIterator[tuple[list[str], Row]]:
    after: tuple[str, ...] | None = None
    while True:
        rows = await reader.range(
            table,
            RowRange(
                "",
                at_least=f"{start}{from_day}",
                at_most=f"{start}{to_day}/{_LAST}",
                after=after,
                limit=_PAGE,
            ),
        )
        for row in rows:
            yield row.key.split("/"), row
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key,)


def _count(
    rows: Rows,
    at: int,
    organisation_id: str,
    level: int,
    business_type: str,
    partition: int,
    what: str,
) -> None:
    key = f"{day_in_vietnam(at)}/{level}/{business_type}/{partition}"
    rows.add(BY_LEVEL, key, what)
    rows.add(BY_ORGANISATION, f"{organisation_id}/{key}", what)


def _add(figures: Figures, business_type: str, row: Row) -> None:
    counts = figures.by_type.setdefault(business_type, Counts())
    counts.sent += row.counters.get(SENT, 0)
    counts.received += row.counters.get(RECEIVED, 0)


def _nothing(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    """Counters are added to unseen."""
    return ()
