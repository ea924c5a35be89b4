"""The views of verdicts (by document) and receipts (by id, by document, by organisation in order).

Rows are fed by one partition, the document's (rule L27). Receipts of an organisation lie on all
partitions and no single writer orders them, so a page is resumed from a place in each partition;
`receipts_after` says why it never skips.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, RowRange, Table
from docaxis_eventsourcing.receipt_ids import delivery_id as computed_delivery_id
from docaxis_eventsourcing.topics import ServiceTopics, document_partition
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_signature import codec
from docaxis_signature.domain import DocumentVerified, FileVerdict, ReceiptsSealed

TOPICS = ServiceTopics("signature")
VERDICTS, RECEIPTS, LATEST = "verdicts", "receipts", "latest"
_KEYS_AT_ONCE = 500
_BEHIND_ANY_KEY = "~"
_FEWEST_ROWS = 8

Place = tuple[int, int]
"""Within a partition: the version of an event, and the number of the receipt in it."""
START: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A document's verdict. `verified_at` is Unix ms."""

    document_id: str
    status: str
    code: str
    files: tuple[FileVerdict, ...]
    verified_at: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A sealed receipt and its place. `sealed_at` is Unix ms."""

    receipt_id: str
    kind: str
    document_id: str
    delivery_id: str
    organisation_id: str
    jws: str
    sealed_at: int
    partition: int
    version: int
    item: int

    @property
    def place(self) -> Place:
        """Where it stands in its partition."""
        return (self.version, self.item)

    def visible_to(self, organisation_ids: Sequence[str]) -> bool:
        """Whether one of these is whom it is for, or took the delivery."""
        if self.organisation_id in organisation_ids:
            return True
        return bool(self.delivery_id) and any(
            computed_delivery_id(self.document_id, each) == self.delivery_id
            for each in organisation_ids
        )


def verdicts_view() -> View:
    """Verdicts by document."""

    def project(rows: Rows, event: Any, envelope: Envelope) -> None:
        if isinstance(event, DocumentVerified):
            row = VerdictRow(
                event.document_id, event.status, event.code, event.files, envelope.time
            )
            rows.put(VERDICTS, Row(event.document_id, msgspec.msgpack.encode(row)))

    return View(
        service=TOPICS.service,
        name="verdicts",
        version=1,
        topic=TOPICS.events,
        codec=codec.VERDICTS,
        tables=(Table(VERDICTS),),
        keys=lambda event, envelope: (),
        project=project,
    )


def receipts_view(partitions: int) -> View:
    """Receipts, and the place of each organisation's latest in each partition."""

    def project(rows: Rows, event: Any, envelope: Envelope) -> None:
        if not isinstance(event, ReceiptsSealed):
            return
        partition = document_partition(event.document_id, partitions)
        for item, each in enumerate(event.receipts):
            row = ReceiptRow(
                receipt_id=each.receipt_id,
                kind=each.kind,
                document_id=each.document_id,
                delivery_id=each.delivery_id,
                organisation_id=each.organisation_id,
                jws=each.jws,
                sealed_at=envelope.time,
                partition=partition,
                version=envelope.sequence,
                item=item,
            )
            rows.put(RECEIPTS, _receipt_row(row))
            latest = msgspec.msgpack.encode(row.place)
            rows.put(LATEST, Row(_latest_key(partition, each.organisation_id), latest))

    return View(
        service=TOPICS.service,
        name="receipts",
        version=1,
        topic=TOPICS.events,
        codec=codec.RECEIPTS,
        tables=(_RECEIPTS_TABLE, Table(LATEST)),
        keys=lambda event, envelope: (),
        project=project,
    )


async def verdict_of(reader: ViewReader, document_id: str) -> VerdictRow | None:
    """A document's verdict as far as the view has come."""
    row = await reader.get(VERDICTS, document_id)
    return msgspec.msgpack.decode(row.blob, type=VerdictRow) if row else None


async def receipt_of(
    reader: ViewReader, receipt_id: str, organisation_ids: Sequence[str]
) -> ReceiptRow | None:
    """A receipt that these may see, as far as the view has come."""
    row = await reader.get(RECEIPTS, receipt_id)
    receipt = _receipt(row) if row else None
    return receipt if receipt and receipt.visible_to(organisation_ids) else None


async def receipts_of_document(
    reader: ViewReader,
    document_id: str,
    organisation_ids: Sequence[str],
    after: Place,
    limit: int,
) -> tuple[list[ReceiptRow], Place]:
    """A document's receipts that these may see, in the order of its partition, and where to go on.

    All of them lie on one partition, whose owner numbered them: nothing can come in between.
    """
    found: list[ReceiptRow] = []
    while True:
        page = await _range(reader, "document", (document_id,), after, limit)
        for receipt in page:
            after = receipt.place
            if receipt.visible_to(organisation_ids):
                found.append(receipt)
                if len(found) == limit:
                    return found, after
        if len(page) < limit:
            return found, after


async def receipts_after(
    reader: ViewReader,
    partitions: int,
    organisation_ids: Sequence[str],
    after: Mapping[int, Place],
    limit: int,
) -> tuple[list[ReceiptRow], dict[int, Place]]:
    """The next receipts for these organisations, and the place reached in each partition.

    Nothing is skipped. Within a partition receipts have the order that its one owner gave them
    (version, then place in the event), and the view shows events in that order and whole (L24).
    The latest places are read first: whatever stands up to the highest of them was applied by
    then, so every later read of this call sees it, and rows beyond are left for the next page.
    Of each partition the page takes a run without holes: where some organisation's rows were cut
    at its share of the limit, no row behind that cut is taken. Between partitions there is no
    order; the page shows older receipts first as far as it has read.
    """
    latest = await _latest(reader, partitions, organisation_ids)
    upto: dict[int, int] = {}
    news: list[tuple[int, str]] = []
    for (partition, organisation_id), place in latest.items():
        upto[partition] = max(upto.get(partition, 0), place[0])
        if place > after.get(partition, START):
            news.append((partition, organisation_id))
    share = max(-(-limit // len(news)), _FEWEST_ROWS) if news else 0
    cut: dict[int, Place] = {}
    found: list[ReceiptRow] = []
    for partition, organisation_id in news:
        start = after.get(partition, START)
        rows = await _range(
            reader, "feed", (organisation_id, partition), start, share, upto[partition]
        )
        found += rows
        if len(rows) == share:
            cut[partition] = min(cut.get(partition, rows[-1].place), rows[-1].place)
    taken = sorted(
        (row for row in found if row.partition not in cut or row.place <= cut[row.partition]),
        key=lambda row: (row.sealed_at, row.partition, row.place),
    )[:limit]
    return taken, {**after, **{row.partition: row.place for row in taken}}


async def _latest(
    reader: ViewReader, partitions: int, organisation_ids: Sequence[str]
) -> dict[tuple[int, str], Place]:
    pairs = {
        _latest_key(partition, organisation_id): (partition, organisation_id)
        for partition in range(partitions)
        for organisation_id in dict.fromkeys(organisation_ids)
    }
    keys = list(pairs)
    found: dict[tuple[int, str], Place] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        rows = await reader.get_many(LATEST, keys[start : start + _KEYS_AT_ONCE])
        for key, row in rows.items():
            found[pairs[key]] = msgspec.msgpack.decode(row.blob, type=Place)
    return found


async def _range(
    reader: ViewReader,
    index: str,
    equals: tuple[str | int, ...],
    after: Place,
    limit: int,
    upto_version: int | None = None,
) -> list[ReceiptRow]:
    behind = (*after, _BEHIND_ANY_KEY) if after != START else None
    rows = RowRange(index, equals, after=behind, at_most=upto_version, limit=limit)
    return [_receipt(row) for row in await reader.range(RECEIPTS, rows)]


_RECEIPTS_TABLE = Table(
    RECEIPTS,
    fields={
        "organisation_id": IndexType.TEXT,
        "document_id": IndexType.TEXT,
        "partition": IndexType.INT,
        "version": IndexType.INT,
        "item": IndexType.INT,
    },
    indexes=(
        Index("feed", ("organisation_id", "partition", "version", "item")),
        Index("document", ("document_id", "version", "item")),
    ),
)


def _receipt_row(receipt: ReceiptRow) -> Row:
    fields = {name: getattr(receipt, name) for name in _RECEIPTS_TABLE.fields}
    return Row(receipt.receipt_id, msgspec.msgpack.encode(receipt), fields)


def _receipt(row: Row) -> ReceiptRow:
    return msgspec.msgpack.decode(row.blob, type=ReceiptRow)


def _latest_key(partition: int, organisation_id: str) -> str:
    return f"{partition}/{organisation_id}"
