"""The log's writing thread: group commit, fencing at the moment of writing, full disks."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from docaxis_adapters.sqlite_file import connect
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_log.groups import Group
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import START, Batch
from tests.unit.docaxis_adapters.log_messages import TOPIC, outgoing


class SlowCommit(sqlite3.Connection):
    """A connection whose COMMIT waits for the test's leave, and is counted."""

    may_commit: Event
    at_commit: Event
    commits: int

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.at_commit.set()
            assert self.may_commit.wait(30)
            self.commits += 1
        return super().execute(sql, *parameters)


class Disk:
    """Opens the writer's connection; the test decides when a COMMIT may end."""

    def __init__(self) -> None:
        self.connection: SlowCommit | None = None
        self.may_commit = Event()
        self.may_commit.set()
        self.at_commit = Event()

    def connecting(self, file: Path, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            file, isolation_level=None, check_same_thread=False, factory=SlowCommit
        )
        connection.may_commit, connection.at_commit = self.may_commit, self.at_commit
        connection.commits = 0
        self.connection = connection
        return connection

    async def reached_commit(self) -> None:
        assert await asyncio.to_thread(self.at_commit.wait, 30)

    def hold(self) -> None:
        self.may_commit.clear()
        self.at_commit.clear()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def log(tmp_path: Path, disk: Disk) -> AsyncIterator[SqliteEventLog]:
    log = await SqliteEventLog.open(tmp_path, connecting=disk.connecting)
    await log.declare([TOPIC])
    yield log
    disk.may_commit.set()
    await log.close()


async def test_nothing_resolves_and_nothing_is_seen_before_commit_returned(
    log: SqliteEventLog, disk: Disk
) -> None:
    disk.hold()
    tail = log.tail(TOPIC, {0: START})
    reading = asyncio.create_task(tail.next(10, 30))
    appending = asyncio.create_task(log.append([outgoing("one")]))
    await disk.reached_commit()
    for _ in range(5):  # whatever the loop has to do, it has done it
        await asyncio.sleep(0)
    assert not appending.done() and not reading.done()
    assert await log.end(TOPIC, 0) == START
    disk.may_commit.set()
    await appending
    assert [record.envelope.id for record in await reading] == ["one"]


async def test_what_waits_together_is_committed_together(log: SqliteEventLog, disk: Disk) -> None:
    assert disk.connection is not None
    disk.hold()
    before = disk.connection.commits
    first = asyncio.create_task(log.append([outgoing("first")]))
    await disk.reached_commit()
    rest = [asyncio.create_task(log.append([outgoing(f"{i}", i % 12)])) for i in range(50)]
    await asyncio.sleep(0)  # all 50 are queued
    disk.may_commit.set()
    await asyncio.gather(first, *rest)
    assert disk.connection.commits - before == 2


async def test_a_cancelled_append_may_still_be_written_and_harms_nobody(
    log: SqliteEventLog, disk: Disk
) -> None:
    disk.hold()
    leaving = asyncio.create_task(log.append([outgoing("left")]))
    await disk.reached_commit()
    leaving.cancel()
    staying = asyncio.create_task(log.append([outgoing("stayed")]))
    disk.may_commit.set()
    await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
    tail = log.tail(TOPIC, {0: START})
    assert [record.envelope.id for record in await tail.next(10, 30)] == ["left", "stayed"]


async def batch_of(log: SqliteEventLog, consumer: Any) -> Batch:
    polled = await consumer.poll(1, 30)
    for partition in polled.assigned:
        consumer.start(partition)
    batch: Batch | None = (await consumer.poll(10, 30)).batch
    assert batch is not None
    return batch


async def test_L11_a_fenced_commit_fails_alone_in_its_batch(
    log: SqliteEventLog, disk: Disk
) -> None:
    await log.append([outgoing("command")])
    consumer = await log.join("group", [TOPIC])
    batch = await batch_of(log, consumer)
    disk.hold()
    first = asyncio.create_task(log.append([outgoing("before")]))
    await disk.reached_commit()
    fenced = asyncio.create_task(consumer.commit(batch, [outgoing("never", 5)]))
    other = asyncio.create_task(log.append([outgoing("good", 6)]))
    await asyncio.sleep(0)
    await consumer.close()  # the lease is gone before the writer gets there
    disk.may_commit.set()
    await asyncio.gather(first, other)
    with pytest.raises(Fenced):
        await fenced
    assert await log.end(TOPIC, 5) == START
    assert (await log.end(TOPIC, 6)).place == 1


async def test_L15_who_takes_over_waits_for_the_commit_that_passed_its_guard(
    log: SqliteEventLog, disk: Disk
) -> None:
    await log.append([outgoing("command")])
    first = await log.join("group", [TOPIC])
    batch = await batch_of(log, first)
    disk.hold()
    committing = asyncio.create_task(first.commit(batch, [outgoing("event", 7)]))
    await disk.reached_commit()
    await first.close()
    second = await log.join("group", [TOPIC])
    taking = asyncio.create_task(second.poll(1, 30))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not taking.done(), "it would read positions that are about to change"
    disk.may_commit.set()
    await committing
    assert 0 in (await taking).assigned
    assert (await second.committed(0))[TOPIC].place == 1


async def test_L34_without_the_fencing_check_an_old_batch_is_committed_twice(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard removed: what the contract test on L11 would then see."""
    await log.append([outgoing("command")])
    first = await log.join("group", [TOPIC])
    stale = await batch_of(log, first)
    await first.close()
    second = await log.join("group", [TOPIC])
    fresh = await batch_of(log, second)
    await second.commit(fresh, [outgoing("event", 7)])
    with pytest.raises(Fenced):
        await first.commit(stale, [outgoing("event", 7)])
    monkeypatch.setattr(Group, "holds", lambda *_: True)
    await first.commit(stale, [outgoing("event", 7)])
    assert (await log.end(TOPIC, 7)).place == 2


def limited(pages: int) -> Callable[[Path, str], sqlite3.Connection]:
    def connecting(file: Path, synchronous: str) -> sqlite3.Connection:
        connection = connect(file, synchronous)
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    return connecting


async def test_a_full_disk_is_unavailable_writes_nothing_and_passes(tmp_path: Path) -> None:
    holder: list[sqlite3.Connection] = []

    def connecting(file: Path, synchronous: str) -> sqlite3.Connection:
        holder.append(limited(40)(file, synchronous))
        return holder[0]

    log = await SqliteEventLog.open(tmp_path, connecting=connecting)
    await log.declare([TOPIC])
    await log.append([outgoing("kept")])
    large = [outgoing(f"large-{i}", 1, bytes(40_000)) for i in range(10)]
    large_one = asyncio.create_task(log.append(large))
    small_one = asyncio.create_task(log.append([outgoing("small", 2)]))
    with pytest.raises(Unavailable, match="full"):
        await large_one
    await small_one  # it was in the same transaction, and does not fail with it
    assert await log.end(TOPIC, 1) == START
    holder[0].execute("PRAGMA max_page_count=100000")
    await log.append(large)
    await log.close()
    again = await SqliteEventLog.open(tmp_path)
    assert [(await again.end(TOPIC, p)).place for p in range(3)] == [1, 10, 1]
    await again.close()


async def test_L11_a_commit_that_meets_a_full_disk_moves_no_position(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path, connecting=limited(40))
    await log.declare([TOPIC])
    await log.append([outgoing("command")])
    consumer = await log.join("group", [TOPIC])
    batch = await batch_of(log, consumer)
    with pytest.raises(Unavailable):
        await consumer.commit(batch, [outgoing("event", 7, bytes(400_000))])
    assert (await consumer.committed(0))[TOPIC] == START
    assert await log.end(TOPIC, 7) == START
    await consumer.commit(batch, [outgoing("event", 7)])
    await log.close()


async def test_L5_the_append_time_stands_while_the_clock_runs_backwards(tmp_path: Path) -> None:
    clock = iter([1000.0, 2000.0, 1500.0, 1600.0, 3000.0])
    log = await SqliteEventLog.open(tmp_path, clock=lambda: next(clock))
    await log.declare([TOPIC])
    for name in ("a", "b"):
        await log.append([outgoing(name)])
    await log.append([outgoing("elsewhere", 1)])
    await log.append([outgoing("c")])
    records = list(await log.tail(TOPIC, {0: START}).next(10, 0))
    assert [record.time for record in records] == [2_000_000, 2_000_000, 3_000_000]
    (other,) = await log.tail(TOPIC, {1: START}).next(10, 0)
    assert other.time == 1_600_000
    await log.close()


async def test_after_closing_everything_is_unavailable(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    tail = log.tail(TOPIC, {0: START})
    consumer = await log.join("group", [TOPIC])
    await consumer.poll(1, 30)
    waiting = [asyncio.create_task(tail.next(1, 30)), asyncio.create_task(consumer.poll(1, 30))]
    await asyncio.sleep(0)
    accepted = asyncio.create_task(log.append([outgoing("accepted")]))
    await asyncio.sleep(0)
    await log.close()
    await accepted
    for task in waiting:
        with pytest.raises(Unavailable):
            await task
    with pytest.raises(Unavailable):
        await log.append([outgoing("late")])
