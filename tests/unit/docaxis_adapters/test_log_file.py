"""The log's file: who may open it, what a crash leaves, what is read from memory and what not."""

import asyncio
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from docaxis_adapters.folder_lock import FolderInUse
from docaxis_adapters.sqlite_log import SqliteEventLog, raise_epoch
from docaxis_adapters.sqlite_log.record_codec import (
    STORED_ATTRIBUTES,
    decode_envelope,
    encode_envelope,
)
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.event_log import START, Recorded
from tests.unit.docaxis_adapters.log_messages import TOPIC, outgoing

WRITER = """
import asyncio, sys
from pathlib import Path
from docaxis_adapters.sqlite_log import SqliteEventLog
from tests.unit.docaxis_adapters.log_messages import TOPIC, outgoing

async def main():
    log = await SqliteEventLog.open(Path(sys.argv[1]))
    await log.declare([TOPIC])
    async def write(task):
        number = 0
        while True:
            names = [f"{task}.{number}.{part}" for part in range(3)]
            await log.append([outgoing(name, part) for part, name in enumerate(names)])
            print(task, number, flush=True)
            number += 1
    await asyncio.gather(*(write(task) for task in range(8)))

asyncio.run(main())
"""


async def read_all(log: SqliteEventLog, partition: int) -> list[Recorded]:
    tail = log.tail(TOPIC, {partition: START})
    found: list[Recorded] = []
    while records := await tail.next(100, 0):
        found += records
    return found


async def test_a_killed_process_leaves_all_that_it_acknowledged_and_nothing_by_half(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["libs", "services", "."])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(tmp_path),
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    acknowledged = [await process.stdout.readline() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    acknowledged += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    log = await SqliteEventLog.open(tmp_path)
    found = [
        {record.envelope.id.rpartition(".")[0] for record in await read_all(log, partition)}
        for partition in range(3)
    ]
    whole = {".".join(line.decode().split()) for line in acknowledged if line.endswith(b"\n")}
    assert len(whole) >= 300 and whole <= found[0]
    assert found[0] == found[1] == found[2], "an append is there as a whole or not at all"
    await log.append([outgoing("after")])
    await log.close()


async def test_one_folder_has_one_owner(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path / "log")
    with pytest.raises(FolderInUse, match=str(tmp_path / "log")):
        await SqliteEventLog.open(tmp_path / "log")
    with pytest.raises(FolderInUse):
        raise_epoch(tmp_path / "log")
    await log.close()
    await (await SqliteEventLog.open(tmp_path / "log")).close()


async def test_L3_another_partition_count_is_refused_and_the_folder_stays_free(
    tmp_path: Path,
) -> None:
    await (await SqliteEventLog.open(tmp_path, 6)).close()
    with pytest.raises(ValueError, match="6 partitions"):
        await SqliteEventLog.open(tmp_path, 12)
    await (await SqliteEventLog.open(tmp_path, 6)).close()


async def test_L4_the_epoch_is_raised_by_command(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path)
    before = log.epoch
    await log.close()
    assert raise_epoch(tmp_path) == before + 1
    log = await SqliteEventLog.open(tmp_path)
    assert log.epoch == before + 1
    await log.close()


async def test_L4_no_epoch_is_raised_where_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        raise_epoch(tmp_path)


async def test_a_file_may_be_named_instead_of_a_folder(tmp_path: Path) -> None:
    await (await SqliteEventLog.open(tmp_path / "deep" / "events.db")).close()
    assert (tmp_path / "deep" / "events.db").exists()


@pytest.mark.parametrize("level, expected", [("FULL", 2), ("OFF", 0)])
async def test_the_synchronous_level_is_the_one_asked_for(
    tmp_path: Path, level: str, expected: int
) -> None:
    log = await SqliteEventLog.open(tmp_path, synchronous=level)
    connection = log._parts.writer.setup()
    assert connection.execute("PRAGMA synchronous").fetchone() == (expected,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    await log.close()
    with pytest.raises(ValueError, match="synchronous"):
        await SqliteEventLog.open(tmp_path / "other", synchronous="FULL; DROP")


async def test_memory_is_bounded_and_older_records_come_from_the_file(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path, cache_records=50, cache_bytes=1_000_000)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", i % 3, sequence=i) for i in range(600)])
    cache = log._parts.streams.cache
    assert len(cache) == 50
    await log.append([outgoing("large", 4, bytes(990_000))])
    assert len(cache) < 50
    for partition in range(3):
        names = [record.envelope.id for record in await read_all(log, partition)]
        assert names == [f"{i}" for i in range(partition, 600, 3)]
    await log.close()


async def test_hot_readers_never_touch_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}") for i in range(500)])

    def forbidden(*_: object) -> None:
        raise AssertionError("read from the file")

    monkeypatch.setattr(log._cold, "submit", forbidden)
    assert len(await read_all(log, 0)) == 500
    await log.close()


async def test_records_from_memory_and_from_the_file_are_the_same(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", sequence=i) for i in range(1, 20)])
    hot = await read_all(log, 0)
    await log.close()
    log = await SqliteEventLog.open(tmp_path)
    assert await read_all(log, 0) == hot
    await log.close()


async def test_a_poll_reaches_its_limit_across_partitions(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", i % 12) for i in range(60)])
    await log.append([outgoing(f"more-{i}", 0) for i in range(60)])
    consumer = await log.join("group", [TOPIC])
    for partition in (await consumer.poll(1, 0)).assigned:
        consumer.start(partition)
    batch = (await consumer.poll(100, 0)).batch
    assert batch is not None
    assert len(batch.records) == 100 and len(batch.upto) == 12
    await log.close()


def test_every_attribute_of_an_envelope_is_stored() -> None:
    assert set(STORED_ATTRIBUTES) == {field.name for field in fields(Envelope)}


def test_an_envelope_of_an_earlier_release_takes_the_defaults() -> None:
    older = msgspec.msgpack.encode(("id", "type", "source", "subject", 5))
    assert decode_envelope(older) == Envelope(
        id="id", type="type", source="source", subject="subject", time=5
    )
    envelope = Envelope(id="a", type="b", source="c", outcome=b"\x00", reply_to=2)
    assert decode_envelope(encode_envelope(envelope)) == envelope
