"""Rules 33-41: people's accounts and roles."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_registry.domain.account_messages import (
    AccountErased,
    AccountLocked,
    AccountPersonChanged,
    AccountRegistered,
    EndRole,
    EraseAccount,
    GrantRole,
    LockAccount,
    NotePersonChanged,
    RegisterAccount,
    RoleEnded,
    RoleGranted,
)
from docaxis_registry.domain.accounts import MOST_PERIODS, ROLES, AccountState, RolePeriod
from docaxis_registry.domain.messages import MergeOrganisations
from docaxis_registry.domain.organisations import first_id
from tests.unit.docaxis_registry.samples import NOW, Registry, entry

A, B, C = first_id("A"), first_id("B"), first_id("C")
YESTERDAY, TODAY, TOMORROW = "2026-11-21", "2026-11-22", "2026-11-23"
DAY_MS = 86_400_000


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.results(entry("A"), entry("B"), entry("C"))
    registry.do(RegisterAccount("a", A, "l"))
    registry.events.clear()
    return registry


def refusal(decision: Any) -> tuple[str, str]:
    assert isinstance(decision, Refused), decision
    return decision.code, decision.pointer


def account(registry: Registry, id: str = "a") -> AccountState:
    state = registry.state(f"account/{id}")
    assert isinstance(state, AccountState)
    return state


def periods(registry: Registry, role: str = "clerk") -> list[tuple[str, str]]:
    return [(e.valid_from, e.valid_until) for e in account(registry).roles if e.role == role]


def test_rule_33_an_account_belongs_to_an_organisation_that_is_there(registry: Registry) -> None:
    assert registry.do(RegisterAccount("b", B, "m")) == Decided((AccountRegistered("b", B, "m"),))
    nowhere = registry.do(RegisterAccount("c", "nowhere", "n"))
    assert refusal(nowhere) == ("unknown_organisation", "/organisation")
    registry.do(MergeOrganisations((B,), C))
    merged = registry.do(RegisterAccount("c", B, "n"))
    assert refusal(merged) == ("organisation_merged", "/organisation")
    assert account(registry, "b").organisation_id == B


def test_rule_34_a_login_is_one_accounts_for_ever(registry: Registry) -> None:
    assert refusal(registry.do(RegisterAccount("b", A, "l"))) == ("login_taken", "/login")
    registry.do(EraseAccount("a"))
    assert refusal(registry.do(RegisterAccount("b", A, "l"))) == ("login_taken", "/login")
    assert isinstance(registry.do(RegisterAccount("b", A, "another")), Decided)


def test_rule_35_the_same_account_again_changes_nothing_and_another_is_refused(
    registry: Registry,
) -> None:
    assert isinstance(registry.do(RegisterAccount("a", A, "l")), AlreadyDecided)
    for other in (RegisterAccount("a", B, "l"), RegisterAccount("a", A, "m")):
        assert refusal(registry.do(other)) == ("login_taken", "/login")
    assert registry.events == []
    assert account(registry).organisation_id == A


@pytest.mark.parametrize("role", ROLES)
def test_rule_36_each_role_is_held_for_an_organisation(registry: Registry, role: str) -> None:
    granted = registry.do(GrantRole("a", role, B))
    assert granted == Decided((RoleGranted("a", role, B, TODAY, ""),))


def test_rule_36_other_words_and_organisations_are_refused(registry: Registry) -> None:
    for word in ("", "Clerk", "chief"):
        assert refusal(registry.do(GrantRole("a", word, A))) == ("field_invalid", "/role")
    for role in ROLES:
        everywhere = registry.do(GrantRole("a", role, ""))
        if role == "auditor":
            assert everywhere == Decided((RoleGranted("a", "auditor", "", TODAY, ""),))
        else:
            assert refusal(everywhere) == ("field_required", "/organisation")
    nowhere = registry.do(GrantRole("a", "clerk", "nowhere"))
    assert refusal(nowhere) == ("unknown_organisation", "/organisation")
    registry.do(MergeOrganisations((B,), C))
    assert refusal(registry.do(GrantRole("a", "clerk", B))) == (
        "organisation_merged",
        "/organisation",
    )


def test_rule_37_dates_are_inclusive_and_the_first_is_today_where_none_is_told(
    registry: Registry,
) -> None:
    registry.do(GrantRole("a", "clerk", A, valid_until=TODAY))
    (period,) = account(registry).roles
    assert [period.holds_on(day) for day in (YESTERDAY, TODAY, TOMORROW)] == [False, True, False]
    for wrong in ("2026-2-1", "2026-02-30", "today"):
        told = registry.do(GrantRole("a", "leader", A, valid_from=wrong))
        assert refusal(told) == ("field_invalid", "/valid_from")
        told = registry.do(GrantRole("a", "leader", A, valid_until=wrong))
        assert refusal(told) == ("field_invalid", "/valid_until")
    backwards = registry.do(GrantRole("a", "leader", A, TOMORROW, TODAY))
    assert refusal(backwards) == ("field_invalid", "/valid_until")
    assert refusal(registry.do(GrantRole("a", "leader", A, "", YESTERDAY))) == (
        "field_invalid",
        "/valid_until",
    )


def test_rule_38_periods_of_one_role_for_one_organisation_never_overlap(
    registry: Registry,
) -> None:
    registry.do(GrantRole("a", "clerk", A, "2026-01-01", "2026-12-31"))
    for begins, ends in (
        ("2025-01-01", "2026-01-01"),
        ("2026-12-31", ""),
        ("2026-06-01", "2026-06-30"),
        ("2025-01-01", ""),
    ):
        overlapping = registry.do(GrantRole("a", "clerk", A, begins, ends))
        assert refusal(overlapping) == ("role_held", "/valid_from")
    for role, organisation in (("clerk", B), ("leader", A)):
        assert isinstance(registry.do(GrantRole("a", role, organisation, TODAY)), Decided)
    assert isinstance(registry.do(GrantRole("a", "clerk", A, "2027-01-01")), Decided)
    assert isinstance(registry.do(GrantRole("a", "clerk", A, "2020-01-01", "2025-12-31")), Decided)


def test_rule_38_telling_one_again_changes_nothing_also_on_a_later_day(registry: Registry) -> None:
    registry.do(GrantRole("a", "clerk", A))
    again = registry.do(GrantRole("a", "clerk", A, TODAY))
    assert isinstance(again, AlreadyDecided)
    assert isinstance(registry.do(GrantRole("a", "clerk", A), NOW + 5 * DAY_MS), AlreadyDecided)
    assert len(registry.events) == 1
    shorter = registry.do(GrantRole("a", "clerk", A, valid_until="2026-12-31"))
    assert refusal(shorter) == ("role_held", "/valid_from")


def test_rule_38_an_account_has_a_bounded_number_of_periods(registry: Registry) -> None:
    for year in range(1900, 1900 + MOST_PERIODS):
        told = GrantRole("a", "clerk", A, f"{year}-01-01", f"{year}-12-31")
        assert isinstance(registry.do(told), Decided)
    assert refusal(registry.do(GrantRole("a", "clerk", A))) == ("too_many_items", "/role")


def test_rule_39_ending_sets_the_last_day_and_what_comes_later_never_begins(
    registry: Registry,
) -> None:
    for begins, ends in (
        ("2020-01-01", "2020-12-31"),
        ("2026-01-01", ""),
    ):
        registry.do(GrantRole("a", "clerk", A, begins, ends))
    registry.do(GrantRole("a", "clerk", B))
    ended = registry.do(EndRole("a", "clerk", A, "2026-12-31"))
    assert ended == Decided((RoleEnded("a", "clerk", A, "2026-12-31"),))
    registry.do(GrantRole("a", "clerk", A, "2028-01-01"))
    registry.do(EndRole("a", "clerk", A))
    mine = [each for each in account(registry).roles if each.organisation_id == A]
    assert mine == [
        RolePeriod("clerk", A, "2020-01-01", "2020-12-31"),
        RolePeriod("clerk", A, "2026-01-01", YESTERDAY),
    ]
    assert RolePeriod("clerk", B, TODAY) in account(registry).roles
    assert isinstance(registry.do(EndRole("a", "clerk", A)), AlreadyDecided)


def test_rule_39_a_role_of_today_that_is_ended_at_once_never_began(registry: Registry) -> None:
    registry.do(GrantRole("a", "clerk", A))
    registry.do(EndRole("a", "clerk", A))
    assert periods(registry) == []
    assert refusal(registry.do(EndRole("a", "clerk", A))) == ("role_not_held", "/role")
    assert refusal(registry.do(EndRole("a", "leader", A))) == ("role_not_held", "/role")
    registry.do(GrantRole("a", "clerk", A))
    assert refusal(registry.do(EndRole("a", "clerk", A, "soon"))) == (
        "field_invalid",
        "/valid_until",
    )


_DAYS = st.dates().map(lambda day: day.isoformat())
_ACTS = st.one_of(
    st.builds(lambda begins, ends: GrantRole("a", "clerk", A, begins, ends), _DAYS, _DAYS),
    st.builds(lambda begins: GrantRole("a", "clerk", A, begins), _DAYS),
    st.builds(lambda last: EndRole("a", "clerk", A, last), _DAYS),
)


@given(st.lists(_ACTS, max_size=12), _DAYS)
def test_rules_37_to_39_on_no_day_two_periods_hold_and_after_an_end_none(
    acts: list[Any], day: str
) -> None:
    registry = Registry()
    registry.results(entry("A"))
    registry.do(RegisterAccount("a", A, "l"))
    for act in acts:
        decision = registry.do(act)
        if isinstance(act, EndRole) and isinstance(decision, Decided | AlreadyDecided):
            last = act.valid_until
            assert all(ends and ends <= last for _, ends in periods(registry))
        assert sum(each.holds_on(day) for each in account(registry).roles) <= 1
        assert all(not ends or begins <= ends for begins, ends in periods(registry))


def test_rule_40_a_locked_accounts_roles_do_not_count(registry: Registry) -> None:
    registry.do(GrantRole("a", "clerk", A))
    (period,) = account(registry).roles
    assert account(registry).in_force(period, TODAY)
    assert not account(registry).in_force(period, YESTERDAY)
    assert registry.do(LockAccount("a", True)) == Decided((AccountLocked("a", True),))
    assert isinstance(registry.do(LockAccount("a", True)), AlreadyDecided)
    assert (account(registry).state, account(registry).in_force(period, TODAY)) == ("locked", False)
    registry.do(LockAccount("a", False))
    assert isinstance(registry.do(LockAccount("a", False)), AlreadyDecided)
    assert account(registry).in_force(period, TODAY)


def test_rule_41_an_erased_account_stays_erased(registry: Registry) -> None:
    registry.do(GrantRole("a", "clerk", A))
    (period,) = account(registry).roles
    registry.do(LockAccount("a", True))
    assert registry.do(EraseAccount("a")) == Decided((AccountErased("a", "l"),))
    assert isinstance(registry.do(EraseAccount("a")), AlreadyDecided)
    assert (account(registry).state, account(registry).in_force(period, TODAY)) == ("erased", False)
    for act in (
        NotePersonChanged("a"),
        LockAccount("a", False),
        GrantRole("a", "leader", A),
        EndRole("a", "clerk", A),
    ):
        assert refusal(registry.do(act)) == ("account_erased", "/account_id")
    assert isinstance(registry.do(RegisterAccount("a", A, "l")), AlreadyDecided)
    assert account(registry).erased


def test_nothing_is_done_to_an_account_that_nobody_has(registry: Registry) -> None:
    for act in (
        NotePersonChanged("x"),
        LockAccount("x", True),
        GrantRole("x", "leader", A),
        EndRole("x", "clerk", A),
        EraseAccount("x"),
    ):
        assert refusal(registry.do(act)) == ("account_unknown", "/account_id")
    assert registry.do(NotePersonChanged("a")) == Decided((AccountPersonChanged("a"),))
