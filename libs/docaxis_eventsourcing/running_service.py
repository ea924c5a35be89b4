"""What `compose(ports, settings)` of every service takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from docaxis_eventsourcing.parts import PartHealth
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_eventsourcing.ports.signer import Signer
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.topics import OUTCOMES_KEPT_S, ServiceTopics


@dataclass(frozen=True, slots=True)
class Ports:
    """The technology that a service runs on; embedded or distributed, it cannot tell."""

    log: EventLog
    store: ReadStore
    files: FileStore
    secrets: Secrets
    signer: Signer
    clock: Callable[[], int] = wall_clock
    """Unix ms, for timers and claims; decisions take log time (L5)."""
    outcomes_partition: int = 0
    """The outcomes partition that this replica reads (L7)."""
    views_kept_s: float = 0.0
    """How long a view's old space stays after a rebuild: until all replicas have followed."""
    traceparent: Callable[[], str] = str
    """The W3C traceparent of the request being served; empty outside of any."""


class Part(Protocol):
    """Something that runs until cancelled: a processor, reactions, effects, a view, a door."""

    health: PartHealth

    async def run(self) -> None:
        """Ends only by cancellation, or by a fault that must be seen."""
        ...


@runtime_checkable
class FollowingPart(Protocol):
    """A part that goes through a topic of events once, and whose group keeps how far it came."""

    @property
    def follows(self) -> tuple[str, str]:
        """Its group, and the topic."""
        ...


@dataclass(frozen=True, slots=True)
class RunningService:
    """One service, composed: its parts to run, its gRPC servicer, its views to rebuild."""

    name: str
    topics: ServiceTopics
    parts: tuple[Part, ...]
    servicer: Any
    """Instance of the service's generated `…Servicer` class; raises `DocaxisError`."""
    views: Mapping[str, ViewRunner] = field(default_factory=dict)
    """By their full names; see `by_full_name`."""

    @property
    def all_topics(self) -> tuple[str, ...]:
        """Every topic that the service owns."""
        return self.topics.all_topics

    @property
    def followed(self) -> tuple[tuple[str, str], ...]:
        """The groups of its reactions and effects, and the topic of events that each follows."""
        return tuple(each.follows for each in self.parts if isinstance(each, FollowingPart))

    async def declare_topics(self, log: EventLog) -> None:
        """Create the topics that the service owns, before it runs.

        Raises `ValueError` where an existing one disagrees, `Unavailable`.
        """
        await log.declare((*self.topics.all_commands, self.topics.events))
        await log.declare((self.topics.outcomes,), kept_s=OUTCOMES_KEPT_S)


def by_full_name(*views: ViewRunner) -> dict[str, ViewRunner]:
    """Views as a `RunningService` holds them."""
    return {each.view.full_name: each for each in views}
