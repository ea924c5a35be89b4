"""When each system last made a call: exactly in this process, hourly in the registry's log.

The registry records a system at most once an hour (its rule 29), so a call costs a look into a
dictionary, and a year of one system at most 8,760 of the registry's events, mostly shared.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto.registry_v1_pb2 import NoteSystemsSeenRequest

if TYPE_CHECKING:
    from docaxis_proto.registry_v1_pb2_grpc import RegistryAsyncStub

_TELL_AGAIN_MS = 3_600_000
_PAUSE_MS = 10_000
_MOST_AT_ONCE = 500

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]


class SeenSystems:
    """What one process of the gateway remembers of its callers. Times are Unix ms."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._due: set[str] = set()
        self._telling_since = 0

    def last(self, system_id: str) -> int:
        """When this process saw a system last; 0: never."""
        return self._last.get(system_id, 0)

    def note(self, system_id: str, now: int, registry: "RegistryAsyncStub", spawn: Spawn) -> None:
        """Remember a call, and tell the registry now and then, beside the calls.

        What could not be told is told with the next that is due: nobody waits for it.
        """
        self._last[system_id] = now
        if now - self._told.get(system_id, 0) >= _TELL_AGAIN_MS:
            self._told[system_id] = now
            self._due.add(system_id)
        if self._due and now - self._telling_since >= _PAUSE_MS:
            self._telling_since = now
            due = sorted(self._due)[:_MOST_AT_ONCE]
            self._due.difference_update(due)
            spawn("note_systems_seen", self._tell(registry, due))

    async def _tell(self, registry: "RegistryAsyncStub", due: list[str]) -> None:
        try:
            await registry.NoteSystemsSeen(NoteSystemsSeenRequest(system_ids=due, actor="gateway"))
        except DocaxisError:  # the registry is away or busy: a later call tells it again
            self._due.update(due)
