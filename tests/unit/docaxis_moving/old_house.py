"""A small axis's log and files, made by hand, and its two homes on the embedded adapters."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, SqliteNewHome, Unkindness
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.parts import PartHealth
from docaxis_eventsourcing.ports.event_log import (
    START,
    EventLog,
    Outgoing,
    Position,
    Recorded,
    TopicPartition,
)
from docaxis_eventsourcing.running_service import RunningService
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from docaxis_moving import Exported, Imported, export_axis, import_axis
from docaxis_moving.layout import read_manifest

PARTITIONS = 3
TOPICS = ServiceTopics("bank", (Lane.URGENT, Lane.NORMAL))
GROUP = "docaxis.bank.reactions.own"
LARGE = bytes(range(256)) * 2000
"""More than what is put in one piece."""


class Following:
    """A part that has come some way through the bank's events."""

    def __init__(self) -> None:
        self.health = PartHealth("bank.reactions.own")

    @property
    def follows(self) -> tuple[str, str]:
        return GROUP, TOPICS.events

    async def run(self) -> None:
        raise AssertionError("nothing runs while a house is moved")


SERVICES = [RunningService("bank", TOPICS, (Following(),), None)]


def event(partition: int, version: int) -> Outgoing:
    envelope = Envelope(
        id=f"event-{partition}-{version}",
        type="docaxis.bank.v1.Deposited",
        source="docaxis/bank",
        subject=f"tài khoản {partition}",
        time=1_700_000_000_123 + version,
        sequence=version,
        epoch=1,
        causation_id=f"command-{partition}-{version}",
        outcome=b"\x00outcome" if version % 2 else b"",
    )
    return Outgoing(TOPICS.events, partition, Message(envelope, b"\xff" * version))


def command(lane: Lane, partition: int, number: int) -> Outgoing:
    envelope = Envelope(
        id=f"{lane}-{partition}-{number}", type="docaxis.bank.v1.Deposit", source="docaxis/bank"
    )
    return Outgoing(TOPICS.commands(lane), partition, Message(envelope, b""))


def outcome(partition: int) -> Outgoing:
    envelope = Envelope(id=f"outcome-{partition}", type="docaxis.kernel.v1.Outcome", source="d")
    return Outgoing(TOPICS.outcomes, partition, Message(envelope, b"told"))


@asynccontextmanager
async def old_house(
    folder: Path, *, events: int = 5, unkind: bool = True
) -> AsyncIterator[tuple[SqliteEventLog, LocalFileStore]]:
    """The log with gaps in its places; opened again it is as it was left."""
    unkindness = Unkindness(regain_chance=0) if unkind else None
    log = await SqliteEventLog.open(
        folder / "log", PARTITIONS, synchronous="OFF", unkindness=unkindness
    )
    files = await LocalFileStore.open(folder / "files")
    try:
        await SERVICES[0].declare_topics(log)
        if (await log.end(TOPICS.events, 0)).place == 0:
            await _furnish(log, files, events)
        yield log, files
    finally:
        await files.close()
        await log.close()


async def _furnish(log: SqliteEventLog, files: LocalFileStore, events: int) -> None:
    for number in range(1, 4):
        commands = [command(lane, at, number) for lane in TOPICS.lanes for at in range(PARTITIONS)]
        await log.append(commands)
    for version in range(1, events + 1):
        await log.append([event(at, version) for at in range(2)])  # the last one has none
    await log.append([outcome(1)])
    urgent, normal = TOPICS.all_commands
    all_urgent = await log.end(urgent, 0)
    second = (await everything(log, normal, 1))[1].after
    await stand(
        log,
        TOPICS.processor_group,
        TOPICS.all_commands,
        {TopicPartition(urgent, 0): all_urgent, TopicPartition(normal, 1): second},
    )
    third = (await everything(log, TOPICS.events, 0))[2].after
    done = await log.end(TOPICS.events, 1)
    at = {TopicPartition(TOPICS.events, 0): third, TopicPartition(TOPICS.events, 1): done}
    await stand(log, GROUP, (TOPICS.events,), at)
    for content in (b"", b"card", b"reason"):
        await files.put("document-1", sha256(content).hexdigest(), content)
    upload = await files.stage("system-1", "upload-1")
    await upload.write(LARGE)
    await upload.finish()
    await files.take("system-1", ["upload-1"], "document-2")


async def stand(
    log: EventLog, group: str, topics: Sequence[str], at: dict[TopicPartition, Position]
) -> None:
    consumer = await log.join(group, topics)
    held: set[int] = set()
    while len(held) < log.partitions:
        held |= (await consumer.poll(1, 1.0)).assigned
    await consumer.progress(at)
    await consumer.close()


async def everything(log: EventLog, topic: str, partition: int) -> list[Recorded]:
    end = await log.end(topic, partition)
    tail = log.tail(topic, {partition: START})
    found: list[Recorded] = []
    while tail.reached(partition).place < end.place:
        found += await tail.next(100, 1.0)
    await tail.close()
    return found


async def ids(log: EventLog) -> dict[tuple[str, int], list[str]]:
    """Of every record, by topic and partition; those without any are left out."""
    found = {
        (topic, at): [each.envelope.id for each in await everything(log, topic, at)]
        for topic in TOPICS.all_topics
        for at in range(PARTITIONS)
    }
    return {at: each for at, each in found.items() if each}


async def export_of(house: Path, folder: Path, **options: Any) -> Exported:
    async with old_house(house):
        pass  # the unkind log's end is a little farther until it is opened again
    async with old_house(house) as (log, files):
        return await export_axis(log, files, SERVICES, folder, **options)


@asynccontextmanager
async def new_house(
    house: Path, folder: Path
) -> AsyncIterator[tuple[SqliteNewHome, LocalFileStore]]:
    manifest, digest = read_manifest(folder)
    home = await SqliteNewHome.open(house / "log", manifest.partitions, digest, synchronous="OFF")
    files = await LocalFileStore.open(house / "files")
    try:
        yield home, files
    finally:
        await files.close()
        await home.close()


async def import_of(folder: Path, house: Path, **options: Any) -> Imported:
    manifest, _ = read_manifest(folder)
    async with new_house(house, folder) as (home, files):
        return await import_axis(home, files, SERVICES, folder, manifest, **options)
