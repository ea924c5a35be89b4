"""`python -m benchmarks` (`make bench`): the axis's figures as JSON, each a median of several runs.

Raises and exits non-zero where anything was lost, doubled or not verified.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.exchange import exchange, paced_submits, prepare
from benchmarks.machine import machine
from tests.system.axis_process import AxisProcess


async def bench(runs: int, documents: int, senders: int) -> dict[str, object]:
    """All figures of this machine."""
    with tempfile.TemporaryDirectory(prefix="docaxis-bench-") as folder:
        axis = AxisProcess(Path(folder) / "data")
        begun = time.perf_counter()
        await axis.start()
        ready_s = time.perf_counter() - begun
        idle_mib = axis.resident_mib()
        await axis.bootstrap()
        try:
            figures = await _figures(axis, Path(folder) / "pki", runs, documents, senders)
        finally:
            await axis.stop()
        figures["profile"] = await _profile(Path(folder), documents, senders)
    return {
        "machine": machine(),
        "runs": runs,
        "documents_per_run": documents,
        "start_to_ready_s": round(ready_s, 2),
        "idle_resident_mib": round(idle_mib),
        **figures,
    }


async def _figures(
    axis: AxisProcess, pki: Path, runs: int, documents: int, senders: int
) -> dict[str, object]:
    figures: dict[str, object] = {}
    await _measure(axis, pki, "warm-up", 1, min(50, documents), senders, batched=True)
    for name, batched in (("two_calls", True), ("five_calls", False)):
        figures[name] = await _measure(axis, pki, name, runs, documents, senders, batched=batched)
    two_calls = figures["two_calls"]
    assert isinstance(two_calls, dict)
    half = two_calls["exchanges_per_s"]["median"] / 2
    prepared = list(prepare(pki, documents, f"half-{time.time_ns()}"))
    figures["submit_at_half_load"] = _rounded(await paced_submits(axis, prepared, half))
    figures["resident_mib_after"] = round(axis.resident_mib())
    return figures


async def _profile(folder: Path, documents: int, senders: int) -> dict[str, object]:
    """Where the time goes, over one more run of two calls per document on a sampled axis."""
    samples = folder / "samples.json"
    axis = AxisProcess(folder / "profiled", module=("benchmarks.profiled_axis", str(samples)))
    await axis.start()
    try:
        await axis.bootstrap()
        warm_up = list(prepare(folder / "pki", 50, f"warm-up-{time.time_ns()}"))
        await exchange(axis, warm_up, senders, batched=True)  # starts the workers, fills caches
        prepared = list(prepare(folder / "pki", documents, f"profile-{time.time_ns()}"))
        begun, own = axis.cpu_s(), time.process_time()
        await exchange(axis, prepared, senders, batched=True)
        ended, own = axis.cpu_s(), time.process_time() - own
    finally:
        await axis.stop()
    counts = dict(json.loads(samples.read_text()))
    counts.pop("waiting", None)
    total = sum(counts.values())
    per_exchange = {name: (ended[name] - begun[name]) * 1000 / documents for name in begun}
    return {
        "cpu_ms_per_exchange": _rounded({**per_exchange, "client": own * 1000 / documents}),
        "main_thread_percent": {
            name: round(100 * count / total, 1)
            for name, count in counts.items()
            if count >= total / 100
        },
    }


async def _measure(
    axis: AxisProcess,
    pki: Path,
    name: str,
    runs: int,
    documents: int,
    senders: int,
    *,
    batched: bool,
) -> dict[str, dict[str, float]]:
    found = []
    for _ in range(runs):
        prepared = list(prepare(pki, documents, f"{name}-{time.time_ns()}"))
        found.append(await exchange(axis, prepared, senders, batched=batched))
        sys.stderr.write(f"{name}: {found[-1]['exchanges_per_s']:.0f} exchanges/s\n")
    return {
        figure: _rounded(
            {
                "median": statistics.median(each[figure] for each in found),
                "min": min(each[figure] for each in found),
                "max": max(each[figure] for each in found),
            }
        )
        for figure in found[0]
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(figure, 2) for name, figure in figures.items()}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure (default 3)")
    parser.add_argument("--documents", type=int, default=600, help="documents of one run")
    parser.add_argument("--senders", type=int, default=64, help="submissions at once")
    options = parser.parse_args()
    figures = asyncio.run(bench(options.runs, options.documents, options.senders))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
