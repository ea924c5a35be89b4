"""The 95 connected units of 2019 and their organisations.

Known are 28 central agencies and 63 provinces with their codes. Three central agencies, the Party
Central Office's code, and all organisations below are synthetic: their names say so, and their
codes have an `X` in front of the last group.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from docaxis_cli.simulation.report_2019 import ANSWERS, THREE_LEVELS, UNITS

_SPREAD = 37
"""Without a common divisor with 95: spreads the kinds of answers over the units."""
_BELOW = 2


@dataclass(frozen=True, slots=True)
class SimulatedOrganisation:
    """An organisation that sends and receives in the simulation."""

    code: str
    name: str
    level: int
    kind: str
    unit: str
    """The code of the connected unit whose system serves it."""
    parent_code: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A connected unit: one system, which serves the unit's organisations."""

    code: str
    name: str
    connection: str
    answers: str
    """A key of `report_2019.ANSWERS`."""
    organisations: tuple[SimulatedOrganisation, ...]


@cache
def units() -> tuple[Unit, ...]:
    """All units: central agencies directly, the 63 provinces through their LGSP [assumed]."""
    central, provinces = _known()
    central += [(f"X0{number}", f"Cơ quan trung ương {number} (giả định)") for number in (1, 2, 3)]
    central.append(("X04", "Văn phòng Trung ương Đảng (mã giả định)"))
    named = [(*each, "direct", "central") for each in central]
    named += [(*each, "lgsp", "province") for each in provinces]
    order = sorted(range(UNITS), key=lambda place: place * _SPREAD % UNITS)
    kinds = dict(zip(order, _kinds(), strict=True))
    return tuple(
        Unit(
            code,
            name,
            connection,
            kinds[place],
            tuple(_organisations(code, name, kind, three_levels=place >= UNITS - THREE_LEVELS)),
        )
        for place, (code, name, connection, kind) in enumerate(named)
    )


def by_level() -> Mapping[int, tuple[SimulatedOrganisation, ...]]:
    """All organisations by their level."""
    everyone = [each for unit in units() for each in unit.organisations]
    return {level: tuple(e for e in everyone if e.level == level) for level in (1, 2, 3)}


def _organisations(
    code: str, name: str, kind: str, *, three_levels: bool
) -> Iterator[SimulatedOrganisation]:
    yield SimulatedOrganisation(code, name, 1, kind, code)
    for number in range(1, _BELOW + 1):
        below = f"Đơn vị cấp 2 số {number} của {name} (giả định)"
        yield SimulatedOrganisation(f"{code}.X{number}", below, 2, "department", code, code)
    if three_levels:
        below = f"Đơn vị cấp 3 số 1 của {name} (giả định)"
        parent = f"{code}.X1"
        yield SimulatedOrganisation(f"{parent}.X1", below, 3, "commune", code, parent)


def _kinds() -> list[str]:
    return [kind for kind, count in ANSWERS.items() for _ in range(count)]


def _known() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(code, name) of central agencies, and of the provinces of 2019 behind those of 2025."""
    text = files("docaxis_registry").joinpath("data/agencies.json").read_text(encoding="utf-8")
    told: dict[str, list[dict[str, Any]]] = json.loads(text)
    central = [(each["code"], each["name"]) for each in told["central"]]
    provinces = [
        (one["code"], one["name"])
        for each in told["provinces"]
        for one in (each, *each.get("merged", ()))
    ]
    return sorted(central), sorted(provinces)
