"""Taking a partition: fold the events that its states have not seen, up to the end (L15)."""

from collections.abc import Sequence
from typing import Any

from docaxis_eventsourcing.decider import Decider
from docaxis_eventsourcing.errors import Divergence, UnknownType
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.outcomes import DIED_TYPE
from docaxis_eventsourcing.ports.event_log import EventLog, Position, Recorded
from docaxis_eventsourcing.states import PartitionStates, touched_by
from docaxis_proto.kernel_v1_pb2 import CommandDied

_CHUNK = 1000
_WAIT_S = 1.0


async def catch_up(
    states: PartitionStates,
    log: EventLog,
    decider: Decider,
    codec: MessageCodec,
    topic: str,
    partition: int,
) -> None:
    """Fold a partition's events until the high watermark is passed; the states are then current.

    The watermark is asked first and counts transactions whose markers are not yet visible, so that
    nothing that an earlier owner committed is missed. Raises `Divergence` where the states are
    ahead of the log (L4), versions do not follow each other, or a type is unknown (L16).
    """
    await states.open()
    end = await log.end(topic, partition)
    if states.position.place > end.place:
        raise Divergence(
            f"{topic}/{partition}: states stand at {states.position}, the log ends at {end}:"
            " it was restored or exchanged without a new epoch"
        )
    if states.position.place == end.place:
        return
    tail = log.tail(topic, {partition: states.position})
    try:
        while tail.reached(partition).place < end.place:
            records = await tail.next(_CHUNK, _WAIT_S)
            if records:
                await _fold(states, decider, codec, records)
    finally:
        await tail.close()


async def _fold(
    states: PartitionStates, decider: Decider, codec: MessageCodec, records: Sequence[Recorded]
) -> None:
    events = [decode_event(record, codec) for record in records]
    names: set[str] = set()
    for record, event in zip(records, events, strict=True):
        try:
            names.update(touched_by(decider, event), filter(None, [record.envelope.subject]))
        except Exception as error:
            raise _cannot(record, error) from error
    fold = states.folder(await states.load(sorted(names)))
    for record, event in zip(records, events, strict=True):
        try:
            fold.add(record.envelope, event)
        except Exception as error:
            raise _cannot(record, error) from error
    await states.save(fold, Position(fold.version, records[-1].after.place))


def decode_event(record: Recorded, codec: MessageCodec) -> Any:
    """The domain event, or the kernel's own `CommandDied`. Raises `Divergence` (L16)."""
    if record.envelope.type == DIED_TYPE:
        return CommandDied.FromString(record.data)
    try:
        return codec.decode(record.envelope.type, record.data)
    except Exception as error:
        raise _cannot(record, error) from error


def _cannot(record: Recorded, error: Exception) -> Divergence:
    """L22: an own event that cannot be folded stops its partition, whatever is wrong with it."""
    where = f"{record.topic}/{record.partition} version {record.envelope.sequence}"
    if isinstance(error, UnknownType):
        return Divergence(
            f"{where} is of type {error}, which this release does not know: a newer one wrote it"
        )
    return Divergence(f"{where} ({record.envelope.type}) cannot be folded: {error!r}")
