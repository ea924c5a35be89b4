"""The memo of chunk events: the same answers, computed once for one event."""

from docaxis_eventsourcing.last_argument import kept_for_the_last


def test_it_is_computed_once_for_the_same_object_and_anew_for_an_equal_one() -> None:
    asked: list[list[int]] = []

    @kept_for_the_last
    def total(numbers: list[int]) -> int:
        asked.append(numbers)
        return sum(numbers)

    first, second = [1, 2], [1, 2]
    assert [total(first), total(first), total(second), total(first)] == [3, 3, 3, 3]
    assert len(asked) == 3
