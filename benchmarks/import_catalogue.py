"""The catalogue of a country in: `python -m benchmarks.import_catalogue [--rows 120000]`.

34 provinces, 3,400 departments, the rest communes with a parent and an alias each, in one CSV file.
`docaxis registry import` takes it on a new standalone axis, a process of its own with everything
durable; the command is a third process. Printed are seconds and rows a second of each run by the
clock, and the axis's CPU seconds, as JSON. Raises where a row is not taken.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import machine, spread
from tests.system.axis_process import AxisProcess, running_process

PROVINCES = 34
DEPARTMENTS = 100
"""Of each province."""

_WORDS = "An Bình Châu Đông Giang Hà Hưng Long Minh Phú Quang Sơn Tân Thành Thịnh Xuân Yên".split()


def catalogue(rows: int) -> Iterator[tuple[str, str, int, str, str]]:
    """Code, name, level, parent's code and alias of each unit, as many as asked for."""
    chance = random.Random(17)

    def name(kind: str, number: int) -> str:
        return f"{kind} {' '.join(chance.sample(_WORDS, 2))} {number}"

    departments = [(at, of) for at in range(PROVINCES) for of in range(DEPARTMENTS)]
    for number in range(rows):
        place = number - PROVINCES
        if place < 0:
            yield f"T{number:02}", name("UBND tỉnh", number), 1, "", ""
        elif place < len(departments):
            province, one = departments[place]
            yield f"T{province:02}.{one}", name("Sở", number), 2, f"T{province:02}", ""
        else:
            province, one = departments[place % len(departments)]
            parent = f"T{province:02}.{one}"
            yield f"{parent}.{number}", name("UBND xã", number), 3, parent, f"000.{one}.X{number}"


async def bench(rows: int, runs: int) -> dict[str, object]:
    """All figures of this machine."""
    wall: list[float] = []
    cpu: list[float] = []
    with tempfile.TemporaryDirectory(prefix="docaxis-bench-") as temporary:
        table = Path(temporary) / "units.csv"
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(("code", "name", "level", "parent_code", "aliases"))
            writer.writerows(catalogue(rows))
        for run in range(runs):
            async with running_process(Path(temporary) / f"data-{run}") as axis:
                took, used = await _imported(axis, table, rows)
            wall.append(took)
            cpu.append(used)
            sys.stderr.write(f"run {run}: {took:.1f} s, {used:.1f} s of CPU\n")
    return {
        "machine": machine(),
        "runs": runs,
        "rows": rows,
        "seconds": spread(wall),
        "rows_per_s": spread([rows / each for each in wall]),
        "axis_cpu_s": spread(cpu),
    }


async def _imported(axis: AxisProcess, table: Path, rows: int) -> tuple[float, float]:
    """Seconds by the clock, and the axis's CPU seconds."""
    before, begun = sum(axis.cpu_s().values()), time.perf_counter()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "docaxis_cli", "registry", "import", str(table), "--json"),
        env={**os.environ, "DOCAXIS_DATA": str(axis.data)},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await command.communicate()
    took = time.perf_counter() - begun
    if command.returncode != 0 or json.loads(told)["counts"] != {"registered": rows}:
        raise AssertionError(f"exit {command.returncode}: {told[:1000]!r}")
    return took, sum(axis.cpu_s().values()) - before


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=120_000, help="units (default 120,000)")
    parser.add_argument("--runs", type=int, default=3, help="each on a new axis (default 3)")
    arguments = parser.parse_args()
    sys.stdout.write(
        json.dumps(asyncio.run(bench(arguments.rows, arguments.runs)), indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
