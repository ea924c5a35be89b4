"""`python -m benchmarks.faults FILE`: the table of faults from what the tests of faults told.

The file is what `tests/cluster/faults` writes where `DOCAXIS_FAULT_REPORT` names it. Nothing is
measured here.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HEADINGS = (
    "fault",
    "offered",
    "calls",
    "errors that users saw",
    "longest gap: submit, inbox",
    "submit p50, p99 before",
    "submit p50, p99 since",
    "time to recover",
)


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """A markdown table, one row a run, in the file's order."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_row, runs)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(run: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        run["fault"],
        f"{run['offered_per_s']:g} documents/s, {run['documents']} in {run['seconds']:.0f} s",
        str(run["calls"]),
        _errors(run["errors"]),
        ", ".join(_seconds(run["gaps"].get(each)) for each in ("submit", "inbox")),
        _spread(run["before"]["submit"]),
        _spread(run["since"]["submit"]),
        _recovered(run["recovered"]),
    )


def _errors(errors: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {kind}" for kind, count in errors.items()) or "none"


def _spread(found: Mapping[str, float]) -> str:
    return ", ".join(_seconds(found.get(each)) for each in ("p50", "p99"))


def _recovered(steps: Iterable[Sequence[Any]]) -> str:
    return "; ".join(f"{what}: {_seconds(took)}" for what, took in steps)


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def main() -> None:
    """Print the table of the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    runs = json.loads(parser.parse_args().file.read_text())
    sys.stdout.write(table(runs) + "\n")


if __name__ == "__main__":
    main()
