"""Takes guards away in the processes that a test starts, to see that the tests miss them.

- *Durable before answered*: a door goes on before its command has arrived at any broker.
- *The transaction* of events and consumed positions: events are appended, then positions stored,
  and whoever was fenced does not notice.
- *The memory of repeats* (L2): every command is decided as if it were new.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from docaxis_adapters.kafka_log import KafkaEventLog
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_eventsourcing.errors import Fenced
from docaxis_eventsourcing.ports.event_log import Batch, Outgoing, Position
from docaxis_eventsourcing.states import Entry

_append, _join, _commit = KafkaEventLog.append, KafkaEventLog.join, KafkaConsumer.commit
_log_of: dict[KafkaConsumer, KafkaEventLog] = {}
_on_their_way: set["asyncio.Task[None]"] = set()


async def _append_and_go_on(self: KafkaEventLog, outputs: Sequence[Outgoing]) -> None:
    """What a door appends names where its outcome goes; all else waits as ever."""
    if any(each.message.envelope.reply_to < 0 for each in outputs):
        await _append(self, outputs)
        return
    task = asyncio.create_task(_append(self, outputs))
    _on_their_way.add(task)
    task.add_done_callback(_forget)


def _forget(task: "asyncio.Task[None]") -> None:
    _on_their_way.discard(task)
    if not task.cancelled():
        task.exception()


async def _remembering_join(self: KafkaEventLog, *arguments: Any, **named: Any) -> KafkaConsumer:
    consumer = await _join(self, *arguments, **named)
    _log_of[consumer] = self
    return consumer


async def _append_then_progress(
    self: KafkaConsumer, batch: Batch, outputs: Sequence[Outgoing]
) -> Sequence[Position]:
    log = _log_of[self]
    await _append(log, outputs)
    try:
        await self.progress(batch.upto)
    except Fenced:
        pass
    streams = {(each.topic, each.partition) for each in outputs}
    ends = {at: (await log.end(*at)).place for at in streams}
    return [
        Position(each.message.envelope.sequence, ends[each.topic, each.partition])
        for each in outputs
    ]


def install() -> None:
    """Take them all away in this process."""
    KafkaEventLog.append = _append_and_go_on  # type: ignore[method-assign]
    KafkaEventLog.join = _remembering_join  # type: ignore[method-assign]
    KafkaConsumer.commit = _append_then_progress  # type: ignore[method-assign]
    Entry.repeated = lambda self, command_id: None  # type: ignore[method-assign]
