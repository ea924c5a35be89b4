"""A large file in and out: `python -m benchmarks.large_file [--mib 1024] [--cuts 10]`.

Standalone, everything durable, the client in this process, through a proxy here that cuts the line
so many times each way. Prints seconds, MiB/s and how much the axis's resident memory grew (its
workers included), as JSON. Raises where a byte differs.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from benchmarks.machine import machine
from tests.system.axis_process import running_process
from tests.system.cut_line import cut_line
from tests.system.large_files import Trip, round_trip


async def bench(mib: int, cuts: int) -> dict[str, object]:
    """Once without a cut, once with them."""
    with tempfile.TemporaryDirectory(prefix="docaxis-bench-") as temporary:
        folder = Path(temporary)
        async with running_process(folder / "data") as axis, cut_line(axis.port) as line:
            assert axis.process is not None
            pids = [axis.process.pid]
            await round_trip(axis, line, folder, 17, 0, pids)  # loads what is loaded once
            whole = await round_trip(axis, line, folder, mib, 0, pids)
            cut = await round_trip(axis, line, folder, mib, cuts, pids)
    return {"machine": machine(), "whole": _figures(whole), "cut": _figures(cut)}


def _figures(trip: Trip) -> dict[str, float]:
    return {
        "mib": trip.mib,
        "cuts_in": trip.cuts_up,
        "cuts_out": trip.cuts_down,
        "in_s": round(trip.sent_s, 2),
        "in_mib_per_s": round(trip.mib / trip.sent_s),
        "out_s": round(trip.got_s, 2),
        "out_mib_per_s": round(trip.mib / trip.got_s),
        "resident_grown_mib": round(trip.grown_mib, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--cuts", type=int, default=10)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(bench(arguments.mib, arguments.cuts)), indent=2))


if __name__ == "__main__":
    main()
