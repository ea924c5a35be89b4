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
    CodeClaim,
    OrganisationRow,
    holder_on,
)

ENVELOPE = Envelope(id="e", type="t", source="s")


def projected(*events: object) -> Rows:
    rows, known = Rows(), set[tuple[str, str]]()
    for event in events:
        known.update(REGISTRY_VIEW.keys(event, ENVELOPE))
        REGISTRY_VIEW.project(rows, event, ENVELOPE)
    changed = {(table, row.key) for table, each in rows.changes().items() for row in each.puts}
    assert changed <= known, "a row was changed that the view did not ask for"
    return rows


def organisation(rows: Rows) -> OrganisationRow:
    row = rows.get(ORGANISATIONS, "o")
    assert isinstance(row, Row)
    return msgspec.msgpack.decode(row.blob, type=OrganisationRow)


def claims(rows: Rows, name: str) -> tuple[CodeClaim, ...]:
    row = rows.get(CODES, name)
    assert isinstance(row, Row)
    return msgspec.msgpack.decode(row.blob, type=tuple[CodeClaim, ...])


def code(rows: Rows, name: str) -> CodeClaim:
    (claim,) = claims(rows, name)
    return claim


def registered(name: str, current: str, *aliases: Alias, id: str = "o") -> OrganisationsRegistered:
    entry = OrganisationEntry(organisation_id=id, code=current, name=name, aliases=aliases)
    return OrganisationsRegistered(entries=[entry])


def test_levels_are_dated_and_the_newest_word_on_a_date_counts() -> None:
    entries = [
        OrganisationEntry(organisation_id="o", code="H01", level=level, level_since=since)
        for level, since in ((3, "2019-03-12"), (2, "2025-07-01"), (1, "2025-07-01"))
    ]
    found = organisation(projected(*(OrganisationsRegistered(entries=[each]) for each in entries)))
    assert [found.level_on(day) for day in ("2019-01-01", "2025-06-30", "2025-07-01")] == [3, 3, 1]
    assert OrganisationRow("o", "H01", "Tỉnh mẫu").level_on("2026-11-27") == 0


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
    assert CodeClaim("o").valid_on("1945-09-02")


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


def test_an_ended_alias_does_not_take_a_code_from_who_holds_it_now() -> None:
    """Registered later, but the code was its own only until 2020: letters go to today's holder."""
    rows = projected(
        registered("Nay", "H50", id="now"),
        registered("Xưa", "H51", Alias(code="H50", valid_until="2020-12-31"), id="then"),
    )
    assert holder_on(claims(rows, "H50"), "2026-11-22") == "now"
    assert holder_on(claims(rows, "H50"), "2019-01-01") == "then"
    again = projected(
        registered("Xưa", "H51", Alias(code="H50", valid_until="2020-12-31"), id="then"),
        registered("Nay", "H50", id="now"),
    )
    assert {holder_on(claims(again, "H50"), day) for day in ("2019-01-01", "2026-11-22")} == {
        "now",
        "then",
    }
