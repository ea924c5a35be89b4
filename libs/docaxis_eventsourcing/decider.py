"""What a domain offers the kernel: two pure functions and the names that they work on (L6).

`decide(states, facts, command) -> decision` and `evolve(state, event) -> state` do no I/O, read no
clock and draw no random number: facts, time and ids are handed in. An aggregate's name is its kind
and its id (`delivery/<id>`) and determines its partition: all aggregates that one command names
lie on one, and no two partitions ever have one of the same name.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.errors import FieldProblem

State = Any
Command = Any
Event = Any
Facts = Any


@dataclass(frozen=True, slots=True)
class Decided:
    """The command holds: these events are facts now; `answer` is what its asker is told."""

    events: tuple[Event, ...]
    answer: object | None = None


@dataclass(frozen=True, slots=True)
class AlreadyDecided:
    """The state shows that it was decided before: no new events, the same answer."""

    answer: object | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The command does not hold: a row of the error table. No event is written (L7)."""

    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    pointer: str = ""
    """JSON pointer to the field at fault."""
    fields: tuple[FieldProblem, ...] = ()
    """The fields at fault, where there are several."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """A timer's command came before its time on the log (L5): the owner appends it again."""


Decision = Decided | AlreadyDecided | Refused | NotYet


@dataclass(frozen=True, slots=True)
class Timer:
    """A command that is due at a moment (Unix ms), as an aggregate's state has it (L21)."""

    due: int
    command: Command


@dataclass(frozen=True, slots=True)
class Request:
    """A command as the facts of its decision are fetched for it. `now` is log time (L5)."""

    command: Command
    command_id: str
    now: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The facts of a command that needs nothing but the time."""

    now: int
    command_id: str


async def only_the_time(requests: Sequence[Request]) -> Sequence[Moment]:
    """The facts provider of a service whose decisions need nothing from elsewhere."""
    return [Moment(request.now, request.command_id) for request in requests]


def no_timer(state: State) -> Timer | None:
    """The timers of a domain that has none."""
    return None


@dataclass(frozen=True, slots=True)
class Decider:
    """One service's domain, as its processor uses it."""

    service: str
    fold_version: int
    """Raised whenever `evolve` or a state changes: states are folded anew beside the old (L26)."""
    states: Mapping[str, type]
    """The state type of each kind of aggregate: frozen dataclasses of plain values."""
    aggregates: Callable[[Command], tuple[str, ...]]
    """The aggregates that a command names; the first keeps its repeats (L2)."""
    touched: Callable[[Event], tuple[str, ...]]
    """The aggregates that an event names; `evolve` runs once for each (L6)."""
    initial: Callable[[str], State]
    """The state of an aggregate to which nothing has happened."""
    decide: Callable[[Mapping[str, State], Facts, Command], Decision]
    evolve: Callable[[State, Event], State]
    facts: Callable[[Sequence[Request]], Awaitable[Sequence[Facts]]] = only_the_time
    """Fetched by the processor before deciding; what was used is written into the event."""
    timer: Callable[[State], Timer | None] = no_timer


def kind_of(aggregate: str) -> str:
    """The kind in an aggregate's name."""
    return aggregate.partition("/")[0]


def id_of(aggregate: str) -> str:
    """The id in an aggregate's name."""
    return aggregate.partition("/")[2]
