"""What a member holds, and what it is told of it (L10, L11)."""

import pytest

from docaxis_adapters.kafka_log.assignments import Assignments, Leases
from docaxis_eventsourcing.ports.event_log import TopicPartition

URGENT, NORMAL = "urgent", "normal"


def parts(*numbers: int, topics: tuple[str, ...] = (URGENT, NORMAL)) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in topics for number in numbers]


@pytest.fixture
def assignments() -> Assignments:
    return Assignments((URGENT, NORMAL))


def heard(assignments: Assignments, before: Leases) -> tuple[set[int], set[int]]:
    """What was won and lost since these leases."""
    won, lost = assignments.news(before) or (frozenset(), frozenset())
    return set(won), set(lost)


def test_L10_a_partition_is_held_once_every_lane_has_it(assignments: Assignments) -> None:
    assignments.assign(parts(1, 2, topics=(URGENT,)))
    assert assignments.news({}) is None
    assignments.assign(parts(2, topics=(NORMAL,)))
    assert heard(assignments, {}) == ({2}, set())
    assert assignments.lease(1) is None


def test_L10_a_partition_is_lost_with_any_of_its_lanes(assignments: Assignments) -> None:
    assignments.assign(parts(1, 2))
    before = assignments.leases
    assert assignments.revoke(parts(2, topics=(NORMAL,))) == {2}
    assert heard(assignments, before) == (set(), {2})
    assert assignments.revoke(parts(2, topics=(URGENT,))) == set(), "it was lost already"


def test_nothing_new_is_no_news(assignments: Assignments) -> None:
    assignments.assign(parts(1))
    assert assignments.news(assignments.leases) is None


def test_L11_a_partition_won_again_is_another_tenure(assignments: Assignments) -> None:
    assignments.assign(parts(1))
    before = assignments.leases
    assignments.revoke(parts(1))
    assignments.assign(parts(1))
    assert heard(assignments, before) == ({1}, {1})
    assert not assignments.hold(before)
    assert assignments.hold(assignments.leases)


def test_what_came_and_went_unheard_is_no_news(assignments: Assignments) -> None:
    assignments.assign(parts(1))
    assignments.revoke(parts(1))
    assert assignments.news({}) is None


def test_news_that_never_arrived_are_told_again(assignments: Assignments) -> None:
    assignments.assign(parts(1))
    assert heard(assignments, {}) == ({1}, set())
    assignments.assign(parts(2))
    assert heard(assignments, {}) == ({1, 2}, set())


def test_leases_are_copies(assignments: Assignments) -> None:
    before = assignments.leases
    assignments.assign(parts(1))
    assert before == {}


def test_a_lease_that_was_never_given_is_not_held(assignments: Assignments) -> None:
    assignments.assign(parts(1))
    assert not assignments.hold({2: 0})
    assert assignments.hold({})
