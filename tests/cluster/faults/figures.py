"""What a fault looked like from outside: told in a file, judged by nobody here."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path

from tests.system.call_log import CallLog, quantile
from tests.system.traffic import Traffic

_FIRST_S = 1.0
"""Of the traffic, before it is measured: connections and tokens are got."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which something was done to the axis."""

    what: str
    at: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One run. Times in seconds."""

    fault: str
    offered_per_s: float
    """Documents per second."""
    seconds: float
    documents: int
    calls: int
    errors: dict[str, int]
    """Calls that failed, by what the caller saw; each was repeated until it was answered."""
    not_decided_at_once: int
    """Documents of which the first answer was 202."""
    gaps: dict[str, float]
    """The longest time without an answer, by operation."""
    before: dict[str, dict[str, float]]
    """p50 and p99 by operation, before the fault."""
    since: dict[str, dict[str, float]]
    """The same from the fault on, repeats included: what a caller waits for an answer."""
    recovered: list[tuple[str, float]]
    """Of each step of the fault: until no call fails and nothing waits that did not before."""


def figures_of(
    fault: str, rate: float, traffic: Traffic, marks: Sequence[Mark], end: float
) -> Figures:
    """Those of a run that ended well; `end` is when its sending was stopped."""
    calls = traffic.calls
    begin = calls.begun + _FIRST_S
    first = marks[0].at if marks else end
    operations = sorted({each.operation for each in calls.attempts})
    return Figures(
        fault=fault,
        offered_per_s=rate,
        seconds=round(end - begin, 1),
        documents=len(traffic.told.contents),
        calls=len(calls.attempts),
        errors=dict(sorted(calls.errors().items())),
        not_decided_at_once=len(traffic.told.pending),
        gaps={each: round(gap, 2) for each, gap in sorted(calls.gaps(begin, end).items())},
        before={each: _spread(calls, each, begin, first) for each in operations},
        since={each: _spread(calls, each, first, end) for each in operations},
        recovered=[(mark.what, round(took, 1)) for mark, took in _recoveries(calls, marks, end)],
    )


def _spread(calls: CallLog, operation: str, begin: float, end: float) -> dict[str, float]:
    took = calls.took(operation, begin, end)
    found = {"p50": quantile(took, 0.5), "p99": quantile(took, 0.99)}
    return {name: round(value, 3) for name, value in found.items() if not isnan(value)}


def _recoveries(calls: CallLog, marks: Sequence[Mark], end: float) -> list[tuple[Mark, float]]:
    """From each mark to the end of the last second, before the next one, that was not clean."""
    failed = [each.ended for each in calls.attempts if each.error]
    usual = max(_waiting(calls, calls.begun + second) for second in _seconds(calls, marks, end))
    found = []
    for mark, following in zip(marks, [*[each.at for each in marks[1:]], end], strict=True):
        bad = [at for at in failed if mark.at <= at < following]
        second = mark.at
        while second < following:
            if _waiting(calls, second) > usual:
                bad.append(second)
            second += 0.1
        found.append((mark, max(bad, default=mark.at) - mark.at))
    return found


def _seconds(calls: CallLog, marks: Sequence[Mark], end: float) -> list[float]:
    """Tenths of seconds before the fault."""
    first = marks[0].at if marks else end
    return [step / 10 for step in range(int(10 * (first - calls.begun)) + 1)]


def _waiting(calls: CallLog, moment: float) -> int:
    """Documents that were due then and not yet with all recipients."""
    return sum(
        due <= moment < calls.finished.get(document, moment + 1)
        for document, due in calls.due.items()
    )


def add_to_report(path: Path, figures: Figures) -> None:
    """Write a run's figures into a JSON file (a list), in place of an earlier run's."""
    known = json.loads(path.read_text()) if path.exists() else []
    kept = [each for each in known if each["fault"] != figures.fault]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([*kept, asdict(figures)], indent=1, ensure_ascii=False) + "\n")
