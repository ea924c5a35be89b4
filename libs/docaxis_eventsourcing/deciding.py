"""One partition's share of a batch: commands in order become events and outcomes, in memory.

Nothing here waits or writes: the processor hands in what was loaded and fetched, and commits what
comes out. A repeated command gets its stored outcome (L2); one that fails in `decide` dies alone
and the rest goes on (L22).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from docaxis_eventsourcing.decider import Decided, Decider, Decision, NotYet, Request
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.outcomes import (
    DIED_TYPE,
    OUTCOME_TYPE,
    dead_outcome,
    outcome_of,
    repeated,
)
from docaxis_eventsourcing.ports.event_log import Outgoing, Recorded
from docaxis_eventsourcing.states import Fold, touched_by
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_proto.kernel_v1_pb2 import CommandDied, Outcome

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pending:
    """A command record as read: decoded, or why it cannot be."""

    record: Recorded
    command: Any = None
    names: tuple[str, ...] = ()
    failure: str = ""

    @property
    def subject(self) -> str:
        """The first aggregate that the command names."""
        return self.names[0] if self.names else ""


def read_command(record: Recorded, decider: Decider, codec: MessageCodec) -> Pending:
    """Decode a command and name its aggregates; a failure makes it dead later, not here."""
    try:
        command = codec.decode(record.envelope.type, record.data)
        return Pending(record, command, decider.aggregates(command))
    except Exception as error:  # noqa: BLE001 - L22: whatever is wrong with it, it dies alone
        return Pending(record, failure=repr(error))


@dataclass(slots=True)
class PartitionDecisions:
    """Decides the commands of one partition, in order, upon a fold that it moves forward."""

    decider: Decider
    codec: MessageCodec
    topics: ServiceTopics
    partition: int
    epoch: int
    fold: Fold
    now: int
    """Log time of the last command decided; it never runs backwards (L5)."""
    outputs: list[Outgoing] = field(default_factory=list)
    not_yet: list[str] = field(default_factory=list)
    """Ids of the timers' commands that came before their time."""

    def request(self, pending: Pending) -> Request:
        """The command as its facts are fetched for it."""
        self.now = max(self.now, pending.record.time)
        return Request(pending.command, pending.record.envelope.id, self.now)

    def decide(self, pending: Pending, request: Request, facts: Any) -> None:
        """Decide one command and fold its events in.

        `facts` are what was fetched for it, or the exception that fetching them raised.
        """
        envelope = pending.record.envelope
        if pending.names:
            stored = self.fold.entries[pending.subject].repeated(envelope.id)
            if stored is not None:
                again = repeated(stored, envelope.id, pending.subject, self.partition)
                self._tell(envelope, again)
                return
        if pending.failure:
            self._die(pending, request.now, pending.failure)
            return
        before, outputs = self.fold.mark(pending.names), len(self.outputs)
        try:
            self._decide(pending, request, facts)
        except Exception as error:  # noqa: BLE001 - L22: it dies alone, and is kept whole
            _log.exception(
                "command_died",
                service=self.decider.service,
                command=envelope.type,
                command_id=envelope.id,
            )
            self.fold.back_to(before)
            del self.outputs[outputs:]
            self._die(pending, request.now, repr(error))

    def _decide(self, pending: Pending, request: Request, facts: Any) -> None:
        if isinstance(facts, Exception):
            raise facts
        states = self.fold.states(pending.names)
        decision = self.decider.decide(states, facts, pending.command)
        if isinstance(decision, NotYet):
            self.not_yet.append(pending.record.envelope.id)
        else:
            self._write(pending, request.now, decision)

    def _write(self, pending: Pending, now: int, decision: Decision) -> None:
        command = pending.record.envelope
        outcome = outcome_of(decision, self.codec, command.id, pending.subject, self.partition)
        events = decision.events if isinstance(decision, Decided) else ()
        if events:
            outcome.first_version = self.fold.version + 1
            outcome.last_version = self.fold.version + len(events)
        stored = outcome.SerializeToString()
        for index, event in enumerate(events):
            self._check_named(pending, event)
            last = index == len(events) - 1
            name, data = self.codec.encode(event)
            kept = stored if last and _worth_keeping(command, outcome) else b""
            envelope = self._envelope(pending, name, now, index, kept)
            self.fold.add(envelope, event)
            self._put(envelope, data)
        self._tell(command, outcome, stored)

    def _check_named(self, pending: Pending, event: Any) -> None:
        """Other aggregates are there only by chance, where the same batch needs them (L6)."""
        if strangers := set(touched_by(self.decider, event)).difference(pending.names):
            raise ValueError(f"the event names {sorted(strangers)}, which its command does not")

    def _die(self, pending: Pending, now: int, failure: str) -> None:
        command = pending.record.envelope
        outcome = dead_outcome(command.id, pending.subject, self.partition)
        died = CommandDied(
            command_id=command.id,
            command_type=command.type,
            command_data=pending.record.data,
            failure=failure,
            correlation_id=command.correlation_id,
            actor=command.actor,
        )
        envelope = self._envelope(pending, DIED_TYPE, now, 0, outcome.SerializeToString())
        self.fold.add(envelope, died)
        self._put(envelope, died.SerializeToString())
        self._tell(command, outcome)

    def _envelope(
        self, pending: Pending, name: str, now: int, index: int, outcome: bytes
    ) -> Envelope:
        command = pending.record.envelope
        return Envelope(
            id=derived_id("event", command.id, index),
            type=name,
            source=f"docaxis/{self.decider.service}",
            subject=pending.subject,
            time=now,
            sequence=self.fold.version + 1,
            epoch=self.epoch,
            correlation_id=command.correlation_id or command.id,
            causation_id=command.id,
            actor=command.actor,
            outcome=outcome,
            traceparent=command.traceparent,
        )

    def _put(self, envelope: Envelope, data: bytes) -> None:
        self.outputs.append(Outgoing(self.topics.events, self.partition, Message(envelope, data)))

    def _tell(self, command: Envelope, outcome: Outcome, stored: bytes = b"") -> None:
        """Write the outcome where the asking replica reads; nothing where nobody waits (L7)."""
        if command.reply_to < 0:
            return
        envelope = Envelope(
            id=derived_id("outcome", command.id),
            type=OUTCOME_TYPE,
            source=f"docaxis/{self.decider.service}",
            causation_id=command.id,
            correlation_id=command.correlation_id or command.id,
            traceparent=command.traceparent,
        )
        message = Message(envelope, stored or outcome.SerializeToString())
        self.outputs.append(Outgoing(self.topics.outcomes, command.reply_to, message))


def _worth_keeping(command: Envelope, outcome: Outcome) -> bool:
    return command.reply_to >= 0 or outcome.HasField("answer")


def names_needed(pendings: Sequence[Pending]) -> list[str]:
    """All aggregates that a partition's commands name, each once, in order."""
    return list(dict.fromkeys(name for pending in pendings for name in pending.names))
