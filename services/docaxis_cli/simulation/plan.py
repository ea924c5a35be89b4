"""Who sends what to whom: the same for every run of a scale, so that a run may be repeated.

Levels take turns by their shares, organisations of a level one after another, and every document
has as many recipients as the figures give on average (2 or 3).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from docaxis_cli.simulation.report_2019 import FIRST_DAY, LAST_DAY, RECEIVED, SENT, scaled
from docaxis_cli.simulation.units import SimulatedOrganisation, by_level

_SMALLEST = Decimal("0.000001")
_DAYS = (LAST_DAY - FIRST_DAY).days + 1


@dataclass(frozen=True, slots=True)
class Letter:
    """One document of the plan. `promulgated_on` is a day of 2019, printed on it."""

    number: int
    sender: SimulatedOrganisation
    recipients: tuple[SimulatedOrganisation, ...]
    promulgated_on: date


@dataclass(frozen=True)
class Plan:
    """The simulation at a scale: its figures by level, and its letters."""

    scale: Decimal
    sent: Mapping[int, int] = field(init=False)
    received: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Scale the report. Raises `ValueError` for a scale without a document, or above 1."""
        sound = self.scale.is_finite() and _SMALLEST <= self.scale <= 1
        scale = Fraction(self.scale if sound else 0)
        sent = scaled(SENT, scale)
        if not sum(sent.values()):
            raise ValueError(f"{self.scale}: more than 0, at most 1, and with a document to send")
        object.__setattr__(self, "sent", sent)
        object.__setattr__(self, "received", scaled(RECEIVED, scale))

    @property
    def documents(self) -> int:
        """How many documents are sent."""
        return sum(self.sent.values())

    @property
    def deliveries(self) -> int:
        """How many deliveries are received."""
        return sum(self.received.values())

    def letters(self) -> Iterator[Letter]:
        """All letters, in their order."""
        organisations = by_level()
        senders = {level: _Turns(each) for level, each in organisations.items()}
        takers = {level: _Turns(each) for level, each in organisations.items()}
        recipient_levels = _shared(self.received)
        for number, level in enumerate(_shared(self.sent)):
            sender = senders[level].next()
            chosen = [sender]
            for _ in range(_step(self.deliveries, self.documents, number)):
                chosen.append(takers[next(recipient_levels)].next(but=chosen))
            day = FIRST_DAY + timedelta(days=_DAYS * number // self.documents)
            yield Letter(number + 1, sender, tuple(chosen[1:]), day)

    def short_by(self, stopped: str) -> dict[int, int]:
        """Deliveries by level that are not received while a unit takes nothing."""
        if not stopped:
            return {}
        return dict(
            Counter(
                each.level
                for letter in self.letters()
                for each in letter.recipients
                if each.unit == stopped
            )
        )


class _Turns:
    """Organisations, one after another, for ever."""

    def __init__(self, organisations: tuple[SimulatedOrganisation, ...]) -> None:
        self._all = organisations
        self._place = 0

    def next(self, but: list[SimulatedOrganisation] | None = None) -> SimulatedOrganisation:
        """The next one that is not among others."""
        while True:
            found = self._all[self._place % len(self._all)]
            self._place += 1
            if not but or found not in but:
                return found


def _shared(figures: Mapping[int, int]) -> Iterator[int]:
    """Levels in turns, each as often as its figure says: always the one that is most behind."""
    total = sum(figures.values())
    given = dict.fromkeys(figures, 0)
    for place in range(1, total + 1):
        behind = {level: count * place - given[level] * total for level, count in figures.items()}
        level = max(behind, key=lambda each: (behind[each], -each))
        given[level] += 1
        yield level


def _step(whole: int, parts: int, place: int) -> int:
    """The size of one of `parts` even parts of a whole."""
    return whole * (place + 1) // parts - whole * place // parts
