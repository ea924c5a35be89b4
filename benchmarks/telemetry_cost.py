"""What telemetry costs an exchange: CPU of the axis with it off, on, and on for a share of traces.

    python -m benchmarks.telemetry_cost

The axes run beside each other and take turns, round by round, so that what else the machine does
meets all of them. What they tell goes to a receiver in this process, whose CPU is not counted.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.exchange import exchange, prepare
from benchmarks.machine import machine
from tests.otlp import collecting
from tests.system.axis_process import AxisProcess, running_process

_ON = "OTEL_EXPORTER_OTLP_ENDPOINT"
_RATIO = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}


def kinds(endpoint: str) -> Mapping[str, Mapping[str, str]]:
    """The axes that are compared, with their settings."""
    on = {_ON: endpoint, "DOCAXIS_METRICS_LISTEN": "127.0.0.1:0"}
    return {
        "off": {},
        "no_traces": {**on, **_RATIO, "OTEL_TRACES_SAMPLER_ARG": "0"},
        "a_tenth_of_traces": {**on, **_RATIO, "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        "all_traces": {**on, **_RATIO, "OTEL_TRACES_SAMPLER_ARG": "1"},
    }


async def bench(rounds: int, documents: int, senders: int) -> dict[str, object]:
    """CPU ms an exchange of five calls by kind: median, least and greatest of the rounds."""
    cost: dict[str, list[float]] = {}
    idle: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="docaxis-cost-") as name, collecting() as collector:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            axes: dict[str, AxisProcess] = {}
            for kind, told in kinds(collector.endpoint).items():
                running = running_process(folder / kind, environment=told)
                axes[kind] = await stack.enter_async_context(running)
                idle[kind] = round(axes[kind].resident_mib())
            for number in range(-1, rounds):  # the first warms up
                for kind, axis in axes.items():
                    label = f"{kind}-{number + 1}-{time.time_ns()}"
                    prepared = list(prepare(folder / "pki", documents, label))
                    before = _cpu(axis)
                    await exchange(axis, prepared, senders, batched=False)
                    await asyncio.sleep(1.0)  # what follows the last of them
                    if number >= 0:
                        used = (_cpu(axis) - before) * 1000 / documents
                        cost.setdefault(kind, []).append(used)
        received = len(collector.all())
    return {
        "machine": machine(),
        "rounds": rounds,
        "documents": documents,
        "idle_resident_mib": idle,
        "spans_received": received,
        "cpu_ms_per_exchange": {
            kind: [round(pick(each), 2) for pick in (statistics.median, min, max)]
            for kind, each in cost.items()
        },
    }


def _cpu(axis: AxisProcess) -> float:
    """Of the axis itself: its workers check signatures and know of no telemetry."""
    used = axis.cpu_s()
    return used["axis_user"] + used["axis_system"]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--senders", type=int, default=16)
    options = parser.parse_args()
    figures = asyncio.run(bench(options.rounds, options.documents, options.senders))
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
