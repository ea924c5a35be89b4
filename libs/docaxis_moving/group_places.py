"""How far groups came, told to a log whose services rest."""

from collections.abc import Collection, Mapping, Sequence

from docaxis_eventsourcing.ports.event_log import Consumer, EventLog, Position, TopicPartition
from docaxis_eventsourcing.running_service import RunningService
from docaxis_moving.errors import MoveRefused

_WAIT_S = 1.0
_HELD_WITHIN = 60
"""Polls, of a second each: one that was killed is a member for 45 s more."""


async def check_unattended(log: EventLog, services: Sequence[RunningService]) -> None:
    """Whether nobody decides on this log. Raises `MoveRefused` (`groups_not_free`)."""
    for service in services:
        topics = service.topics
        consumer = await log.join(topics.processor_group, topics.all_commands)
        try:
            await _held(consumer, range(log.partitions), topics.processor_group)
        finally:
            await consumer.close()


async def place_group(
    log: EventLog, group: str, positions: Mapping[TopicPartition, Position]
) -> None:
    """Store a group's positions. Raises `MoveRefused` where somebody else is a member."""
    consumer = await log.join(group, sorted({each.topic for each in positions}))
    try:
        await _held(consumer, {each.partition for each in positions}, group)
        await consumer.progress(positions)
    finally:
        await consumer.close()


async def _held(consumer: Consumer, partitions: Collection[int], group: str) -> None:
    held: set[int] = set()
    for _ in range(_HELD_WITHIN):
        polled = await consumer.poll(1, _WAIT_S)
        held = (held - polled.revoked) | polled.assigned
        if held.issuperset(partitions):
            return
    raise MoveRefused("groups_not_free", f"somebody else is a member of {group}: stop all services")
