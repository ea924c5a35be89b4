"""CPU per exchange: `python -m benchmarks.cpu`. Means something on a shared machine, too.

One axis, `--runs` runs of `--documents` exchanges with two calls (or `--five`) each; of every run
the CPU milliseconds per exchange of the axis's process (user, system), its workers and this client.
Where others use the machine, its speed says nothing; what work costs in CPU stays nearly the same.
Compare medians, and runs before and after a change in turns.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.exchange import Prepared, exchange, prepare
from tests.system.axis_process import AxisProcess


async def measure(runs: int, documents: int, senders: int, *, batched: bool) -> dict[str, float]:
    """Medians over the runs, in milliseconds per exchange; each run is told on stderr."""
    with tempfile.TemporaryDirectory(prefix="docaxis-cpu-") as folder:
        axis = AxisProcess(Path(folder) / "data")
        await axis.start()
        try:
            await axis.bootstrap()
            warm_up = list(prepare(Path(folder) / "pki", 50, f"warm-up-{time.time_ns()}"))
            await exchange(axis, warm_up, senders, batched=batched)
            found = []
            for _ in range(runs):
                label = f"cpu-{time.time_ns()}"
                prepared = list(prepare(Path(folder) / "pki", documents, label))
                found.append(await _one(axis, prepared, senders, batched=batched))
                told = "  ".join(f"{name} {figure:.2f}" for name, figure in found[-1].items())
                sys.stderr.write(f"{told}\n")
        finally:
            await axis.stop()
    return {name: round(statistics.median(each[name] for each in found), 2) for name in found[0]}


async def _one(
    axis: AxisProcess, prepared: list[Prepared], senders: int, *, batched: bool
) -> dict[str, float]:
    begun, own = axis.cpu_s(), time.process_time()
    figures = await exchange(axis, prepared, senders, batched=batched)
    own, ended = time.process_time() - own, axis.cpu_s()
    spent = {name: ended[name] - begun[name] for name in begun}
    per_exchange = {name: each * 1000 / len(prepared) for name, each in spent.items()}
    return {
        "axis": per_exchange["axis_user"] + per_exchange["axis_system"],
        **per_exchange,
        "client": own * 1000 / len(prepared),
        "exchanges_per_s": figures["exchanges_per_s"],
    }


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--documents", type=int, default=200, help="documents of one run")
    parser.add_argument("--senders", type=int, default=64, help="submissions at once")
    parser.add_argument("--five", action="store_true", help="five calls per document, not two")
    options = parser.parse_args()
    figures = asyncio.run(
        measure(options.runs, options.documents, options.senders, batched=not options.five)
    )
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
