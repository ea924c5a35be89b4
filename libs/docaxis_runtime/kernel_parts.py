"""The event kernel's parts (processors, reactions, views…) as parts of a process."""

from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.running_service import Part
from docaxis_runtime.background import SupervisedTask
from docaxis_runtime.health import READY, Health


def supervise(part: Part, health: Health) -> SupervisedTask:
    """A kernel part that runs until the process stops; its own health shows in the process's.

    Should it end by itself, the process ends (`lifecycle` P3).
    """

    def word() -> str:
        state, reason = part.health.state, part.health.reason
        if state is PartState.WORKING:
            return READY
        return f"{state}: {reason}" if reason else str(state)

    health.follow(part.health.name, word)
    return SupervisedTask(part.health.name, part.run)
