"""How completely recipients report on what they were handed over.

Of a delivery the recipient's own statuses count, never the axis's 01 nor the sender's 13:

- full: all of 03, 04, 05 and 06, from the clerk over the leader to the specialist
- part: some of 02 to 06
- arrived only: 01 and nothing more
- none: not a word

Deliveries are counted by the month of their hand-over (Asia/Ho_Chi_Minh), in the view of timelines,
whose rows hold what was said before. An organisation is as complete as the best of its deliveries
in the months asked for.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from docaxis_eventsourcing.ports.read_store import Row, RowRange, Table
from docaxis_eventsourcing.view_reader import ViewReader

FEEDBACK = "feedback"
FULL, PART, ARRIVED_ONLY, NONE = CLASSES = ("full", "part", "arrived_only", "none")
FEEDBACK_TABLE = Table(FEEDBACK, counters=CLASSES)
_CHAIN = frozenset({"03", "04", "05", "06"})
_RETURNED, _ARRIVED = "02", "01"
_PAGE = 500
_LAST = "\uffff"


@dataclass(slots=True)
class Feedback:
    """Units and deliveries by their class; `organisation_id` is empty where counted by level."""

    level: int
    organisation_id: str = ""
    units: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    deliveries: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))


def class_of(codes: Iterable[str]) -> str:
    """The class of a delivery, by the codes that its recipient reported."""
    said = set(codes)
    if said >= _CHAIN:
        return FULL
    if said & _CHAIN or _RETURNED in said:
        return PART
    return ARRIVED_ONLY if _ARRIVED in said else NONE


def feedback_key(month: str, organisation_id: str, level: int) -> str:
    """The row that counts an organisation's deliveries of a month."""
    return f"{month}/{organisation_id}/{level}"


async def by_organisation(
    reader: ViewReader, organisation_ids: Sequence[str], from_month: str, to_month: str
) -> list[Feedback]:
    """What some organisations reported, each at the level that it had last."""
    asking = set(organisation_ids)
    found = await _organisations(reader, from_month, to_month)
    return [each for each in found if each.organisation_id in asking]


async def by_level(reader: ViewReader, from_month: str, to_month: str) -> list[Feedback]:
    """What all organisations reported, by the level that each had last."""
    found: dict[int, Feedback] = {}
    for each in await _organisations(reader, from_month, to_month):
        level = found.setdefault(each.level, Feedback(each.level))
        for name in CLASSES:
            level.units[name] += each.units[name]
            level.deliveries[name] += each.deliveries[name]
    return [found[level] for level in sorted(found)]


async def _organisations(reader: ViewReader, from_month: str, to_month: str) -> list[Feedback]:
    found: dict[str, Feedback] = {}
    async for row in _between(reader, from_month, to_month):
        _, organisation_id, level = row.key.split("/")
        each = found.setdefault(organisation_id, Feedback(int(level), organisation_id))
        each.level = int(level)  # rows come by month: the last one's
        for name in CLASSES:
            each.deliveries[name] += row.counters.get(name, 0)
    for each in found.values():
        best = next((name for name in CLASSES if each.deliveries[name]), NONE)
        each.units[best] = 1
    return sorted(found.values(), key=lambda each: each.organisation_id)


async def _between(reader: ViewReader, from_month: str, to_month: str) -> AsyncIterator[Row]:
    after: tuple[str, ...] | None = None
    while True:
        rows = await reader.range(
            FEEDBACK,
            RowRange(
                "", at_least=from_month, at_most=f"{to_month}/{_LAST}", after=after, limit=_PAGE
            ),
        )
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key,)
