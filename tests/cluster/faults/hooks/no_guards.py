"""Takes guards away in the processes that a test starts, to see that the tests miss them (L34).

`WITHOUT` names them. `make test-faults` takes away what the environment's `DOCAXIS_TEST_WITHOUT`
lists, so that each fault can be seen to do damage: `docs/explanation/reliability.md` has the list.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from docaxis_adapters.kafka_log import KafkaEventLog, event_log
from docaxis_adapters.kafka_log.clients import appending
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_adapters.s3_files import S3FileStore
from docaxis_eventsourcing import deciding, parts, processor, projector, taking
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import Batch, Outgoing, Position
from docaxis_eventsourcing.states import Entry

NAMED = "DOCAXIS_TEST_WITHOUT"

_put = setattr
_append, _join = KafkaEventLog.append, KafkaEventLog.join
_log_of: dict[KafkaConsumer, KafkaEventLog] = {}
_on_their_way: set["asyncio.Task[None]"] = set()


def durable() -> None:
    """*Durable before answered*: a door goes on before its command has arrived at any broker."""

    async def append_and_go_on(self: KafkaEventLog, outputs: Sequence[Outgoing]) -> None:
        """What a door appends names where its outcome goes; all else waits as ever."""
        if any(each.message.envelope.reply_to < 0 for each in outputs):
            await _append(self, outputs)
            return
        task = asyncio.create_task(_append(self, outputs))
        _on_their_way.add(task)
        task.add_done_callback(_forget)

    _put(KafkaEventLog, "append", append_and_go_on)


def _forget(task: "asyncio.Task[None]") -> None:
    _on_their_way.discard(task)
    if not task.cancelled():
        task.exception()


def copies() -> None:
    """`acks=all` and the idempotent producer: what was sent counts as stored."""
    unsafe = {"enable.idempotence": False, "acks": 0, "max.in.flight": 1000}
    _put(event_log, "appending", lambda base: {**appending(base), **unsafe})


def transaction() -> None:
    """One transaction of events and consumed positions: events first, then positions.

    Whoever was fenced does not notice.
    """

    async def remembering_join(self: KafkaEventLog, *arguments: Any, **named: Any) -> KafkaConsumer:
        consumer = await _join(self, *arguments, **named)
        _log_of[consumer] = self
        return consumer

    async def append_then_progress(
        self: KafkaConsumer, batch: Batch, outputs: Sequence[Outgoing]
    ) -> Sequence[Position]:
        log = _log_of[self]
        await _append(log, outputs)
        with suppress(Fenced):
            await self.progress(batch.upto)
        streams = {(each.topic, each.partition) for each in outputs}
        ends = {at: (await log.end(*at)).place for at in streams}
        return [
            Position(each.message.envelope.sequence, ends[each.topic, each.partition])
            for each in outputs
        ]

    _put(KafkaEventLog, "join", remembering_join)
    _put(KafkaConsumer, "commit", append_then_progress)


def repeats() -> None:
    """The memory of repeats (L2): every command is decided as if it were new."""
    _put(Entry, "repeated", lambda self, command_id: None)


def fold() -> None:
    """Fold before deciding (L15): who takes a partition decides on the states as it finds them."""

    async def open_only(states: Any, *_: Any) -> None:
        await states.open()

    _put(taking, "catch_up", open_only)


def log_time() -> None:
    """Now is the log's append time (L5): it is the clock of whoever decides."""
    read = deciding.read_command

    def read_by_own_clock(record: Any, *arguments: Any) -> Any:
        return read(replace(record, time=processor.wall_clock()), *arguments)

    _put(processor, "read_command", read_by_own_clock)


def dead_alone() -> None:
    """A command that fails dies alone (L22): it takes its processor with it."""
    read = deciding.read_command

    def read_or_raise(*arguments: Any) -> Any:
        pending = read(*arguments)
        if pending.failure:
            raise ValueError(pending.failure)
        return pending

    _put(processor, "read_command", read_or_raise)


def waiting() -> None:
    """Failing surroundings pause a partition without bound (L22): the part gives up."""

    async def once(health: Any, doing: str, attempt: Callable[[], Any]) -> Any:
        return await attempt()

    for module in (parts, processor, taking):
        _put(module, "until_available", once)


def files_first() -> None:
    """A document's files are stored before its command: the door writes it all the same."""
    take = S3FileStore.take

    async def take_or_not(self: S3FileStore, *arguments: Any, **named: Any) -> Any:
        try:
            return await take(self, *arguments, **named)
        except Unavailable:
            return []

    _put(S3FileStore, "take", take_or_not)


def no_less() -> None:
    """A replica follows to a build that is as far as its own (L28): it follows at once."""

    async def at_once(self: projector.ViewRunner, build: Any) -> None:
        return

    _put(projector.ViewRunner, "_until_no_less", at_once)


WITHOUT: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        durable,
        copies,
        transaction,
        repeats,
        fold,
        log_time,
        dead_alone,
        waiting,
        files_first,
        no_less,
    )
}


def install(names: str) -> None:
    """Take away, in this process, what is listed; names are parted by commas."""
    for name in filter(None, names.split(",")):
        WITHOUT[name]()
