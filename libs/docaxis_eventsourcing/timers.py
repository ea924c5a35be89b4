"""Timers are state of their partition; its owner appends the command when it is due (L21)."""

from collections.abc import Callable
from contextlib import aclosing

from docaxis_eventsourcing.decider import Decider, State
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing
from docaxis_eventsourcing.states import PartitionStates
from docaxis_eventsourcing.topics import ServiceTopics

TIMER_TICK_S = 1.0
TIMER_REPEAT_MS = 60_000
"""A timer's command that was not decided within this is appended again; its id is the same."""
_AT_ONCE = 500


class PartitionTimers:
    """Appends the due commands of one held partition, by the owner's own clock (L5)."""

    def __init__(
        self,
        decider: Decider,
        codec: MessageCodec,
        topics: ServiceTopics,
        partition: int,
        clock: Callable[[], int],
    ) -> None:
        self._decider = decider
        self._codec = codec
        self._topics = topics
        self._partition = partition
        self._clock = clock
        self._sent: dict[str, int] = {}  # command id -> when, in that order

    async def append_due(self, states: PartitionStates, log: EventLog) -> None:
        """Append what is due and was not sent of late. Raises `Unavailable`."""
        now = self._clock()
        self._forget_before(now - TIMER_REPEAT_MS)
        commands: dict[str, Outgoing] = {}
        async with aclosing(states.due(now)) as due:
            async for name, state in due:
                found = self._command(name, state, now)
                if found is not None and found[0] not in self._sent:
                    commands[found[0]] = found[1]
                    if len(commands) >= _AT_ONCE:
                        break
        if commands:
            await log.append(list(commands.values()))
            self._sent.update(dict.fromkeys(commands, now))

    def again(self, command_id: str) -> None:
        """The log's clock was behind ours (`NotYet`): append it again at the next look."""
        self._sent.pop(command_id, None)

    def _forget_before(self, moment: int) -> None:
        while self._sent and self._sent[first := next(iter(self._sent))] <= moment:
            del self._sent[first]

    def _command(self, name: str, state: State, now: int) -> tuple[str, Outgoing] | None:
        timer = self._decider.timer(state)
        if timer is None:
            return None
        command_id = derived_id("timer", name, timer.due)
        type_name, data = self._codec.encode(timer.command)
        envelope = Envelope(
            id=command_id,
            type=type_name,
            source=f"docaxis/{self._decider.service}",
            subject=name,
            time=now,
            correlation_id=command_id,
        )
        return command_id, Outgoing(
            self._topics.commands(), self._partition, Message(envelope, data)
        )
