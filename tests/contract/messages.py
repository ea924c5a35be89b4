"""Messages and small steps that the contract tests of the log share."""

import asyncio
from collections.abc import Sequence

from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.ports.event_log import (
    START,
    Batch,
    Consumer,
    EventLog,
    Outgoing,
    Position,
    Recorded,
)

COMMANDS = "docaxis.routing.commands.normal"
URGENT = "docaxis.routing.commands.urgent"
EVENTS = "docaxis.routing.events"
OUTCOMES = "docaxis.routing.outcomes"
"""Not declared by the fixture: its records expire (L17)."""
OUTCOMES_KEPT_S = 3600.0
WAIT_S = 30.0
"""Long enough for any broker; no test waits for it to pass."""


def message(name: str, sequence: int = 0, data: bytes = b"data") -> Message:
    """A small message."""
    return Message(
        Envelope(
            id=name, type="docaxis.test.v1.Happened", source="docaxis/test", sequence=sequence
        ),
        data,
    )


def outgoing(name: str, partition: int = 0, topic: str = COMMANDS, sequence: int = 0) -> Outgoing:
    """A small message on its way."""
    return Outgoing(topic, partition, message(name, sequence))


def ids(records: Sequence[Recorded]) -> list[str]:
    """The envelopes' ids."""
    return [record.envelope.id for record in records]


async def read_to_end(log: EventLog, topic: str, partition: int) -> list[Recorded]:
    """All records of a partition, as a fold reads them."""
    return await read_from(log, topic, partition, START)


async def read_from(log: EventLog, topic: str, partition: int, at: Position) -> list[Recorded]:
    """All records of a partition behind a position, until the end was passed (L15)."""
    end = await log.end(topic, partition)
    tail = log.tail(topic, {partition: at})
    found: list[Recorded] = []
    try:
        while tail.reached(partition).place < end.place:
            found += await tail.next(100, WAIT_S)
    finally:
        await tail.close()
    return found


async def take_all(consumer: Consumer, partitions: int) -> None:
    """Poll until the member holds every partition, and start them."""
    held: set[int] = set()
    while len(held) < partitions:
        polled = await consumer.poll(1, WAIT_S)
        held = (held - polled.revoked) | polled.assigned
    for partition in held:  # only now: a batch that came before would be lost here
        consumer.start(partition)


async def next_batch(consumer: Consumer, limit: int = 100) -> Batch:
    """Poll until there is a batch."""
    while True:
        polled = await consumer.poll(limit, WAIT_S)
        if polled.batch is not None:
            return polled.batch


async def gather_ids(consumer: Consumer, count: int, limit: int = 100) -> list[str]:
    """Poll until so many records came."""
    found: list[str] = []
    while len(found) < count:
        found += ids((await next_batch(consumer, limit)).records)
    return found


async def share_with(first: Consumer, second: Consumer) -> tuple[set[int], set[int]]:
    """Poll two members until the second holds something; what the first lost, the second got."""
    lost: set[int] = set()
    got: set[int] = set()
    while not got:
        for_first, for_second = await asyncio.gather(first.poll(1, 0.05), second.poll(1, 0.05))
        lost |= for_first.revoked
        got |= for_second.assigned
    while not got <= lost:
        lost |= (await first.poll(1, 0.05)).revoked
    return lost, got


async def regain(consumer: Consumer, partitions: set[int]) -> None:
    """Poll until the member has got these partitions again."""
    got: set[int] = set()
    while not partitions <= got:
        got |= (await consumer.poll(1, WAIT_S)).assigned
