"""Consumer groups in memory: who holds which partition, and since which generation (L11).

Every join and leave is a new generation. A partition that stays with its holder keeps its lease;
one that changes hands, or is lost and regained, gets a lease with the new generation's number, so
that a batch of an older one can be told.
"""

from collections.abc import Mapping, Sequence
from threading import Lock

from docaxis_adapters.sqlite_log.listeners import Waiter

Leases = Mapping[int, int]
"""Partition number -> the generation in which its holder got it."""


class Group:
    """The members of one group and their partitions, spread by range in order of joining."""

    def __init__(self, name: str, topics: Sequence[str], partitions: int) -> None:
        self.name = name
        self.topics = tuple(topics)
        self._partitions = partitions
        self._generation = 0
        self._members: dict[int, Waiter] = {}
        self._next_member = 1
        self._leases: dict[int, tuple[int, int]] = {}  # partition -> (member, generation)
        self._lock = Lock()

    def join(self, waiter: Waiter) -> int:
        """A new member, whose waiter rings when partitions move; tells its number."""
        with self._lock:
            member = self._next_member
            self._next_member += 1
            self._members[member] = waiter
            self._spread()
        return member

    def leave(self, member: int) -> None:
        """Pass its partitions to the others. Harmless when repeated."""
        with self._lock:
            if self._members.pop(member, None) is not None:
                self._spread()

    def shake(self, member: int) -> None:
        """The member loses all its partitions and has them again, under new leases."""
        with self._lock:
            self._generation += 1
            for partition, (holder, _) in self._leases.items():
                if holder == member:
                    self._leases[partition] = (member, self._generation)
            self._ring()

    def leases(self, member: int) -> dict[int, int]:
        """What the member holds now."""
        with self._lock:
            return {
                partition: generation
                for partition, (holder, generation) in self._leases.items()
                if holder == member
            }

    def holds(self, member: int, leases: Leases) -> bool:
        """Whether the member still holds all these partitions under these very leases."""
        with self._lock:
            return all(
                self._leases.get(partition) == (member, generation)
                for partition, generation in leases.items()
            )

    def _spread(self) -> None:
        self._generation += 1
        holders = [
            member
            for index, member in enumerate(self._members)
            for _ in range(_share(self._partitions, len(self._members), index))
        ]
        before = self._leases
        self._leases = {
            partition: (
                before[partition]
                if partition in before and before[partition][0] == holder
                else (holder, self._generation)
            )
            for partition, holder in enumerate(holders)
        }
        self._ring()

    def _ring(self) -> None:
        for waiter in self._members.values():
            waiter.ring_from_any_thread()


def _share(partitions: int, members: int, index: int) -> int:
    each, more = divmod(partitions, members)
    return each + (1 if index < more else 0)


class Groups:
    """All groups of one log."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._groups: dict[str, Group] = {}

    def get(self, name: str, topics: Sequence[str]) -> Group:
        """The group, made when first asked for; its members all read the same topics."""
        group = self._groups.setdefault(name, Group(name, topics, self._partitions))
        if group.topics != tuple(topics):
            raise ValueError(f"group {name} reads {group.topics}, not {tuple(topics)}")
        return group
