"""Outcomes of commands (L7): how a decision becomes one, and how it reads on the other side."""

from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto.kernel_v1_pb2 import CommandDied, FieldAtFault, Outcome, Typed

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
        outcome.fields.extend(
            FieldAtFault(pointer=each.pointer, code=each.code, params=each.params)
            for each in decision.fields
        )
        return outcome
    outcome.kind = Outcome.DECIDED if isinstance(decision, Decided) else Outcome.ALREADY_DECIDED
    if isinstance(decision, Decided | AlreadyDecided) and decision.answer is not None:
        outcome.answer.type, outcome.answer.data = codec.encode(decision.answer)
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
        raise _refusal(outcome)
    if not outcome.HasField("answer"):
        return None
    return codec.decode(outcome.answer.type, outcome.answer.data)


def _refusal(outcome: Outcome) -> DocaxisError:
    params = dict(outcome.params)
    fields = [FieldProblem(each.pointer, each.code, dict(each.params)) for each in outcome.fields]
    if outcome.pointer and not fields:
        fields = [FieldProblem(outcome.pointer, outcome.code, params)]
    suggested = [
        one for each in fields for one in each.params.get("suggestions", "").split(",") if one
    ]
    return DocaxisError(
        outcome.code, params, fields=tuple(fields), suggestions=tuple(dict.fromkeys(suggested))
    )


def typed(value: object, codec: MessageCodec) -> Typed:
    """A domain object with its type beside it."""
    name, data = codec.encode(value)
    return Typed(type=name, data=data)
