"""Rules 21-32: dated levels, mergers, onboarding, credentials within dates, recipient groups."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_registry.domain.levels import DatedLevel, level_on, with_level
from docaxis_registry.domain.messages import (
    AddCredential,
    MergeOrganisations,
    NoteSystemsSeen,
    OnboardSystem,
    OrganisationsMerged,
    OrganisationsRegistered,
    RegisterSystem,
    RemoveRecipientGroup,
    RevokeCredential,
    SetRecipientGroup,
    SetSecurityLevel,
    SystemsSeen,
)
from docaxis_registry.domain.organisations import first_id
from tests.unit.docaxis_registry.samples import NOW, PUBLIC_JWK, Registry, entry

A, B, C = first_id("A"), first_id("B"), first_id("C")
TODAY = "2026-11-22"
HOUR = 3_600_000


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.results(entry("A"), entry("B"), entry("C"))
    registry.events.clear()
    return registry


def refusal(decision: Any) -> tuple[str, str]:
    assert isinstance(decision, Refused), decision
    return decision.code, decision.pointer


def levels(registry: Registry, id: str = A) -> list[tuple[str, int]]:
    return [(each.since, each.level) for each in registry.state(f"organisation/{id}").levels]


def test_rule_21_all_levels_are_kept_and_the_one_on_a_day_is_the_latest(registry: Registry) -> None:
    assert registry.results(entry("A", level=2, level_since="2025-07-01")) == ["registered"]
    assert registry.results(entry("A", level=3, level_since="2020-01-01")) == ["registered"]
    assert levels(registry) == [("", 1), ("2020-01-01", 3), ("2025-07-01", 2)]
    held = registry.state(f"organisation/{A}").levels
    days = {"2019-12-31": 1, "2020-01-01": 3, "2025-06-30": 3, "2025-07-01": 2, "2030-01-01": 2}
    assert {day: getattr(level_on(held, day), "level", 0) for day in days} == days
    assert level_on((DatedLevel(2, "2025-07-01"),), "2025-06-30") is None


def test_rule_21_another_level_without_a_date_begins_today_and_the_event_says_so(
    registry: Registry,
) -> None:
    assert registry.results(entry("A", level=4)) == ["registered"]
    (event,) = registry.events
    assert isinstance(event, OrganisationsRegistered)
    assert [(each.level, each.level_since) for each in event.entries] == [(4, TODAY)]
    assert levels(registry) == [("", 1), (TODAY, 4)]


def test_rule_21_the_same_level_without_a_date_is_nothing_new(registry: Registry) -> None:
    registry.results(entry("A", level=2, level_since="2025-07-01"))
    assert registry.results(entry("A", level=2)) == ["unchanged"]
    later = registry.results(entry("A", "Tên mới", level=2), now=NOW + 48 * HOUR)
    assert later == ["registered"]
    assert levels(registry) == [("", 1), ("2025-07-01", 2)]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.sampled_from(["", "2019-01-01", "2020-01-01", "2021-01-01"])
        )
    )
)
def test_rule_21_one_level_a_date_in_their_order(told: list[tuple[int, str]]) -> None:
    held: tuple[DatedLevel, ...] = ()
    for level, since in told:
        held = with_level(held, level, since)
    dates = [each.since for each in held]
    assert dates == sorted(set(dates))
    assert {each.since: each.level for each in held} == {since: level for level, since in told}


def test_rule_22_organisations_are_merged_from_a_day_on(registry: Registry) -> None:
    decision = registry.do(MergeOrganisations((A, B), C, "2026-07-01"))
    assert decision == Decided((OrganisationsMerged((A, B), C, "2026-07-01"),))
    state = registry.state(f"organisation/{A}")
    assert (state.successor_on("2026-06-30"), state.successor_on("2026-07-01")) == ("", C)
    assert registry.do(MergeOrganisations((A,), C, "2026-07-01")) == AlreadyDecided()


def test_rule_22_without_a_date_it_is_today(registry: Registry) -> None:
    registry.do(MergeOrganisations((A,), C))
    assert registry.state(f"organisation/{A}").merged_on == TODAY


def test_rule_22_successors_never_run_in_a_circle(registry: Registry) -> None:
    registry.do(MergeOrganisations((A,), B))
    assert refusal(registry.do(MergeOrganisations((B,), A))) == (
        "organisation_merged",
        "/into_organisation_id",
    )
    assert refusal(registry.do(MergeOrganisations((A,), C))) == (
        "organisation_merged",
        "/organisation_ids/0",
    )
    assert refusal(registry.do(MergeOrganisations((C, C), C)))[0] == "field_invalid"
    assert isinstance(registry.do(MergeOrganisations((B,), C)), Decided)


@pytest.mark.parametrize(
    ("command", "code", "pointer"),
    [
        (MergeOrganisations((A, "x"), C), "unknown_organisation", "/organisation_ids/1"),
        (MergeOrganisations((A,), "x"), "unknown_organisation", "/into_organisation_id"),
        (MergeOrganisations((), C), "field_invalid", "/organisation_ids"),
        (MergeOrganisations((A,), C, "1/7/2025"), "field_invalid", "/merged_on"),
    ],
)
def test_rule_22_what_does_not_hold_says_where(
    registry: Registry, command: MergeOrganisations, code: str, pointer: str
) -> None:
    assert refusal(registry.do(command)) == (code, pointer)
    assert not registry.events


def test_rule_23_a_merged_organisation_keeps_its_codes_and_is_not_changed(
    registry: Registry,
) -> None:
    registry.do(MergeOrganisations((A,), C))
    assert registry.results(entry("A"), entry("A", "Tên mới")) == [
        "unchanged",
        "organisation_merged",
    ]
    assert registry.results(entry("A", organisation_id=B)) == ["code_taken"]


def system(registry: Registry, *served: str) -> Registry:
    registry.do(RegisterSystem("s", "QLVB", "direct", served))
    return registry


def onboard(registry: Registry, *states: str) -> list[Any]:
    return [registry.do(OnboardSystem("s", each)) for each in states]


def test_rule_24_a_system_is_tested_before_it_is_connected(registry: Registry) -> None:
    system(registry, A).do(AddCredential("s", "k", PUBLIC_JWK))
    assert registry.state("system/s").onboarding == "registered"
    (early,) = onboard(registry, "connected")
    assert refusal(early) == ("onboarding_step_invalid", "/state")
    decisions = onboard(registry, "testing", "testing", "connected", "testing", "connected")
    assert [type(each) for each in decisions] == [
        Decided,
        AlreadyDecided,
        Decided,
        Decided,
        Decided,
    ]
    (unknown,) = onboard(registry, "retired")
    assert refusal(unknown) == ("onboarding_step_invalid", "/state")
    assert refusal(registry.do(OnboardSystem("t", "testing"))) == ("system_unknown", "/system_id")


def test_rule_25_a_step_needs_a_credential_and_an_organisation(registry: Registry) -> None:
    system(registry)
    assert refusal(onboard(registry, "testing")[0]) == ("onboarding_incomplete", "/state")
    registry.do(AddCredential("s", "k", PUBLIC_JWK))
    tested, connected = onboard(registry, "testing", "connected")
    assert isinstance(tested, Decided)
    assert refusal(connected) == ("onboarding_incomplete", "/state")


def test_rule_26_a_suspended_system_goes_back_to_where_it_was_and_no_further(
    registry: Registry,
) -> None:
    system(registry, A).do(AddCredential("s", "k", PUBLIC_JWK))
    suspended, skipped, back = onboard(registry, "suspended", "connected", "registered")
    assert isinstance(suspended, Decided)
    assert refusal(skipped)[0] == "onboarding_step_invalid"
    assert isinstance(back, Decided)
    onboard(registry, "testing", "connected", "suspended")
    assert isinstance(onboard(registry, "connected")[0], Decided)


def test_rule_27_credentials_overlap_and_their_dates_may_change(registry: Registry) -> None:
    system(registry, A).do(AddCredential("s", "old", PUBLIC_JWK))
    registry.do(AddCredential("s", "new", PUBLIC_JWK, not_before=NOW + HOUR))
    ends = AddCredential("s", "old", PUBLIC_JWK, not_after=NOW + 2 * HOUR)
    assert isinstance(registry.do(ends), Decided)
    assert registry.do(ends) == AlreadyDecided()
    assert registry.state("system/s").validity == {
        "old": (0, NOW + 2 * HOUR),
        "new": (NOW + HOUR, 0),
    }
    registry.do(RevokeCredential("s", "old"))
    assert refusal(registry.do(ends))[0] == "credential_revoked"


@pytest.mark.parametrize(
    ("not_before", "not_after"), [(0, NOW), (NOW + HOUR, NOW + HOUR), (-1, 0), (0, -1)]
)
def test_rule_27_the_end_is_to_come_and_after_the_beginning(
    registry: Registry, not_before: int, not_after: int
) -> None:
    system(registry, A)
    command = AddCredential("s", "k", PUBLIC_JWK, not_before=not_before, not_after=not_after)
    assert refusal(registry.do(command)) == ("field_invalid", "/not_after")


def test_rule_28_a_security_level_has_its_date(registry: Registry) -> None:
    system(registry)
    assert isinstance(registry.do(SetSecurityLevel("s", 3, "2026-01-31")), Decided)
    assert registry.do(SetSecurityLevel("s", 3, "2026-01-31")) == AlreadyDecided()
    state = registry.state("system/s")
    assert (state.security_level, state.security_level_since) == (3, "2026-01-31")
    assert refusal(registry.do(SetSecurityLevel("s", 6, "2026-01-31")))[1] == "/level"
    for since in ("", "31/01/2026"):
        assert refusal(registry.do(SetSecurityLevel("s", 3, since)))[1] == "/since"


def test_rule_29_a_system_is_recorded_once_an_hour(registry: Registry) -> None:
    system(registry)
    seen = NoteSystemsSeen(("s", "s", "nobody"))
    assert registry.do(seen) == Decided((SystemsSeen(("s",), NOW),))
    assert registry.do(seen, NOW + HOUR - 1) == AlreadyDecided()
    assert registry.do(seen, NOW + HOUR) == Decided((SystemsSeen(("s",), NOW + HOUR),))
    many = NoteSystemsSeen(tuple(str(each) for each in range(501)))
    assert refusal(registry.do(many))[0] == "too_many_items"


def group(*members: str, name: str = "Các sở", owner: str = A, id: str = "g") -> SetRecipientGroup:
    return SetRecipientGroup(id, owner, name, members)


def test_rule_30_a_group_has_a_name_and_members(registry: Registry) -> None:
    assert isinstance(registry.do(group(B, C)), Decided)
    assert registry.do(group(B, C)) == AlreadyDecided()
    assert isinstance(registry.do(group(C)), Decided)
    assert refusal(registry.do(group(name="", id="h"))) == ("field_invalid", "/name")
    assert refusal(registry.do(group(id="h"))) == ("field_invalid", "/members")
    assert refusal(registry.do(group(B, B, id="h"))) == ("field_invalid", "/members")
    assert refusal(registry.do(group(B, "x", id="h"))) == ("unknown_organisation", "/members/1")
    assert refusal(registry.do(group(B, owner="x", id="h"))) == ("unknown_organisation", "/owner")
    many = tuple(str(each) for each in range(501))
    assert refusal(registry.do(group(*many, id="h"))) == ("too_many_items", "/members")


def test_rule_31_a_group_never_changes_its_owner(registry: Registry) -> None:
    registry.do(group(B))
    assert refusal(registry.do(group(C, owner=B)))[0] == "recipient_group_unknown"


def test_rule_32_a_removed_group_never_comes_back(registry: Registry) -> None:
    assert refusal(registry.do(RemoveRecipientGroup("g")))[0] == "recipient_group_unknown"
    registry.do(group(B))
    assert isinstance(registry.do(RemoveRecipientGroup("g")), Decided)
    assert registry.do(RemoveRecipientGroup("g")) == AlreadyDecided()
    assert refusal(registry.do(group(B)))[0] == "recipient_group_unknown"
