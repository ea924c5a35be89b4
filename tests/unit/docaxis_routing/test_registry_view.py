"""Routing's local view of the registry: codes within dates, locks and policies that stay."""

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Row
from docaxis_eventsourcing.view import Rows
from docaxis_proto.registry_events_v1_pb2 import (
    Alias,
    OrganisationEntry,
    OrganisationLocked,
    OrganisationsRegistered,
    SignaturePolicySet,
)
from docaxis_routing.registry_view import (
    CODES,
    ORGANISATIONS,
    REGISTRY_VIEW,
    CodeRow,
    OrganisationRow,
)

ENVELOPE = Envelope(id="e", type="t", source="s")


def projected(*events: object) -> Rows:
    rows = Rows()
    for event in events:
        list(REGISTRY_VIEW.keys(event, ENVELOPE))
        REGISTRY_VIEW.project(rows, event, ENVELOPE)
    return rows


def organisation(rows: Rows) -> OrganisationRow:
    row = rows.get(ORGANISATIONS, "o")
    assert isinstance(row, Row)
    return msgspec.msgpack.decode(row.blob, type=OrganisationRow)


def code(rows: Rows, name: str) -> CodeRow:
    row = rows.get(CODES, name)
    assert isinstance(row, Row)
    return msgspec.msgpack.decode(row.blob, type=CodeRow)


def registered(name: str, current: str, *aliases: Alias) -> OrganisationsRegistered:
    entry = OrganisationEntry(organisation_id="o", code=current, name=name, aliases=aliases)
    return OrganisationsRegistered(entries=[entry])


def test_an_alias_counts_within_its_dates_both_ends_included() -> None:
    alias = Alias(code="H99", valid_from="2019-03-12", valid_until="2025-06-30")
    old = code(projected(registered("Tỉnh mẫu", "H01", alias)), "H99")
    assert [
        old.valid_on(day) for day in ("2019-03-11", "2019-03-12", "2025-06-30", "2025-07-01")
    ] == [
        False,
        True,
        True,
        False,
    ]
    assert CodeRow("o").valid_on("1945-09-02")


def test_what_is_registered_again_keeps_its_lock_its_policies_and_its_old_code() -> None:
    rows = projected(
        registered("Tỉnh mẫu", "H01"),
        OrganisationLocked(organisation_id="o", locked=True),
        SignaturePolicySet(organisation_id="o", policy="required"),
        registered("Tỉnh mẫu mới", "H02"),
    )
    found = organisation(rows)
    assert (found.code, found.name) == ("H02", "Tỉnh mẫu mới")
    assert found.locked
    assert found.policies == {"": "required"}
    assert code(rows, "H01").organisation_id == code(rows, "H02").organisation_id == "o"
