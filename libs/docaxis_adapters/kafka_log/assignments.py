"""Which partitions a member holds, as its rebalance callbacks tell, and since when (L10, L11).

A partition number is held while every topic of the subscription has assigned it. Each time that it
is won it gets another lease, so that a batch of an earlier tenure can be told.
"""

from collections.abc import Iterable, Sequence

from docaxis_eventsourcing.ports.event_log import TopicPartition

Leases = dict[int, int]


class Assignments:
    """Kept on the consumer's thread."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._parts: set[TopicPartition] = set()
        self._count = 0
        self.leases: Leases = {}
        """By partition number, of those that are held."""
        self._won: set[int] = set()
        self._lost: set[int] = set()

    def streams(self, partition: int) -> list[TopicPartition]:
        """The partition in each topic."""
        return [TopicPartition(topic, partition) for topic in self._topics]

    def assign(self, parts: Iterable[TopicPartition]) -> None:
        """More is ours."""
        self._parts.update(parts)
        for partition in {each.partition for each in self._parts} - self.leases.keys():
            if self._parts.issuperset(self.streams(partition)):
                self._count += 1
                self.leases[partition] = self._count
                self._won.add(partition)

    def revoke(self, parts: Iterable[TopicPartition]) -> set[int]:
        """Some is no longer ours; tells the partition numbers that are lost by it."""
        gone = set(parts)
        self._parts -= gone
        lost = {each.partition for each in gone} & self.leases.keys()
        for partition in lost:
            del self.leases[partition]
            if partition in self._won:
                self._won.discard(partition)  # nobody has heard of it yet
            else:
                self._lost.add(partition)
        return lost

    def news(self) -> tuple[frozenset[int], frozenset[int]] | None:
        """What was won and lost since this was last asked; None for nothing."""
        if not (self._won or self._lost):
            return None
        won, lost = frozenset(self._won), frozenset(self._lost)
        self._won, self._lost = set(), set()
        return won, lost

    def hold(self, leases: Leases) -> bool:
        """Whether all of these tenures still last."""
        return all(self.leases.get(at) == lease for at, lease in leases.items())
