"""The cursor over receipts: pages over any growth of the log hold everything, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.read_store import Row, RowRange
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_eventsourcing.topics import document_partition
from docaxis_eventsourcing.view import Rows
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_signature.domain import (
    DocumentVerified,
    FileVerdict,
    ReceiptsSealed,
    SealedReceipt,
)
from docaxis_signature.views import (
    LATEST,
    RECEIPTS,
    VERDICTS,
    Place,
    ReceiptRow,
    receipts_after,
    receipts_view,
    verdicts_view,
)

PARTITIONS = 3
ORGANISATIONS = ("a", "b", "c")
DOCUMENTS = {
    document_partition(each, PARTITIONS): each
    for each in (derived_id("document", number) for number in range(50))
}


@dataclass
class FakeRows:
    """The rows of the view as a reader sees them; grows as the log does, also between reads."""

    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    number: int = 0
    to_come: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """Events that are projected one by one, each just before a read."""

    def seal(self, partition: int, organisations: Sequence[str]) -> None:
        version = self.versions[partition] = self.versions.get(partition, 0) + 1
        receipts = []
        for organisation in organisations:
            self.number += 1
            receipts.append(
                SealedReceipt(
                    f"{self.number:08x}", "accepted", DOCUMENTS[partition], "", organisation, "jws"
                )
            )
        event = ReceiptsSealed(DOCUMENTS[partition], tuple(receipts))
        envelope = Envelope(id="e", type="t", source="s", time=self.number, sequence=version)
        rows = Rows()
        receipts_view(PARTITIONS).project(rows, event, envelope)
        for table, changes in rows.changes().items():
            self.tables.setdefault(table, {}).update({row.key: row for row in changes.puts})

    def _grow(self) -> None:
        if self.to_come:
            self.seal(*self.to_come.pop(0))

    async def get_many(self, table: str, keys: Sequence[str]) -> Mapping[str, Row]:
        self._grow()
        found = self.tables.get(table, {})
        return {key: found[key] for key in keys if key in found}

    async def range(self, table: str, rows: RowRange) -> Sequence[Row]:
        self._grow()
        names = {"feed": ("organisation_id", "partition", "version", "item")}[rows.index]
        behind = names[len(rows.equals) :]

        def order(row: Row) -> tuple[object, ...]:
            return (*(row.fields[name] for name in behind), row.key)

        found = [
            row
            for row in self.tables.get(table, {}).values()
            if tuple(row.fields[name] for name in names[: len(rows.equals)]) == rows.equals
            and (rows.after is None or order(row) > rows.after)
            and (
                rows.at_most is None or cast(int, row.fields[behind[0]]) <= cast(int, rows.at_most)
            )
        ]
        return sorted(found, key=order)[: rows.limit]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, PARTITIONS - 1),
        st.lists(st.sampled_from(ORGANISATIONS), min_size=1, max_size=12).map(tuple),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(EVENTS, EVENTS, st.integers(1, 20), st.sets(st.sampled_from(ORGANISATIONS), min_size=1))
async def test_L3_pages_hold_everything_once_while_the_log_grows_between_reads(
    before: list[tuple[int, tuple[str, ...]]],
    during: list[tuple[int, tuple[str, ...]]],
    limit: int,
    organisations: set[str],
) -> None:
    view = FakeRows()
    for event in before:
        view.seal(*event)
    view.to_come = list(during)
    got: list[ReceiptRow] = []
    places: dict[int, Place] = {}
    while True:
        growing = bool(view.to_come)
        page, places = await receipts_after(
            cast(ViewReader, view), PARTITIONS, sorted(organisations), places, limit
        )
        assert len(page) <= limit
        got += page
        if not page and not growing:
            break
    expected = {
        key
        for key, row in view.tables.get(RECEIPTS, {}).items()
        if row.fields["organisation_id"] in organisations
    }
    assert {each.receipt_id for each in got} == expected
    assert len(got) == len(expected)
    for partition in range(PARTITIONS):
        order = [each.place for each in got if each.partition == partition]
        assert order == sorted(order)


def test_rows_of_a_verdict_and_of_receipts() -> None:
    document_id = DOCUMENTS[0]
    rows = Rows()
    envelope = Envelope(id="e", type="t", source="s", time=7, sequence=3)
    files = (FileVerdict("a" * 64, "valid", "signature_valid"),)
    verdicts_view().project(
        rows, DocumentVerified(document_id, "valid", "signature_valid", files), envelope
    )
    receipt = SealedReceipt("r", "accepted", document_id, "", "a", "jws")
    receipts_view(PARTITIONS).project(rows, ReceiptsSealed(document_id, (receipt,)), envelope)
    changes = rows.changes()
    assert [row.key for row in changes[VERDICTS].puts] == [document_id]
    assert [row.key for row in changes[LATEST].puts] == ["0/a"]
    (row,) = changes[RECEIPTS].puts
    assert row.fields == {
        "organisation_id": "a",
        "document_id": document_id,
        "partition": 0,
        "version": 3,
        "item": 0,
    }


@pytest.mark.parametrize(
    ("asking", "sees"), [((), False), (("sender",), True), (("r", "x"), True), (("x",), False)]
)
def test_a_hand_over_receipt_is_for_its_sender_and_for_who_took_it(
    asking: tuple[str, ...], sees: bool
) -> None:
    delivery = delivery_id("document", "r")
    row = ReceiptRow("id", "handed_over", "document", delivery, "sender", "jws", 1, 0, 1, 0)
    assert row.visible_to(asking) is sees
