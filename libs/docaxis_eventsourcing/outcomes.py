"""Outcomes of commands (L7): how a decision becomes one, and how it reads on the other side."""

from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto.kernel_v1_pb2 import CommandDied, Outcome, Typed

OUTCOME_TYPE: str = Outcome.DESCRIPTOR.full_name
DIED_TYPE: str = CommandDied.DESCRIPTOR.full_name


def outcome_of(
    decision: Decision, codec: MessageCodec, command_id: str, subject: str, partition: int
) -> Outcome:
    """The outcome message of a decision; versions are filled in by who numbers the events."""
    outcome = Outcome(command_id=command_id, subject=subject, partition=partition)
    if isinstance(decision, Refused):
        outcome.kind = Outcome.REFUSED
        outcome.code = decision.code
        outcome.pointer = decision.pointer
        outcome.params.update(decision.params)
        return outcome
    outcome.kind = Outcome.DECIDED if isinstance(decision, Decided) else Outcome.ALREADY_DECIDED
    if isinstance(decision, Decided | AlreadyDecided) and decision.answer is not None:
        outcome.answer.CopyFrom(typed(decision.answer, codec))
    return outcome


def dead_outcome(command_id: str, subject: str, partition: int) -> Outcome:
    """The outcome of a command that failed inside `decide` (L22)."""
    return Outcome(
        command_id=command_id,
        subject=subject,
        partition=partition,
        kind=Outcome.DEAD,
        code="command_dead",
    )


def repeated(stored: bytes, command_id: str, subject: str, partition: int) -> Outcome:
    """The outcome of a command that was decided before: what was answered then."""
    outcome = as_repeat(Outcome.FromString(stored))
    outcome.command_id, outcome.subject, outcome.partition = command_id, subject, partition
    return outcome


def as_repeat(outcome: Outcome) -> Outcome:
    """What who asks again is told: the same, and that it was decided before."""
    if outcome.kind in (Outcome.REFUSED, Outcome.DEAD):
        return outcome
    repeat = Outcome()
    repeat.CopyFrom(outcome)
    repeat.kind = Outcome.ALREADY_DECIDED
    return repeat


def answer_of(outcome: Outcome, codec: MessageCodec) -> Any:
    """The domain object that the decision answered, or None.

    Raises `DocaxisError` with the refusal's code, or `command_dead`.
    """
    if outcome.kind in (Outcome.REFUSED, Outcome.DEAD):
        fields = (
            (FieldProblem(outcome.pointer, outcome.code, dict(outcome.params)),)
            if outcome.pointer
            else ()
        )
        raise DocaxisError(outcome.code, dict(outcome.params), fields=fields)
    if not outcome.HasField("answer"):
        return None
    return codec.decode(outcome.answer.type, outcome.answer.data)


def typed(value: object, codec: MessageCodec) -> Typed:
    """A domain object with its type beside it."""
    name, data = codec.encode(value)
    return Typed(type=name, data=data)
