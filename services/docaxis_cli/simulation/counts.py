"""The query's answer as the report counts, and what it has more than another count."""

from collections.abc import Mapping

from docaxis_client.statistics import Statistics

Counts = tuple[Mapping[int, int], Mapping[int, int]]
"""Sent and received by level."""


def counted(figures: Statistics) -> tuple[dict[int, int], dict[int, int]]:
    """Sent and received by level, as the query answers; levels without any are 0."""
    sent, received = dict.fromkeys((1, 2, 3), 0), dict.fromkeys((1, 2, 3), 0)
    for each in figures.items:
        sent[each.level] = sent.get(each.level, 0) + each.sent
        received[each.level] = received.get(each.level, 0) + each.received
    return sent, received


def beyond(some: Counts, others: Counts) -> tuple[int, int]:
    """Documents and hand-overs that `some` has more than `others`, each level by itself."""
    sent, received = (
        sum(max(0, count - other.get(level, 0)) for level, count in one.items())
        for one, other in zip(some, others, strict=True)
    )
    return sent, received
