"""Names of the topics that a service owns, and the partition that a key belongs to (L3, L10)."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from docaxis_eventsourcing.identifiers import leading_part

DEFAULT_PARTITIONS = 12
BULK_AT_ONCE = 4
"""Commands of the bulk lane in one batch, at most: each may stand for 500 aggregates, and all that
a batch decides is one transaction, which an urgent command that comes meanwhile waits for."""
OUTCOMES_KEPT_S = 86_400.0
"""Outcomes live a day (L7, L17)."""


class Lane(StrEnum):
    """How urgent a command is (L10). Each lane is a topic of the same shape."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class ServiceTopics:
    """The topics of one service: commands by lane, events, outcomes."""

    service: str
    lanes: tuple[Lane, ...] = (Lane.NORMAL,)
    """The most urgent first: that is the order in which a batch is decided."""

    def commands(self, lane: Lane = Lane.NORMAL) -> str:
        """Topic of the commands of one lane."""
        return f"docaxis.{self.service}.commands.{lane}"

    @property
    def all_commands(self) -> tuple[str, ...]:
        """Topics of all lanes, in their order; a partition is decided only while held in each."""
        return tuple(self.commands(lane) for lane in self.lanes)

    @property
    def all_topics(self) -> tuple[str, ...]:
        """Every topic that the service owns."""
        return (*self.all_commands, self.events, self.outcomes)

    @property
    def processor_group(self) -> str:
        """The group whose positions say which commands are decided."""
        return f"docaxis.{self.service}.processor"

    @property
    def at_most(self) -> dict[str, int]:
        """How many records of a topic one batch of commands has at most, where that is bounded."""
        return {self.commands(Lane.BULK): BULK_AT_ONCE} if Lane.BULK in self.lanes else {}

    @property
    def events(self) -> str:
        """Topic of the events: kept for ever."""
        return f"docaxis.{self.service}.events"

    @property
    def outcomes(self) -> str:
        """Topic of the outcomes: kept for one day."""
        return f"docaxis.{self.service}.outcomes"


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: 64 bits of BLAKE2b of its UTF-8 text, modulo the count.

    Ours, and fixed for ever for an installation (L3): never the client library's hash.
    """
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % partitions


def document_partition(document_id: str, partitions: int) -> int:
    """Of a document, its verdict and receipts: by the part of its id that all versions of the
    same submission share, so that a repeat and a conflict meet one writer (L1)."""
    return partition_of(leading_part(document_id), partitions)


def organisation_partition(organisation_id: str, partitions: int) -> int:
    """Of an organisation's mailbox, its deliveries and their statuses (L3)."""
    return partition_of(organisation_id, partitions)
