"""What is to be carried, and what is taken for granted: each is an option of the command.

Those marked as measured name what they were measured on; the others are for you to know better.
"""

from dataclasses import dataclass, field, fields
from typing import Any

SECONDS_A_YEAR = 365 * 86_400
_REPLAY = (
    " Measured on SQLite: 461 documents, 1,255 deliveries of the first year's replay; rounded up."
)


def _assumed(default: float, help_: str, least: float = 0.0, most: float = 1e15) -> Any:
    return field(default=default, metadata={"help": help_, "least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Units are in the names; shares are from 0 to 1. Raises `ValueError` outside of the bounds."""

    documents_per_year: float = _assumed(30e6, "Documents accepted a year.", 1)
    recipients: float = _assumed(20, "Recipients of a document, on the mean.", 1, 100_000)
    peak: float = _assumed(10, "The busiest hour, as a multiple of the year's mean.", 1, 1000)
    years: float = _assumed(10, "Years of events and files that are kept.", 0.1, 100)
    growth: float = _assumed(
        4, "What partitions must allow for: their count is fixed for ever.", 1, 1000
    )
    file_mib: float = _assumed(1, "MiB of a document's files, together.", 0, 1e6)
    delivery_share: float = _assumed(
        0.35,
        "Part of an exchange's CPU that each further recipient costs again: fetch, acknowledgement,"
        " receipt, statuses. Not measured apart; the first year's replay cost less.",
        0,
        1,
    )
    cluster_factor: float = _assumed(
        5.5,
        "CPU of a cluster for what a standalone does with 1, where the figures do not say.",
        1,
        100,
    )
    log_kib_per_document: float = _assumed(
        4, "KiB of events that a document makes, its recipients left out." + _REPLAY, 0.01, 1e6
    )
    log_kib_per_delivery: float = _assumed(
        4, "KiB of events that a recipient adds: delivery, receipt, statuses." + _REPLAY, 0, 1e6
    )
    view_kib_per_document: float = _assumed(
        7, "KiB of states and views for a document, indexes included." + _REPLAY, 0, 1e6
    )
    view_kib_per_delivery: float = _assumed(
        7, "KiB of states and views for a delivery, indexes included." + _REPLAY, 0, 1e6
    )
    busy: float = _assumed(0.5, "How full a CPU or a line may be at the peak.", 0.05, 1)
    full: float = _assumed(0.7, "How full a disk may be at the end.", 0.05, 1)
    log_copies: float = _assumed(3, "Copies of each record on Kafka.", 1, 9)
    view_copies: float = _assumed(3, "Members of MongoDB's replica set.", 1, 9)
    file_copies: float = _assumed(3, "Bytes that the object store keeps for each byte.", 1, 9)
    node_cpus: float = _assumed(8, "CPUs of a node that services run on.", 1, 1024)
    node_memory_gib: float = _assumed(32, "Memory of such a node, in GiB.", 1, 1e5)
    node_gbit: float = _assumed(10, "Line of a node or broker, Gbit/s.", 0.1, 1000)
    broker_disk_tib: float = _assumed(4, "Disk of a broker, in TiB.", 0.01, 1e4)
    broker_mib_per_s: float = _assumed(
        200, "MiB/s that a broker writes to its disk, copies included.", 1, 1e5
    )
    partition_commands_per_s: float = _assumed(
        50,
        "Commands a second that one partition decides at its peak: five transactions of 20 ms"
        " with ten commands each, or one command at a time on a slow cluster.",
        1,
        1e5,
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least, most = each.metadata["least"], each.metadata["most"]
            if not least <= value <= most:  # NaN is in no bounds
                raise ValueError(
                    f"--{each.name.replace('_', '-')} is {value}: from {least:g} to {most:g}"
                )
