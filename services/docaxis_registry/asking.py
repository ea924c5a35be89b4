"""What all calls of the registry share: how they ask for decisions, and what they read."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.topics import Lane
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto.kernel_v1_pb2 import Outcome
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import messages
from docaxis_registry.settings import RegistrySettings
from docaxis_registry.views import PARTITION

_LONGEST_BULK_WAIT_S = 60.0
_BULK_GRACE_S = 1.0
"""Of the caller's own deadline: enough for the answer to reach it."""


class Asking:
    """The door, the view and the clock; the calls are in its subclasses."""

    def __init__(
        self,
        door: FrontDoor,
        directory: ViewReader,
        store: ReadStore,
        clock: Callable[[], int],
        epoch: int,
        settings: RegistrySettings,
    ) -> None:
        """`clock` tells today's codes from ended ones in queries; decisions take log time."""
        self._door = door
        self._directory = directory
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._settings = settings

    def _today(self) -> str:
        return day_in_vietnam(self._clock())

    async def _decided(self, method: str, command: messages.Command, request: Any) -> Any:
        """The decision's answer, once queries show it (unless the view is far behind).

        The key is scoped to the method; where it is absent, nothing is a repeat.
        """
        key = getattr(request, "idempotency_key", "")
        outcome = await self._door.ask_decided(
            command,
            command_id=derived_id("registry", method, key) if key else new_id(),
            partition=PARTITION,
            actor=request.actor,
        )
        answer = answer_of(outcome, CODEC)
        await self._shown(outcome)
        return answer

    async def _decided_in_bulk(
        self, method: str, command: messages.Command, request: Any, context: Any
    ) -> Any:
        """The same behind everything else, for as long as the caller waits; the view is not."""
        key = request.idempotency_key
        left_s = context.time_remaining() if context is not None else None
        wait_s = _LONGEST_BULK_WAIT_S if left_s is None else left_s - _BULK_GRACE_S
        outcome = await self._door.ask_decided(
            command,
            command_id=derived_id("registry", method, key) if key else new_id(),
            partition=PARTITION,
            actor=request.actor,
            lane=Lane.BULK,
            wait_s=min(max(wait_s, 0.1), _LONGEST_BULK_WAIT_S),
        )
        return answer_of(outcome, CODEC)

    async def _shown(self, outcome: Outcome) -> None:
        with suppress(DocaxisError):
            await self._directory.pass_version(
                PARTITION, outcome.last_version, self._settings.view_deadline_s
            )

    async def _pass_end(self) -> None:
        await self._directory.pass_end(PARTITION, self._settings.view_deadline_s)


def limited(field: str, items: Sequence[Any], most: int) -> None:
    """Raise `too_many_items` for a list that is longer."""
    if len(items) > most:
        raise fault("too_many_items", field, limit=str(most))


def fault(code: str, field: str, **params: str) -> DocaxisError:
    """A refusal that names the field at fault."""
    told = {"field": field, **params}
    return DocaxisError(code, told, fields=(FieldProblem(f"/{field}", code, told),))
