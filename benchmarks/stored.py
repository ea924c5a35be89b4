"""`python -m benchmarks.stored SEEDED`: exchanges on an empty axis and on one with many documents.

SEEDED is the folder of a stopped axis that `python -m benchmarks.seed --derive` has filled; it goes
on growing by what is measured. Beside it a new, empty one is started. Both are processes of their
own, and the exchange of `benchmarks.exchange` (two calls a document) is run on one and the other in
turn, so that what else the machine does meets both. Told are the exchanges a second and the CPU
that one costs the axis, the ratio of the medians (the empty axis is 1), how long each took from its
start until it was ready, and what CPU, and its memory.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.exchange import exchange, prepare
from benchmarks.machine import machine, spread
from tests.system.axis_process import AxisProcess

_WARM_UP = 30
_START_S = 300.0


@dataclass(slots=True)
class _Measured:
    """One of the two axes, and what was found on it."""

    axis: AxisProcess
    ready_s: list[float] = field(default_factory=list)
    ready_cpu_s: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    async def start(self) -> None:
        begun = time.perf_counter()
        await self.axis.start()
        self.ready_s.append(time.perf_counter() - begun)
        self.ready_cpu_s.append(sum(self.axis.cpu_s().values()))

    async def measure(self, label: str, documents: int, senders: int) -> None:
        prepared = list(prepare(self.axis.folder.demo_pki, documents, f"{label}-{time.time_ns()}"))
        before: list[float] = []
        found = await exchange(
            self.axis,
            prepared,
            senders,
            batched=True,
            ready=lambda: before.append(sum(self.axis.cpu_s().values())),
        )
        used = sum(self.axis.cpu_s().values()) - before[0]
        self.per_s.append(found["exchanges_per_s"])
        self.cpu_ms.append(1000 * used / documents)

    def figures(self) -> dict[str, object]:
        return {
            "exchanges_per_s": spread(self.per_s),
            "axis_cpu_ms_per_exchange": spread(self.cpu_ms),
            "start_to_ready_s": spread(self.ready_s),
            "start_to_ready_cpu_s": spread(self.ready_cpu_s),
            "resident_mib": round(self.axis.resident_mib()),
        }


async def bench(seeded: Path, runs: int, documents: int, senders: int) -> dict[str, object]:
    """All figures of this machine."""
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="docaxis-bench-"))
        axes = {
            "empty": _Measured(AxisProcess(Path(folder) / "data", start_s=_START_S)),
            "seeded": _Measured(AxisProcess(seeded, start_s=_START_S)),
        }
        await axes["empty"].axis.start()
        await axes["empty"].axis.bootstrap()
        await axes["empty"].axis.stop()
        for _ in range(runs):  # starts in turn, too
            for each in axes.values():
                await each.start()
                await each.axis.stop()
        for each in axes.values():
            await each.start()
            closing.push_async_callback(each.axis.stop)
            await each.measure("warm-up", _WARM_UP, senders)
            each.per_s.clear()
            each.cpu_ms.clear()
        for run in range(runs):
            for name, each in axes.items():
                await each.measure(f"run-{run}", documents, senders)
                sys.stderr.write(f"{name}: {each.per_s[-1]:.0f}/s, {each.cpu_ms[-1]:.1f} ms\n")
        return {
            "machine": machine(),
            "runs": runs,
            "documents_per_run": documents,
            **{name: each.figures() for name, each in axes.items()},
            "throughput_ratio": _ratio({name: each.per_s for name, each in axes.items()}),
            "cpu_ratio": _ratio({name: each.cpu_ms for name, each in axes.items()}),
        }


def _ratio(found: Mapping[str, Sequence[float]]) -> float:
    return round(statistics.median(found["seeded"]) / statistics.median(found["empty"]), 3)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored")
    parser.add_argument("seeded", type=Path, metavar="SEEDED", help="a seeded data folder")
    parser.add_argument("--runs", type=int, default=5, help="runs on each axis (default 5)")
    parser.add_argument("--documents", type=int, default=300, help="documents of one run")
    parser.add_argument("--senders", type=int, default=64, help="submissions at once")
    options = parser.parse_args()
    figures = asyncio.run(bench(options.seeded, options.runs, options.documents, options.senders))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
