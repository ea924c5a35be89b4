"""What the benchmark measured, as far as sizing uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SERVICES = ("gateway", "routing", "signature", "status", "notification", "registry")
MEMORY_MIB = 256.0
"""Where the JSON has no memory: of one process, more than any that was seen."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one machine; an exchange is a document for one recipient, from submit to receipts."""

    cpu_ms_per_exchange: float
    """Of the axis's process and its workers, user and system; not of the client."""
    exchanges_per_s: float
    """Of a standalone."""
    cluster_factor: float
    """How many times the CPU of a standalone a cluster takes for the same; 0 where not measured."""
    memory_mib: float
    """Resident, of one process that has worked."""
    machine: str
    provenance: str
    """Where the figures are from, in words; empty where nobody said."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Parts of a cluster's CPU by service, which sum to 1; empty where not measured."""


def read_measured(content: Mapping[str, Any]) -> Measured:
    """What `make bench` printed, or `benchmarks.distributed`'s figures added to it.

    Raises `ValueError`, naming the figure that is missing or is no positive number.
    """
    cpu = _below(content, "profile", "cpu_ms_per_exchange")
    if not isinstance(cpu, Mapping):
        raise ValueError("/profile/cpu_ms_per_exchange is no object")
    own = {name: _number(cpu, name) for name in cpu if name != "client"}
    if not sum(own.values()) > 0:
        raise ValueError("/profile/cpu_ms_per_exchange names no CPU of the axis")
    factor, shares = _cluster(content, sum(own.values()))
    memory = content.get("resident_mib_after", MEMORY_MIB)
    machine = content.get("machine")
    told = machine if isinstance(machine, Mapping) else {}
    return Measured(
        sum(own.values()),
        _positive(content, "two_calls", "exchanges_per_s", "median"),
        factor,
        _number({"resident_mib_after": memory}, "resident_mib_after"),
        f"{told.get('cpus', '?')} CPUs, {told.get('memory_gib', '?')} GiB,"
        f" Python {told.get('python', '?')}, {told.get('system', '?')}",
        str(content.get("provenance", "")),
        shares,
    )


def _cluster(content: Mapping[str, Any], standalone_ms: float) -> tuple[float, Mapping[str, float]]:
    """By the CPU of its services where that was measured, else by exchanges a second."""
    if "standalone" not in content or "cluster" not in content:
        return 0.0, {}
    cluster = _below(content, "cluster", "routing-1")
    if isinstance(cluster, Mapping) and "cost_per_document" in cluster:
        cost = ("cost_per_document", "cpu_ms")
        each = {name: _positive(cluster, *cost, name) for name in SERVICES}
        total = sum(each.values())
        return total / standalone_ms, {name: part / total for name, part in each.items()}
    reached = ("exchanges_per_s", "median")
    factor = _positive(content, "standalone", *reached) / _positive(
        cluster if isinstance(cluster, Mapping) else {}, *reached
    )
    return factor, {}


def _below(content: Mapping[str, Any], *path: str) -> Any:
    found: Any = content
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            raise ValueError(f"/{'/'.join(path)} is missing: this is not what `make bench` prints")
        found = found[name]
    return found


def _positive(content: Mapping[str, Any], *path: str) -> float:
    found = _below(content, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e15:
        raise ValueError(f"/{'/'.join(path)} is {found!r}, not a positive number")
    return float(found)


def _number(content: Mapping[str, Any], name: str) -> float:
    found = content[name]
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e15:
        raise ValueError(f"{name} is {found!r}, not a number from 0 on")
    return float(found)
