"""What processes used, from /proc (Linux): CPU seconds and bytes handed to the disk."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds (user and system) and bytes written, since the processes began."""

    cpu_s: float = 0.0
    written: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_s + other.cpu_s, self.written + other.written)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_s - other.cpu_s, self.written - other.written)


def usage_of(pids: Iterable[int]) -> Usage:
    """Of these processes and all their descendants; of one that ended meanwhile nothing."""
    total = Usage()
    for pid in pids:
        total += _one(pid) + usage_of(_children(pid))
    return total


def usage_by(groups: Mapping[str, Iterable[int]]) -> dict[str, Usage]:
    """The same for named groups of processes."""
    return {name: usage_of(pids) for name, pids in groups.items()}


def _one(pid: int) -> Usage:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return Usage()
    written = next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    return Usage((int(fields[11]) + int(fields[12])) / _TICK, written)


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(each) for task in threads for each in (task / "children").read_text().split()]
    except OSError:
        return []
