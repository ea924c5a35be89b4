from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_registry.domain.codes import is_date
from docaxis_registry.domain.messages import OrganisationEntry
from docaxis_registry.domain.organisations import first_id
from tests.unit.docaxis_registry.samples import NOW, Registry, entry

CODES = ("A", "B", "C", "A.1")
DAYS = ("", "2026-11-21", "2026-11-22", "2026-11-23", "2027-01-01")

entries = st.builds(
    lambda code, id_of, aliases: entry(code, organisation_id=first_id(id_of), aliases=aliases),
    st.sampled_from(CODES),
    st.sampled_from(CODES),
    st.lists(
        st.tuples(st.sampled_from(CODES), st.sampled_from(DAYS), st.sampled_from(DAYS)),
        max_size=2,
        unique_by=lambda alias: alias[0],
    ),
)


@given(st.lists(st.lists(entries, max_size=4), max_size=8))
def test_no_code_means_two_organisations_on_one_day(
    commands: list[list[OrganisationEntry]],
) -> None:
    registry = Registry()
    for day, command in enumerate(commands):
        registry.results(*command, now=NOW + day * 86_400_000)
    organisations = [
        state for name, state in registry.states.items() if name.startswith("organisation/")
    ]
    present = [state.code for state in organisations]
    assert len(set(present)) == len(present)
    for code in CODES:
        claims = registry.state(f"code/{code}").claims
        assert sum(claim.is_code for claim in claims) <= 1
        for number in range(60):
            on = (date(2026, 11, 20) + timedelta(number)).isoformat()
            aliases = [c for c in claims if not c.is_code and c.holds_on(on)]
            assert len(aliases) <= 1
    today = day_in_vietnam(NOW + len(commands) * 86_400_000)
    for state in organisations:
        assert registry.state(f"code/{state.code}").holder(today) == state.organisation_id


@given(st.lists(st.lists(entries, max_size=4), max_size=4))
def test_a_command_that_is_decided_again_registers_nothing(
    commands: list[list[OrganisationEntry]],
) -> None:
    registry = Registry()
    for command in commands:
        first = registry.results(*command)
        kept = len(registry.events)
        if len({each.organisation_id for each in command}) == len(command):
            again = registry.results(*command)
            assert [a for a, b in zip(again, first, strict=True) if b == "registered"] == [
                "unchanged"
            ] * first.count("registered")
            if all(result in ("registered", "unchanged") for result in first):
                assert len(registry.events) == kept


@given(st.dates())
def test_full_dates_are_dates(day: date) -> None:
    assert is_date(day.isoformat())


def test_the_day_is_that_of_viet_nam() -> None:
    assert day_in_vietnam(1_795_279_999_000) == "2026-11-21"
    assert day_in_vietnam(1_795_280_400_000) == "2026-11-22"
