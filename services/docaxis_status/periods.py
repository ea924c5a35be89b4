"""Periods that figures are asked for: days and months in Viet Nam, both ends included."""

import re
from datetime import date

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem

MOST_DAYS = 366
MOST_MONTHS = 24
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}-\d\d")


def check_days(from_day: str, to_day: str) -> None:
    """Refuse what is no period of days. Raises `DocaxisError` `limit_invalid`."""
    first, last = (_day(name, text) for name, text in (("from", from_day), ("to", to_day)))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise _invalid("to", f"from … from + {MOST_DAYS - 1} days")


def check_months(from_month: str, to_month: str) -> None:
    """Refuse what is no period of months. Raises `DocaxisError` `limit_invalid`."""
    first, last = (_month(name, text) for name, text in (("from", from_month), ("to", to_month)))
    if not 0 <= (last.year - first.year) * 12 + last.month - first.month < MOST_MONTHS:
        raise _invalid("to", f"from … from + {MOST_MONTHS - 1} months")


def check_by(by: str) -> None:
    """Refuse what figures are not counted by. Raises `DocaxisError` `limit_invalid`."""
    if by not in ("level", "organisation"):
        raise _invalid("by", "level, organisation")


def _day(name: str, text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _invalid(name, "YYYY-MM-DD")


def _month(name: str, text: str) -> date:
    try:
        if _MONTH.fullmatch(text):
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass
    raise _invalid(name, "YYYY-MM")


def _invalid(field: str, expected: str) -> DocaxisError:
    params = {"field": field, "expected": expected}
    return DocaxisError(
        "limit_invalid", params, fields=(FieldProblem(f"/{field}", "limit_invalid", params),)
    )
