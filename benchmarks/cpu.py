"""CPU per exchange: `python -m benchmarks.cpu`. Means something on a shared machine, too.

Runs of `--documents` exchanges with two calls (or `--five`) each; of every run the CPU in
milliseconds per exchange of the axis's process (user, system), its workers and this client. Where
others use the machine its speed says nothing, and even CPU drifts with what shares the caches: so
the least of the runs is told beside their median, and `--beside FOLDER` starts a second axis with
the code of another checkout, whose runs take turns with this one's.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.exchange import Prepared, exchange, prepare
from tests.system.axis_process import AxisProcess, running_process

Figures = dict[str, float]


async def measure(
    axes: Mapping[str, Mapping[str, str]], runs: int, documents: int, senders: int, *, batched: bool
) -> dict[str, Figures]:
    """Least and median of the runs, by axis (given with its environment); ms per exchange."""
    found: dict[str, list[Figures]] = {name: [] for name in axes}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docaxis-cpu-")))
        started = {
            name: await stack.enter_async_context(
                running_process(folder / name, environment=environment)
            )
            for name, environment in axes.items()
        }
        for number in range(runs + 1):  # the first one starts the workers and fills caches
            for name, axis in started.items():
                label = f"cpu-{time.time_ns()}"
                prepared = list(prepare(folder / "pki", documents, label))
                figures = await _one(axis, prepared, senders, batched=batched)
                if number:
                    found[name].append(figures)
                    words = (f"{each} {figure:.2f}" for each, figure in figures.items())
                    sys.stderr.write(f"{name}: {'  '.join(words)}\n")
    told: dict[str, Callable[[Iterable[float]], float]] = {
        "least": min,
        "median": statistics.median,
    }
    return {
        f"{name}, {word}": {at: round(of(run[at] for run in each), 2) for at in each[0]}
        for name, each in found.items()
        for word, of in told.items()
    }


async def _one(
    axis: AxisProcess, prepared: list[Prepared], senders: int, *, batched: bool
) -> Figures:
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
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--documents", type=int, default=100, help="documents of one run")
    parser.add_argument("--senders", type=int, default=64, help="submissions at once")
    parser.add_argument("--five", action="store_true", help="five calls per document, not two")
    parser.add_argument("--beside", type=Path, help="a checkout of other code to take turns with")
    options = parser.parse_args()
    axes: dict[str, dict[str, str]] = {"this": {}}
    if options.beside is not None:
        folders = [str(options.beside.resolve() / each) for each in ("libs", "services")]
        axes = {"other": {"PYTHONPATH": os.pathsep.join(folders)}, **axes}
    figures = asyncio.run(
        measure(axes, options.runs, options.documents, options.senders, batched=not options.five)
    )
    sys.stdout.write("\n".join(f"{name}: {json.dumps(each)}" for name, each in figures.items()))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
