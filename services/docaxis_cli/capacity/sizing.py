"""The arithmetic: rates at the peak, CPU, partitions, replicas, brokers, nodes, disks, lines.

Each need is computed for itself and rounded up; where several ask for the same thing (nodes,
brokers, partitions), the largest is taken, and is told as what bounds. One more than needed stands
by wherever one may be away.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from docaxis_cli.capacity.demand import SECONDS_A_YEAR, Demand
from docaxis_cli.capacity.measured import SERVICES, Measured

SHARES: Mapping[str, float] = dict(zip(SERVICES, (0.34, 0.24, 0.16, 0.14, 0.10, 0.02), strict=True))
"""Parts of the CPU where they were not measured: the gateway's was sampled (performance.md); the
others are estimated from the events and commands that a document makes in each."""
PARTITION_COUNTS = (12, 24, 36, 48, 60, 120, 240, 360, 480, 600, 720, 960)
"""Counts with many divisors, so that replicas have equal shares; the setting's bound is 1,000."""
LEAST_REPLICAS = 2
LEAST_BROKERS = 3
LEAST_NODES = 3
_KIB, _MIB, _TIB = 2**10, 2**20, 2**40
_BITS = 8


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something, what asked for the most, and what each reason asked for."""

    count: int
    bound: str
    asked: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sizing:
    """What is needed. Rates are those of the peak, a second; sizes of all years, in bytes."""

    documents_per_s: float
    deliveries_per_s: float
    cpu_ms_per_document: float
    """On a standalone."""
    cores: float
    """Busy at the peak, on a cluster."""
    replicas: Mapping[str, int]
    shares: Mapping[str, float]
    """Of the CPU, by service."""
    partitions: Count
    brokers: Count
    nodes: Count
    log_bytes: float
    """One copy."""
    view_bytes: float
    """One copy."""
    file_bytes: float
    """One copy."""
    broker_disk_bytes: float
    """On each broker, as full as it may be."""
    view_members: int
    view_disk_bytes: float
    """On each member."""
    file_disk_bytes: float
    """Of the whole object store."""
    in_bit_per_s: float
    """From the world."""
    out_bit_per_s: float
    """To the world."""
    bound: str
    """Which figure asks for the most nodes or brokers beyond what standing by asks for."""


def size(demand: Demand, measured: Measured) -> Sizing:
    """Raises `ValueError` where no partition count is enough."""
    documents = demand.documents_per_year / SECONDS_A_YEAR * demand.peak
    deliveries = documents * demand.recipients
    factor = measured.cluster_factor or demand.cluster_factor
    cpu_ms = measured.cpu_ms_per_exchange * (1 + (demand.recipients - 1) * demand.delivery_share)
    cores = documents * cpu_ms / 1000 * factor
    shares = measured.shares or SHARES
    # A replica is one Python process: it uses one CPU (performance.md).
    replicas = {
        name: max(LEAST_REPLICAS, _up(cores * share / demand.busy))
        for name, share in shares.items()
    }
    stored = _stored(demand)
    files = demand.file_mib * _MIB
    in_bits = documents * files * _BITS
    out_bits = deliveries * files * _BITS
    nodes = _nodes(demand, measured, cores, replicas, in_bits + out_bits)
    brokers = _brokers(demand, documents, stored[0])
    standing_by = max(nodes.asked["standing by"], brokers.asked["standing by"])
    counts = {**_beyond("nodes", nodes), **_beyond("brokers", brokers)}
    bound = max(counts, key=lambda name: counts[name])
    if counts[bound] <= standing_by:
        bound = "standing by: the load alone would need no more"
    return Sizing(
        documents,
        deliveries,
        cpu_ms,
        cores,
        replicas,
        shares,
        _partitions(demand, documents, deliveries, replicas),
        brokers,
        nodes,
        *stored,
        stored[0] * demand.log_copies / brokers.count / demand.full,
        _up(demand.view_copies),
        stored[1] / demand.full,
        stored[2] * demand.file_copies / demand.full,
        in_bits,
        out_bits,
        bound,
    )


def _stored(demand: Demand) -> tuple[float, float, float]:
    """Bytes of one copy of the log, of states and views, and of files, when all years are full."""
    documents = demand.documents_per_year * demand.years
    log = demand.log_kib_per_document + demand.recipients * demand.log_kib_per_delivery
    view = demand.view_kib_per_document + demand.recipients * demand.view_kib_per_delivery
    return documents * log * _KIB, documents * view * _KIB, documents * demand.file_mib * _MIB


def _nodes(
    demand: Demand, measured: Measured, cores: float, replicas: Mapping[str, int], bits: float
) -> Count:
    memory = sum(replicas.values()) * measured.memory_mib * _MIB
    # What comes in goes on to the object store, and what goes out comes from there: twice a line.
    line = 2 * bits / (demand.node_gbit * 1e9 * demand.busy)
    return _largest(
        {
            "CPU": _up(cores / demand.busy / demand.node_cpus) + 1,
            "memory": _up(memory / demand.full / (demand.node_memory_gib * 2**30)) + 1,
            "the line": _up(line) + 1,
            "standing by": LEAST_NODES,
        }
    )


def _brokers(demand: Demand, documents_per_s: float, log_bytes: float) -> Count:
    per_document = demand.log_kib_per_document + demand.recipients * demand.log_kib_per_delivery
    # Commands and outcomes are written, too, and removed again: as much again as the events.
    disk = demand.broker_disk_tib * _TIB * demand.full
    written = 2 * documents_per_s * per_document * _KIB * demand.log_copies
    return _largest(
        {
            "disk": _up(log_bytes * demand.log_copies / disk),
            "writing": _up(written / (demand.broker_mib_per_s * _MIB) / demand.busy) + 1,
            "the line": _up(2 * written * _BITS / (demand.node_gbit * 1e9) / demand.busy) + 1,
            "standing by": max(LEAST_BROKERS, math.ceil(demand.log_copies)),
        }
    )


def _partitions(
    demand: Demand, documents: float, deliveries: float, replicas: Mapping[str, int]
) -> Count:
    # On its busiest topic (routing) a document is a submit and a verdict, and each delivery is
    # made, taken over and perhaps released.
    commands = 2 * documents + 3 * deliveries
    asked = _largest(
        {
            "commands": _up(commands / demand.partition_commands_per_s * demand.growth),
            "replicas": _up(max(replicas.values()) * demand.growth),
            "least": PARTITION_COUNTS[0],
        }
    )
    for count in PARTITION_COUNTS:
        if count >= asked.count:
            return Count(count, asked.bound, asked.asked)
    raise ValueError(
        f"{asked.count} partitions ({asked.bound}) are more than one installation has"
        f" ({PARTITION_COUNTS[-1]})"
    )


def _beyond(what: str, count: Count) -> dict[str, int]:
    return {
        f"{name} ({what})": asked for name, asked in count.asked.items() if name != "standing by"
    }


def _largest(asked: Mapping[str, int]) -> Count:
    bound = max(asked, key=lambda name: asked[name])
    return Count(asked[bound], bound, asked)


def _up(amount: float) -> int:
    """Rounded up; what is a whole number but for the last bits of a float is that number."""
    nearest = round(amount)
    whole = math.isclose(amount, nearest, rel_tol=1e-9, abs_tol=1e-12)
    return nearest if whole else math.ceil(amount)
