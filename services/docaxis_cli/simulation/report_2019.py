"""The figures of the two conference reports that the simulation plays, and their scaling.

Conference of 15/11/2019, first year: documents sent and received from 12/3 to 12/11/2019, by level.
Conference of 18/01/2019, trial: of 84 connected units 41 sent the full chain of processing statuses
back, 22 part of it, 13 only "arrived", 2 did not answer; of 6 the report says nothing.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from types import MappingProxyType

FIRST_DAY, LAST_DAY = date(2019, 3, 12), date(2019, 11, 12)
SENT: Mapping[int, int] = MappingProxyType({1: 167_984, 2: 60_339, 3: 2_075})
RECEIVED: Mapping[int, int] = MappingProxyType({1: 434_688, 2: 191_571, 3: 1_371})
"""By level: ministries, sectors, provinces, cities; departments, bureaus, districts; communes."""

UNITS, THROUGH_LGSP, THREE_LEVELS = 95, 63, 64

FULL, PART, ARRIVED_ONLY, SILENT = "full", "part", "arrived_only", "none"
NOT_STATED, LATER = "not_stated", "connected_later"
ANSWERS: Mapping[str, int] = MappingProxyType(
    {FULL: 41, PART: 22, ARRIVED_ONLY: 13, SILENT: 2, NOT_STATED: 6, LATER: 11}
)
"""Units by what they send back; the last 11 of the 95 were connected after the first report."""

STATUSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {FULL: ("01", "03", "04", "05", "06"), PART: ("01", "03"), ARRIVED_ONLY: ("01",)}
)
"""What units of a kind report. Of whom nothing is known reports nothing: nothing is made up."""


def scaled(figures: Mapping[int, int], scale: Fraction) -> dict[int, int]:
    """Figures by level at a scale: the total rounded, shared out by largest remainder.

    Ties go to the higher level (1 is the highest). Scale 1 gives the figures themselves.
    """
    exact = {level: count * scale for level, count in figures.items()}
    total = int(sum(exact.values()) + Fraction(1, 2))
    found = {level: int(count) for level, count in exact.items()}
    by_remainder = sorted(exact, key=lambda level: (found[level] - exact[level], level))
    for level in by_remainder[: total - sum(found.values())]:
        found[level] += 1
    return found
