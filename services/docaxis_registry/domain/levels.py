"""Dated levels of an organisation: which one held on a day (rule 21)."""

from dataclasses import dataclass

MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class DatedLevel:
    """A level 1-4 from a full-date on; without one, since ever."""

    level: int
    since: str = ""


Levels = tuple[DatedLevel, ...]
"""In the order of their dates, one a date."""


def level_on(levels: Levels, day: str) -> DatedLevel | None:
    """The level that held on a full-date; None for days before the first one began."""
    return next((each for each in reversed(levels) if each.since <= day), None)


def with_level(levels: Levels, level: int, since: str) -> Levels:
    """The levels with one more, or with another for a date that had one."""
    if levels and levels[-1] == DatedLevel(level, since):
        return levels
    by_date = {each.since: each for each in levels}
    by_date[since] = DatedLevel(level, since)
    return tuple(by_date[date] for date in sorted(by_date))


def dated(levels: Levels, level: int, since: str, today: str) -> str:
    """The date from which a level is told that may come without one.

    The same level as today's tells nothing; another one begins today; a first one was so ever.
    """
    if since or not levels:
        return since
    present = level_on(levels, today)
    return present.since if present is not None and present.level == level else today
