"""Which partitions a member holds, as its rebalance callbacks tell, and since when (L10, L11).

A partition number is held while every topic of the subscription has assigned it. Each time that it
is won it gets another lease, so that a batch of an earlier tenure can be told.
"""

from collections.abc import Iterable, Mapping, Sequence

from docaxis_eventsourcing.ports.event_log import TopicPartition

Leases = Mapping[int, int]
"""By partition number, of those that are held."""


class Assignments:
    """Kept on the consumer's thread."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._parts: set[TopicPartition] = set()
        self._count = 0
        self._leases: dict[int, int] = {}

    @property
    def leases(self) -> Leases:
        """A copy: which partitions are held now."""
        return dict(self._leases)

    def lease(self, partition: int) -> int | None:
        """The lease of a partition; None where it is not held."""
        return self._leases.get(partition)

    def streams(self, partition: int) -> list[TopicPartition]:
        """The partition in each topic."""
        return [TopicPartition(topic, partition) for topic in self._topics]

    def assign(self, parts: Iterable[TopicPartition]) -> None:
        """More is ours."""
        self._parts.update(parts)
        for partition in {each.partition for each in self._parts} - self._leases.keys():
            if self._parts.issuperset(self.streams(partition)):
                self._count += 1
                self._leases[partition] = self._count

    def revoke(self, parts: Iterable[TopicPartition]) -> set[int]:
        """Some is no longer ours; tells the partition numbers that are lost by it."""
        gone = set(parts)
        self._parts -= gone
        lost = {each.partition for each in gone} & self._leases.keys()
        for partition in lost:
            del self._leases[partition]
        return lost

    def news(self, heard: Leases) -> tuple[frozenset[int], frozenset[int]] | None:
        """What was won and lost since somebody heard of these leases; None for nothing.

        A partition that was lost and won again is in both. One that came and went unheard is in
        neither.
        """
        won = {at for at, lease in self._leases.items() if heard.get(at) != lease}
        lost = {at for at, lease in heard.items() if self._leases.get(at) != lease}
        return (frozenset(won), frozenset(lost)) if won or lost else None

    def hold(self, leases: Leases) -> bool:
        """Whether all of these tenures still last."""
        return all(self._leases.get(at) == lease for at, lease in leases.items())
