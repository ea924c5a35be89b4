"""A composed service on the real embedded adapters; the test itself writes routing's events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import Message as ProtobufMessage

from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import START, Outgoing, Recorded
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_trust.key_file_signer import KeyFileSigner

PARTITIONS = 4
ROUTING = ServiceTopics("routing")
EVENT_TIME = 1_795_300_000_123
"""Unix ms in November 2026."""

Compose = Callable[[Ports], RunningService]


@asynccontextmanager
async def ports_in(folder: Path, unkindness: Unkindness | None = None) -> AsyncIterator[Ports]:
    async with AsyncExitStack() as closing:
        log = await SqliteEventLog.open(
            folder / "log", PARTITIONS, synchronous="OFF", unkindness=unkindness
        )
        closing.push_async_callback(log.close)
        store = await SqliteReadStore.open(folder / "store.sqlite")
        closing.push_async_callback(store.close)
        files = await LocalFileStore.open(folder / "files")
        closing.push_async_callback(files.close)
        key = folder / "receipts.key.pem"
        signer = KeyFileSigner(key) if key.exists() else KeyFileSigner.create(key)
        await log.declare((ROUTING.events,))
        yield Ports(log, store, files, FileSecrets(folder / "secrets"), signer)


@asynccontextmanager
async def running(ports: Ports, compose: Compose) -> AsyncIterator[RunningService]:
    """The service while its parts run; a part that ended or failed fails the test."""
    service = compose(ports)
    await ports.log.declare(service.all_topics)
    tasks = [asyncio.create_task(part.run()) for part in service.parts]
    try:
        yield service
        for task, part in zip(tasks, service.parts, strict=True):
            assert not task.done(), f"{part.health.name} ended: {task}"
            assert part.health.state is not PartState.FAILED, part.health.reason
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class RoutingEvents:
    """Writes events as routing's processor would, numbered in each partition."""

    ports: Ports
    written: dict[int, int] = field(default_factory=dict)

    async def append(
        self, event: ProtobufMessage, partition: int, time: int = EVENT_TIME
    ) -> Envelope:
        number = self.written[partition] = self.written.get(partition, 0) + 1
        envelope = Envelope(
            id=derived_id("event", partition, number),
            type=event.DESCRIPTOR.full_name,
            source="docaxis/routing",
            time=time,
            sequence=number,
            epoch=self.ports.log.epoch,
        )
        message = Message(envelope, event.SerializeToString())
        await self.ports.log.append([Outgoing(ROUTING.events, partition, message)])
        return envelope

    async def append_again(
        self, event: ProtobufMessage, envelope: Envelope, partition: int
    ) -> None:
        """The very same event once more, as a log that delivers twice would."""
        message = Message(envelope, event.SerializeToString())
        await self.ports.log.append([Outgoing(ROUTING.events, partition, message)])


async def stored(ports: Ports, topic: str) -> list[Recorded]:
    """All that a topic holds, partition by partition."""
    tail = ports.log.tail(topic, dict.fromkeys(range(PARTITIONS), START))
    found: list[Recorded] = []
    try:
        while records := await tail.next(1000, 0.2):
            found += records
    finally:
        await tail.close()
    return found
