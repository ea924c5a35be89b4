"""What there is to carry from a log: its streams from where to where, and how far groups came.

It is made before an export and again behind it. Equal plans say that nothing was written between
the two, by whomever: the export is of one moment.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import START, EventLog, Position
from docaxis_eventsourcing.running_service import RunningService
from docaxis_moving.layout import ALL, GroupPlace

_SETTLES_WITHIN_S = 15.0
"""A dead processor's open transaction is ended by the cluster after ten."""
_AGAIN_S = 0.2
_WAIT_S = 1.0

Place = tuple[int, int]
"""A position of the log that is exported, as the journal keeps it."""


class PlannedStream(msgspec.Struct, frozen=True):
    """A partition of a topic: what is exported lies behind `start` and before `end`."""

    topic: str
    partition: int
    start: Place
    end: Place
    events: bool
    """Whether its records are numbered from 1 on, without gaps (L3)."""


class Plan(msgspec.Struct, frozen=True):
    """All of a log that is exported."""

    partitions: int
    epoch: int
    streams: tuple[PlannedStream, ...]
    groups: tuple[GroupPlace, ...]


async def make_plan(log: EventLog, services: Sequence[RunningService]) -> Plan:
    """Ask the log. Raises `Unavailable`, also where a transaction stays open."""
    streams: list[PlannedStream] = []
    for service in services:
        topics = service.topics
        decided = await _committed(log, topics.processor_group, topics.all_commands)
        for topic in (*topics.all_commands, topics.events, topics.outcomes):
            for partition in range(log.partitions):
                end = await _end(log, topic, partition)
                start = decided.get((topic, partition), START)
                streams.append(PlannedStream(topic, partition, start, end, topic == topics.events))
    ends = {(each.topic, each.partition): Position(*each.end) for each in streams}
    groups: list[GroupPlace] = []
    for group, topic in followed(services):
        for (_, partition), at in (await _committed(log, group, (topic,))).items():
            done = await _done(log, topic, partition, at, ends[topic, partition])
            groups.append(GroupPlace(group, topic, partition, done))
    return Plan(log.partitions, log.epoch, tuple(streams), tuple(groups))


def followed(services: Sequence[RunningService]) -> list[tuple[str, str]]:
    """The groups of all reactions and effects, and the topic of events that each follows."""
    return sorted(one for each in services for one in each.followed)


async def _committed(
    log: EventLog, group: str, topics: Sequence[str]
) -> dict[tuple[str, int], Position]:
    consumer = await log.join(group, topics)
    try:
        found: dict[tuple[str, int], Position] = {}
        for partition in range(log.partitions):
            for topic, position in (await consumer.committed(partition)).items():
                found[topic, partition] = position
        return found
    finally:
        await consumer.close()


async def _end(log: EventLog, topic: str, partition: int) -> Position:
    """The stream's end, once no transaction over it is open."""
    for _ in range(int(_SETTLES_WITHIN_S / _AGAIN_S)):
        end = await log.end(topic, partition)
        if (await log.settled(topic, partition)).place >= end.place:
            return Position(0, end.place)
        await asyncio.sleep(_AGAIN_S)
    raise Unavailable(f"a transaction over {topic}/{partition} stays open")


async def _done(log: EventLog, topic: str, partition: int, at: Position, end: Position) -> int:
    """The number of the last event that lies before a position."""
    if at.place >= end.place:
        return ALL
    if at.place == START.place:
        return 0
    tail = log.tail(topic, {partition: at})
    try:
        while tail.reached(partition).place < end.place:
            for record in await tail.next(1, _WAIT_S):
                return record.envelope.sequence - 1
        return ALL
    finally:
        await tail.close()
