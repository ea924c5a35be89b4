"""ENOSPC on a real file system: told as such, nothing accepted is lost, it goes on with room."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import StorageFull
from docaxis_eventsourcing.ports.event_log import START, Outgoing
from docaxis_eventsourcing.ports.partial_uploads import UploadPlan
from tests.small_disk import fill, small_disk

TOPIC = "docaxis.test.commands.normal"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 24) as folder:
        yield folder


async def test_files_on_a_full_disk(disk: Path) -> None:
    files = await LocalFileStore.open(disk / "files")
    kept = b"letter" * 1000
    digest = sha256(kept).hexdigest()
    await files.put("document-1", digest, kept)
    content = bytes(range(251)) * 20_000  # 5 MB
    plan = UploadPlan(len(content), sha256(content).hexdigest())
    await files.begin("system-1", "upload-1", plan)
    filler = fill(disk, leaving=2**20)
    piece = await files.append("system-1", "upload-1", 0)
    with pytest.raises(StorageFull):
        for at in range(0, len(content), 100_000):
            await piece.write(content[at : at + 100_000])
    at = await piece.keep()
    assert 500_000 < at < 2**20 + 1
    assert (await files.partial("system-1", "upload-1")).offset == at
    small = b"x" * 300_000
    with pytest.raises(StorageFull):
        await files.put("document-2", sha256(small).hexdigest(), small)
    whole = await files.stage("system-1", "upload-2")
    with pytest.raises(StorageFull):
        await whole.write(small)
        await whole.finish()
    with pytest.raises(StorageFull):
        for number in range(100_000):  # a plan takes a block, and there is none in the end
            await files.begin("system-1", f"upload-of-{number}", plan)
    assert b"".join([each async for each in files.read("document-1", digest)]) == kept

    filler.unlink()
    piece = await files.append("system-1", "upload-1", at)
    await piece.write(content[at:])
    assert await piece.keep() == len(content)
    assert (await files.complete("system-1", "upload-1")).digest == plan.digest
    await files.take("system-1", ["upload-1"], "document-1")
    await files.put("document-2", sha256(small).hexdigest(), small)
    await files.close()
    again = await LocalFileStore.open(disk / "files")
    got = b"".join([each async for each in again.read("document-1", plan.digest)])
    assert got == content
    await again.close()


def _record(number: int) -> Outgoing:
    envelope = Envelope(id=f"event-{number}", type="docaxis.test.v1.Test", source="test")
    return Outgoing(TOPIC, 0, Message(envelope, number.to_bytes(4) * 4096))


async def test_the_log_on_a_full_disk(disk: Path) -> None:
    log = await SqliteEventLog.open(disk / "log", 1)
    await log.declare([TOPIC])
    filler = fill(disk, leaving=2**20)
    kept: list[int] = []
    refused = 0
    for number in range(1000):
        try:
            await log.append([_record(number)])
            kept.append(number)
        except StorageFull:
            refused += 1
            if refused >= 5:
                break
    assert kept and refused == 5
    filler.unlink()
    async with asyncio.timeout(30):
        while True:
            try:
                await log.append([_record(5000)])
                break
            except StorageFull:
                await asyncio.sleep(0.05)
    await log.close()

    again = await SqliteEventLog.open(disk / "log", 1)
    tail = again.tail(TOPIC, {0: START})
    found: list[str] = []
    while len(found) <= len(kept):
        records = await tail.next(500, 1.0)
        assert records, f"{len(kept) + 1 - len(found)} are missing"
        found += [each.envelope.id for each in records]
    assert found == [f"event-{number}" for number in [*kept, 5000]]
    await tail.close()
    await again.close()
