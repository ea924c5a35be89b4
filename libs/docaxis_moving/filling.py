"""An export's records into a log, and every one read back.

A stream that has some of its records already, from an import that was killed, has a beginning of
what the export has; the rest is added. Anything else is told: it is another log.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from docaxis_eventsourcing.envelope import Message
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import (
    START,
    EventLog,
    Outgoing,
    Position,
    Recorded,
    TopicPartition,
)
from docaxis_eventsourcing.running_service import RunningService
from docaxis_moving.group_places import place_group
from docaxis_moving.layout import ALL, Manifest, Stream
from docaxis_moving.log_segments import read_segment
from docaxis_moving.new_home import NewHome
from docaxis_moving.plan import followed

_LIMIT = 200
_WAIT_S = 1.0
_AT_ONCE_RECORDS = 2000
_AT_ONCE_BYTES = 2 * 2**20


class LogFilling:
    """Fills a new home's streams one after the other."""

    def __init__(
        self,
        home: NewHome,
        folder: Path,
        manifest: Manifest,
        progress: Callable[[str, int, int], None],
    ) -> None:
        self._home = home
        self._folder = folder
        self._manifest = manifest
        self._progress = progress
        self._places: dict[tuple[str, int], dict[int, Position]] = {}
        """Topic and partition -> position behind so many records, where a group stands there."""
        for each in manifest.groups:
            if each.done != 0:
                self._places.setdefault((each.topic, each.partition), {})[each.done] = START

    async def fill(self) -> None:
        """Add what is missing, then compare all. Raises `ExportDamaged`, `Divergence`."""
        for stage, work in (("log", self._add), ("verifying", self._verify)):
            done = 0
            for stream in self._manifest.streams:
                await work(stream)
                done += stream.count
                self._progress(stage, done, self._manifest.records)

    async def _add(self, stream: Stream) -> None:
        messages = _messages(self._folder, stream)
        async for record in _all(self._home.log, stream):
            _compare(record, next(messages, None))
        batch: list[Outgoing] = []
        size = 0
        for message in messages:
            batch.append(Outgoing(stream.topic, stream.partition, message))
            size += len(message.data)
            if len(batch) >= _AT_ONCE_RECORDS or size >= _AT_ONCE_BYTES:
                await self._home.load(batch)
                batch, size = [], 0
        if batch:
            await self._home.load(batch)

    async def _verify(self, stream: Stream) -> None:
        """Compare each record, and note where groups stand."""
        wanted = self._places.get((stream.topic, stream.partition), {})
        messages = _messages(self._folder, stream)
        count = 0
        async for record in _all(self._home.log, stream):
            _compare(record, next(messages, None))
            count += 1
            for number in (count, ALL):  # the last one that is seen stays behind ALL
                if number in wanted:
                    wanted[number] = record.after
        if next(messages, None) is not None:
            raise Divergence(f"{stream.topic}/{stream.partition} has {count} of {stream.count}")

    async def place_groups(self, services: Sequence[RunningService]) -> None:
        """Let reactions and effects go on where they were: nothing is verified or sent again.

        Processors begin with the first command there is. Raises `MoveRefused` where somebody else
        is a member of their groups.
        """
        groups = followed(services)
        for number, (group, topic) in enumerate(groups):
            self._progress("groups", number, len(groups))
            positions = {
                TopicPartition(topic, each.partition): self._places[topic, each.partition][
                    each.done
                ]
                for each in self._manifest.groups
                if (each.group, each.topic) == (group, topic) and each.done != 0
            }
            if positions:
                await place_group(self._home.log, group, positions)
        self._progress("groups", len(groups), len(groups))


def _messages(folder: Path, stream: Stream) -> Iterator[Message]:
    for segment in stream.segments:
        yield from read_segment(folder, segment)


async def _all(log: EventLog, stream: Stream) -> AsyncIterator[Recorded]:
    """What a partition of the new home has now."""
    end = await log.end(stream.topic, stream.partition)
    if end.place == 0:
        return
    tail = log.tail(stream.topic, {stream.partition: START})
    try:
        while tail.reached(stream.partition).place < end.place:
            for record in await tail.next(_LIMIT, _WAIT_S):
                yield record
    finally:
        await tail.close()


def _compare(record: Recorded, message: Message | None) -> None:
    if message is None or (record.envelope, record.data) != (message.envelope, message.data):
        here = f"{record.topic}/{record.partition} behind {record.after.place}"
        raise Divergence(f"{here} is {record.envelope.id}, which the export does not have there")
