"""`python -m benchmarks.rebuild DATA`: events a second while all views are made again.

DATA is the folder of a stopped axis; `python -m benchmarks.seed` fills one. The views of all
services are rebuilt one after the other by the product's own rebuild, each beside the one that
serves, from offset 0 until it takes over and the old one is dropped. Printed is, for each view and
for all of them, events read a second (every event of the view's topic counts, wanted or not) by the
clock, and by CPU seconds of this process where other work runs beside.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine, spread
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_process.rebuild import chosen_views, running
from docaxis_runtime.interpreter import run_tuned
from docaxis_runtime.settings import load_settings
from docaxis_standalone.composition import compose_services
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.embedded_ports import embedded_ports
from docaxis_standalone.settings import StandaloneSettings

_BEHIND_S = 3600.0


@dataclass(frozen=True, slots=True)
class Took:
    """One rebuild of one view. Times are seconds."""

    events: int
    wall: float
    cpu: float

    def __add__(self, other: "Took") -> "Took":
        return Took(self.events + other.events, self.wall + other.wall, self.cpu + other.cpu)


async def bench(data: Path, runs: int, views: Sequence[str]) -> dict[str, object]:
    """All figures of this machine. Raises `FolderInUse`, `KeyError` for an unknown view."""
    took: dict[str, list[Took]] = defaultdict(list)
    folder = DataFolder(data)
    async with embedded_ports(folder, load_settings(StandaloneSettings)) as ports:
        services = compose_services(ports, folder)
        for service in services.values():
            await service.declare_topics(ports.log)
        runners = {name: each for one in services.values() for name, each in one.views.items()}
        chosen = chosen_views(runners, views)
        for run in range(runs):
            for name, runner in chosen.items():
                took[name].append(await _rebuild(runner, ports.log))
            whole = sum((each[run] for each in took.values()), Took(0, 0.0, 0.0))
            sys.stderr.write(f"run {run}: {whole.events / whole.wall:.0f} events/s\n")
    all_views = [sum(run, Took(0, 0.0, 0.0)) for run in zip(*took.values(), strict=True)]
    return {
        "machine": machine(),
        "runs": runs,
        "all_views": _figures(all_views),
        "views": {name: _figures(each) for name, each in took.items() if each[0].events},
    }


async def _rebuild(runner: ViewRunner, log: EventLog) -> Took:
    async with running(runner):
        for partition in range(log.partitions):
            await runner.reader.pass_end(partition, _BEHIND_S)
        ends = [await log.end(runner.view.topic, at) for at in range(log.partitions)]
        wall, cpu = time.perf_counter(), time.process_time()
        await runner.rebuild()
        return Took(
            sum(end.version for end in ends),
            time.perf_counter() - wall,
            time.process_time() - cpu,
        )


def _figures(took: Sequence[Took]) -> dict[str, object]:
    return {
        "events": took[0].events,
        "events_per_s": spread([each.events / each.wall for each in took], None),
        "events_per_cpu_s": spread([each.events / each.cpu for each in took], None),
    }


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild")
    parser.add_argument("data", type=Path, metavar="DATA", help="data folder of a stopped axis")
    parser.add_argument("--runs", type=int, default=3, help="rebuilds of each view (default 3)")
    parser.add_argument("--view", action="append", default=[], help="this one alone; repeatable")
    options = parser.parse_args()
    figures: list[dict[str, object]] = []

    async def measure() -> None:
        figures.append(await bench(options.data, options.runs, options.view))

    run_tuned(measure())
    sys.stdout.write(json.dumps(figures[0], indent=2) + "\n")


if __name__ == "__main__":
    main()
