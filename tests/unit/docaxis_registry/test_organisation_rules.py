import pytest

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_registry.domain.messages import (
    Alias,
    LockOrganisation,
    OrganisationLocked,
    RegisterOrganisations,
    SetSignaturePolicy,
    SignaturePolicySet,
)
from docaxis_registry.domain.organisations import MOST_ALIASES, first_id
from tests.unit.docaxis_registry.samples import NOW, Registry, entry

HOLDS = ["registered"]


@pytest.mark.parametrize("code", ["H29", "H29.12.34", "A" * 35, "0"])
def test_rule_1_a_code_is_groups_of_capitals_and_digits(code: str) -> None:
    assert Registry().results(entry(code)) == HOLDS


@pytest.mark.parametrize("code", ["", "h29", "H29.", ".H29", "H29..1", "H 29", "Đ1", "A" * 36])
def test_rule_1_what_is_no_code_is_refused(code: str) -> None:
    assert Registry().results(entry(code)) == ["field_invalid"]
    assert Registry().results(entry("H29", aliases=[(code,)])) == ["field_invalid"]


def test_rule_1_the_qcvn_form_is_an_alias_and_never_the_code() -> None:
    assert Registry().results(entry("000.00.00.H29")) == ["field_invalid"]
    assert Registry().results(entry("H29", aliases=[("000.00.00.H29",)])) == HOLDS


@pytest.mark.parametrize(
    "wrong",
    [
        entry("H29", ""),
        entry("H29", " UBND"),
        entry("H29", "a" * 201),
        entry("H29", level=0),
        entry("H29", level=5),
        entry("H29", kind="k" * 51),
        entry("H29", level_since="2025-7-1"),
        entry("H29", level_since="20250701"),
        entry("H29", aliases=[("H30", "2025-02-30", "")]),
        entry("H29", aliases=[("H30", "2025-07-01", "2025-06-30")]),
        entry("H29", aliases=[("H29",)]),
        entry("H29", aliases=[("H30",), ("H30", "2025-07-01")]),
        entry("H29", aliases=[(f"A{number}",) for number in range(MOST_ALIASES + 1)]),
    ],
)
def test_rule_2_fields_have_bounds(wrong: object) -> None:
    registry = Registry()
    assert registry.do(RegisterOrganisations((wrong,))).answer.entries[0].result == "field_invalid"  # type: ignore[arg-type,union-attr]
    assert registry.events == []


def test_rule_3_a_new_organisations_id_is_computed_from_its_first_code() -> None:
    registry = Registry()
    assert registry.results(entry("H29", organisation_id="chosen")) == ["field_invalid"]
    assert registry.results(entry("H29")) == HOLDS
    assert registry.state(f"organisation/{first_id('H29')}").code == "H29"


def test_rule_3_the_id_stays_when_the_code_changes() -> None:
    registry = Registry()
    registry.results(entry("H57", "UBND tỉnh Thừa Thiên Huế"))
    renewed = entry("H64", "UBND thành phố Huế", organisation_id=first_id("H57"))
    assert registry.results(renewed) == HOLDS
    state = registry.state(f"organisation/{first_id('H57')}")
    assert (state.code, state.name) == ("H64", "UBND thành phố Huế")


def test_rule_4_a_code_belongs_to_one_organisation() -> None:
    registry = Registry()
    registry.results(entry("H29", aliases=[("H06",)]), entry("H57"))
    moved = entry("H29", organisation_id=first_id("H57"))
    assert registry.results(moved) == ["code_taken"]
    assert registry.results(entry("H06")) == ["code_taken"]


def test_rule_4_a_code_is_free_again_when_anothers_alias_has_ended() -> None:
    registry = Registry()
    registry.results(entry("H29", aliases=[("H06", "", "2026-11-22")]))
    assert registry.results(entry("H06")) == ["code_taken"], "its last day is today"
    assert registry.results(entry("H06"), now=NOW + 86_400_000) == HOLDS
    holder = registry.state("code/H06").holder
    assert holder("2026-11-22") == first_id("H29")
    assert holder("2026-11-23") == first_id("H06")


def test_rule_5_aliases_of_different_organisations_never_overlap() -> None:
    registry = Registry()
    registry.results(entry("H29", aliases=[("X1", "2020-01-01", "2022-12-31")]), entry("H57"))
    for span in (("", ""), ("2022-12-31", ""), ("", "2020-01-01"), ("2021-01-01", "2021-01-02")):
        assert registry.results(entry("H57", aliases=[("X1", *span)])) == ["alias_taken"]
    assert registry.results(entry("H57", aliases=[("X1", "2023-01-01", "")])) == HOLDS


def test_rule_5_an_alias_that_is_anothers_code_has_ended() -> None:
    registry = Registry()
    registry.results(entry("H29"))
    assert registry.results(entry("H57", aliases=[("H29",)])) == ["alias_taken"]
    assert registry.results(entry("H57", aliases=[("H29", "", "2020-12-31")])) == HOLDS


def test_rule_6_the_parent_is_known_or_came_earlier_in_the_same_command() -> None:
    registry = Registry()
    child, parent = entry("H29.1", parent_code="H29"), entry("H29")
    assert registry.results(child, parent) == ["parent_unknown", "registered"]
    assert Registry().results(parent, child) == ["registered", "registered"]
    assert registry.results(child) == HOLDS


def test_rule_6_an_organisation_is_not_its_own_parent() -> None:
    registry = Registry()
    registry.results(entry("H29"))
    assert registry.results(entry("H29", parent_code="H29")) == ["parent_unknown"]


def test_rule_6_an_alias_names_the_parent_while_it_is_valid() -> None:
    registry = Registry()
    registry.results(entry("H29", aliases=[("H06", "", "2026-11-22")]))
    assert registry.results(entry("H29.2", parent_code="H06")) == HOLDS
    late = NOW + 86_400_000
    assert registry.results(entry("H29.3", parent_code="H06"), now=late) == ["parent_unknown"]


def test_rule_7_one_entry_that_does_not_hold_keeps_none_of_the_others_back() -> None:
    registry = Registry()
    entries = (entry("H29"), entry("h30"), entry("H29.1", parent_code="H30"), entry("H31"))
    assert registry.results(*entries) == [
        "registered",
        "field_invalid",
        "parent_unknown",
        "registered",
    ]
    assert [[each.code for each in event.entries] for event in registry.events] == [["H29", "H31"]]


def test_rule_7_the_second_of_two_with_one_code_loses() -> None:
    registry = Registry()
    registry.results(entry("H57"))
    second = entry("H29", organisation_id=first_id("H57"))
    assert registry.results(entry("H29"), second) == ["registered", "code_taken"]


def test_rule_8_an_entry_that_tells_nothing_new_makes_no_event() -> None:
    registry = Registry()
    told = entry("H29", aliases=[("H06",)])
    registry.results(told)
    assert isinstance(registry.do(RegisterOrganisations((told,))), AlreadyDecided)
    assert registry.results(told, entry("H29")) == ["unchanged", "unchanged"]
    assert len(registry.events) == 1


def test_rule_9_a_code_that_is_left_stays_an_alias() -> None:
    registry = Registry()
    registry.results(entry("H57"))
    registry.results(entry("H64", organisation_id=first_id("H57")))
    assert registry.state(f"organisation/{first_id('H57')}").aliases == (Alias("H57"),)
    assert registry.state("code/H57").holder("2026-11-22") == first_id("H57")


def test_rule_9_an_old_import_file_undoes_no_change() -> None:
    registry = Registry()
    registry.results(entry("H57"))
    registry.results(entry("H64", organisation_id=first_id("H57")))
    assert registry.results(entry("H57")) == ["code_taken"]


def test_rule_9_an_alias_that_was_told_beforehand_may_become_the_code() -> None:
    registry = Registry()
    registry.results(entry("H57", aliases=[("H64", "2027-01-01", "")]))
    renewed = entry("H64", organisation_id=first_id("H57"))
    assert registry.results(renewed) == HOLDS
    assert registry.state(f"organisation/{first_id('H57')}").aliases == (Alias("H57"),)


def test_rule_9_aliases_that_an_entry_does_not_name_stay_and_may_be_ended() -> None:
    registry = Registry()
    registry.results(entry("H29", aliases=[("H06",), ("H09",)]))
    registry.results(entry("H29", "Anders", aliases=[("H09", "", "2026-12-31")]))
    state = registry.state(f"organisation/{first_id('H29')}")
    assert state.aliases == (Alias("H06"), Alias("H09", "", "2026-12-31"))


def test_rule_10_locking_is_told_once() -> None:
    registry = Registry()
    id = first_id("H29")
    assert registry.do(LockOrganisation(id, True)) == Refused(
        "unknown_organisation", {"organisation": id}, "/organisation_id"
    )
    registry.results(entry("H29"))
    assert registry.do(LockOrganisation(id, False)) == AlreadyDecided()
    assert registry.do(LockOrganisation(id, True)) == Decided((OrganisationLocked(id, True),))
    assert registry.do(LockOrganisation(id, True)) == AlreadyDecided()
    registry.results(entry("H29", "Anders"))
    assert registry.state(f"organisation/{id}").locked, "a change of name unlocks nobody"


def test_rule_11_a_policy_is_advisory_or_required() -> None:
    registry = Registry()
    id = first_id("H29")
    registry.results(entry("H29"))
    assert registry.do(SetSignaturePolicy(id, "", "never")) == Refused(
        "policy_unknown", pointer="/policy"
    )
    required = SetSignaturePolicy(id, "", "required")
    assert registry.do(required) == Decided((SignaturePolicySet(id, "", "required"),))
    assert registry.do(required) == AlreadyDecided()
    registry.do(SetSignaturePolicy(id, "Công văn", "advisory"))
    assert registry.state(f"organisation/{id}").policies == {
        "": "required",
        "Công văn": "advisory",
    }
    long = registry.do(SetSignaturePolicy(id, "a" * 101, "advisory"))
    assert isinstance(long, Refused)
    assert long.code == "field_too_long"
