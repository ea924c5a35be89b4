"""What is played: the report's figures at any scale, by units known or marked synthetic."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest

from docaxis_cli.simulation.counts import beyond
from docaxis_cli.simulation.plan import Plan
from docaxis_cli.simulation.report_2019 import ANSWERS, RECEIVED, SENT, scaled
from docaxis_cli.simulation.units import units


def test_scale_1_is_the_report_cell_by_cell() -> None:
    plan = Plan(Decimal(1))
    assert plan.sent == {1: 167_984, 2: 60_339, 3: 2_075}
    assert plan.received == {1: 434_688, 2: 191_571, 3: 1_371}
    assert (plan.documents, plan.deliveries) == (230_398, 627_630)


def test_a_hundredth_is_2304_sent_and_6276_received() -> None:
    plan = Plan(Decimal("0.01"))
    assert plan.sent == {1: 1680, 2: 603, 3: 21}
    assert plan.received == {1: 4347, 2: 1916, 3: 13}
    assert (plan.documents, plan.deliveries) == (2304, 6276)


def test_ties_go_to_the_higher_level() -> None:
    assert scaled({1: 1, 2: 1, 3: 1}, Fraction(1, 3)) == {1: 1, 2: 0, 3: 0}
    assert scaled({3: 1, 2: 1, 1: 1}, Fraction(2, 3)) == {1: 1, 2: 1, 3: 0}


@pytest.mark.parametrize("scale", ["0", "-0.1", "1.001", "0.000002", "1e-999999999", "inf", "nan"])
def test_a_scale_that_is_none(scale: str) -> None:
    with pytest.raises(ValueError, match="at most 1"):
        Plan(Decimal(scale))


@pytest.mark.parametrize("scale", ["0.01", "0.00037", "0.0001", "0.000005"])
def test_the_letters_are_what_the_figures_say(scale: str) -> None:
    plan = Plan(Decimal(scale))
    letters = list(plan.letters())
    assert Counter(each.sender.level for each in letters) == +Counter(plan.sent)
    taken = Counter(one.level for each in letters for one in each.recipients)
    assert taken == +Counter(plan.received)
    for each in letters:
        codes = [one.code for one in each.recipients]
        assert codes
        assert len({*codes, each.sender.code}) == len(codes) + 1
        assert "2019-03-12" <= each.promulgated_on.isoformat() <= "2019-11-12"
    assert letters == list(plan.letters())


def test_a_stopped_unit_misses_its_own_deliveries() -> None:
    plan = Plan(Decimal("0.001"))
    letters = list(plan.letters())
    own = Counter(
        one.level for each in letters for one in each.recipients if one.code.split(".")[0] == "H27"
    )
    assert plan.short_by("H27") == own
    assert own[1]
    assert plan.short_by("") == {}


def test_95_units_63_of_them_through_lgsp_as_the_reports_say() -> None:
    everyone = units()
    assert Counter(each.connection for each in everyone) == {"lgsp": 63, "direct": 32}
    assert Counter(each.answers for each in everyone) == ANSWERS
    assert sum(len(each.organisations) == 4 for each in everyone) == 64
    codes = [one.code for each in everyone for one in each.organisations]
    assert len(codes) == len(set(codes))
    for each in everyone:
        for one in each.organisations:
            synthetic = "X" in one.code
            assert synthetic == ("giả định" in one.name), one


def test_the_reports_add_up() -> None:
    assert (sum(SENT.values()), sum(RECEIVED.values()), sum(ANSWERS.values())) == (
        230_398,
        627_630,
        95,
    )


def test_what_is_counted_beyond_a_plan_is_told_by_level() -> None:
    plan, found = ({1: 5, 2: 3}, {1: 9, 2: 4}), ({1: 7, 2: 3, 3: 0}, {1: 6, 2: 5, 3: 1})
    assert beyond(found, plan) == (2, 2)
    assert beyond(plan, found) == (0, 3)
    assert beyond(plan, plan) == (0, 0)
