"""What a figure stands on: the machine, told beside every figure, and the runs it comes from."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Size of the machine that a benchmark ran on."""

    cpus: int
    memory_gib: float
    python: str
    system: str


def machine() -> dict[str, object]:
    """This machine, as JSON takes it."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return asdict(
        Machine(
            os.cpu_count() or 0,
            round(pages * size / 2**30, 1),
            platform.python_version(),
            f"{platform.system()} {platform.machine()}",
        )
    )


def spread(found: Sequence[float], digits: int | None = 2) -> dict[str, float]:
    """Median, least and greatest of several runs; whole numbers where `digits` is None."""
    figures = {"median": statistics.median(found), "min": min(found), "max": max(found)}
    return {name: round(figure, digits) for name, figure in figures.items()}
