"""How many statuses an organisation holds for deliveries that are not known (rule 9).

An aggregate of its own, `holder/<organisation>`, on the partition of the organisation's deliveries.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import Moment, Request, id_of
from docaxis_status.domain.messages import Event, StatusesHeld, StatusesReported

DEFAULT_MOST_HELD = 10_000


@dataclass(frozen=True, slots=True)
class Facts(Moment):
    """The time, and how many statuses one organisation may hold."""

    most_held: int = DEFAULT_MOST_HELD


@dataclass(frozen=True, slots=True)
class Holder:
    """An organisation as a holder. `held` counts the axis's own 01 too, which is never refused."""

    organisation_id: str
    held: int = 0


def facts_with(most_held: int) -> Callable[[Sequence[Request]], Awaitable[Sequence[Facts]]]:
    """The provider of facts of an installation."""

    async def facts(requests: Sequence[Request]) -> Sequence[Facts]:
        return [Facts(each.now, each.command_id, most_held) for each in requests]

    return facts


def holder(organisation_id: str) -> str:
    """The name of the aggregate."""
    return f"holder/{organisation_id}"


def holders(organisation_ids: Iterable[str]) -> tuple[str, ...]:
    """Their names, each once."""
    return tuple(dict.fromkeys(map(holder, organisation_ids)))


def initial(name: str) -> Holder:
    """Nothing is held."""
    return Holder(id_of(name))


def evolve(state: Holder, event: Event) -> Holder:
    """What came is held; what was held is released when its delivery becomes known."""
    match event:
        case StatusesHeld():
            return replace(state, held=state.held + len(event.statuses))
        case StatusesReported():
            return replace(state, held=max(0, state.held - event.released))
    return state
