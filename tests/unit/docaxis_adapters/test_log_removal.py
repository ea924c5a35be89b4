"""What the log no longer needs is removed (L17): after its time, or because it is decided."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_adapters.sqlite_log.reading import ReadJob
from docaxis_adapters.sqlite_log.record_codec import encode_envelope
from docaxis_adapters.sqlite_log.schema import place_of
from docaxis_eventsourcing.errors import Divergence, Unavailable
from docaxis_eventsourcing.ports.event_log import START, Position, Recorded
from tests.unit.docaxis_adapters.log_messages import TOPIC, outgoing
from tests.unit.docaxis_eventsourcing.rig import until

DAY_S = 86_400.0

SCHEMA_1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topic (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE record (
  place INTEGER PRIMARY KEY, time INTEGER NOT NULL, envelope BLOB NOT NULL, data BLOB NOT NULL
);
CREATE TABLE progress (
  consumers TEXT NOT NULL, stream INTEGER NOT NULL, version INTEGER NOT NULL,
  place INTEGER NOT NULL, PRIMARY KEY (consumers, stream)
) WITHOUT ROWID;
INSERT INTO meta VALUES ('schema', 1), ('partitions', 12), ('epoch', 3);
"""


class Clock:
    """The log's clock, Unix seconds."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[0, 20_000], ids=["from the file", "from memory"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteEventLog]:
    """A log whose readers never, or always, read from memory."""
    log = await SqliteEventLog.open(tmp_path, cache_records=request.param)
    await log.declare([TOPIC])
    yield log
    await log.close()


async def read_from(log: SqliteEventLog, at: Position, partition: int = 0) -> list[Recorded]:
    end = await log.end(TOPIC, partition)
    tail = log.tail(TOPIC, {partition: at})
    found: list[Recorded] = []
    while tail.reached(partition).place < end.place:
        found += await tail.next(100, 30)
    await tail.close()
    return found


async def names_from(log: SqliteEventLog, at: Position = START, partition: int = 0) -> list[str]:
    return [record.envelope.id for record in await read_from(log, at, partition)]


async def test_L17_only_what_lies_before_the_position_is_removed(log: SqliteEventLog) -> None:
    await log.append([outgoing(f"{i}", sequence=i) for i in range(1, 11)])
    await log.append([outgoing("other", 1)])
    end = await log.end(TOPIC, 0)
    await log.trim(TOPIC, 0, Position(0, 6))
    assert await names_from(log, Position(6, 6)) == ["7", "8", "9", "10"]
    assert await names_from(log, Position(8, 8)) == ["9", "10"]
    for missing in (START, Position(5, 5)):
        with pytest.raises(Divergence, match="all before 6 is removed"):
            await log.tail(TOPIC, {0: missing}).next(1, 30)
    assert await log.end(TOPIC, 0) == end
    assert await names_from(log, START, 1) == ["other"]


async def test_L17_the_last_record_stays_and_a_start_knows_where_the_partition_stood(
    tmp_path: Path,
) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", sequence=i) for i in range(1, 11)])
    end = await log.end(TOPIC, 0)
    await log.trim(TOPIC, 0, end)
    assert await names_from(log, Position(9, 9)) == ["10"]
    await log.close()
    log = await SqliteEventLog.open(tmp_path)
    assert await log.end(TOPIC, 0) == end
    await log.append([outgoing("11", sequence=11)])
    assert await names_from(log, Position(9, 9)) == ["10", "11"]
    with pytest.raises(Divergence):
        await log.tail(TOPIC, {0: START}).next(1, 30)
    await log.close()


async def test_L17_where_nothing_is_missing_the_start_is_the_start(log: SqliteEventLog) -> None:
    await log.append([outgoing(f"{i}") for i in range(3)])
    await log.trim(TOPIC, 0, START)
    assert await names_from(log) == ["0", "1", "2"]


async def test_L17_gaps_before_the_first_record_that_is_left_are_not_missing(
    tmp_path: Path,
) -> None:
    unkind = Unkindness(gap_chance=1, late_chance=0, regain_chance=0, seed=5)
    log = await SqliteEventLog.open(tmp_path, unkindness=unkind)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", sequence=i) for i in range(1, 7)])
    records = await read_from(log, START)
    await log.trim(TOPIC, 0, records[2].after)
    assert await read_from(log, records[2].after) == records[3:]
    with pytest.raises(Divergence):
        await log.tail(TOPIC, {0: records[1].after}).next(1, 30)
    await log.close()


async def test_L17_a_new_group_is_told_and_a_committed_one_goes_on(log: SqliteEventLog) -> None:
    await log.append([outgoing(f"{i}") for i in range(5)])
    old = await log.join("old", [TOPIC])
    for partition in (await old.poll(1, 30)).assigned:
        old.start(partition)
    batch = (await old.poll(3, 30)).batch
    assert batch is not None
    await old.commit(batch, ())
    await log.trim(TOPIC, 0, (await old.committed(0))[TOPIC])
    rest = (await old.poll(10, 30)).batch
    assert rest is not None
    assert [record.envelope.id for record in rest.records] == ["3", "4"]
    new = await log.join("new", [TOPIC])
    assert 0 in (await new.poll(1, 30)).assigned
    new.start(1)
    assert (await new.poll(1, 0)).batch is None  # nothing of the other partition is missing
    new.start(0)
    with pytest.raises(Divergence):
        await new.poll(1, 30)


async def test_L34_what_is_removed_while_a_reader_is_on_its_way_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader looked, and found its place; the records went before it read the file."""
    log = await SqliteEventLog.open(tmp_path, cache_records=0)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}") for i in range(5)])
    real = log._cold.submit

    def submit(job: ReadJob) -> "asyncio.Future[Any]":
        async def later() -> Any:
            await log.trim(TOPIC, 0, Position(0, 3))
            return await real(job)

        return asyncio.ensure_future(later())

    monkeypatch.setattr(log._cold, "submit", submit)
    with pytest.raises(Divergence):
        await log.tail(TOPIC, {0: START}).next(10, 30)
    await log.close()


async def test_L17_readers_of_a_topic_that_expires_go_on_with_what_is_left(
    tmp_path: Path,
) -> None:
    for cache in (0, 20_000):
        log = await SqliteEventLog.open(tmp_path / str(cache), cache_records=cache)
        await log.declare([TOPIC], kept_s=DAY_S)
        await log.append([outgoing(f"{i}") for i in range(5)])
        await log.trim(TOPIC, 0, Position(0, 3))
        assert await names_from(log) == ["3", "4"]
        consumer = await log.join("group", [TOPIC])
        for partition in (await consumer.poll(1, 30)).assigned:
            consumer.start(partition)
        batch = (await consumer.poll(10, 30)).batch
        assert batch is not None
        assert [record.envelope.id for record in batch.records] == ["3", "4"]
        await log.close()


async def test_L17_what_is_too_old_at_a_start_is_removed_and_nothing_else(
    tmp_path: Path, clock: Clock
) -> None:
    log = await SqliteEventLog.open(tmp_path, clock=clock)
    await log.declare([TOPIC], kept_s=DAY_S)
    await log.declare(["for-ever"])
    forever = [type(each)("for-ever", 0, each.message) for each in (outgoing("a"), outgoing("b"))]
    await log.append([*(outgoing(f"old-{i}") for i in range(300)), *forever])
    await log.append([outgoing("only", 1)])
    clock.now += DAY_S - 1
    await log.append([outgoing("young"), outgoing("younger")])
    await log.close()
    clock.now += 2
    log = await SqliteEventLog.open(tmp_path, clock=clock)

    async def only_the_young() -> bool:
        return await names_from(log) == ["young", "younger"]

    await until(only_the_young)
    assert await names_from(log, START, 1) == ["only"], "the last one of a partition stays"
    tail = log.tail("for-ever", {0: START})
    assert [record.envelope.id for record in await tail.next(10, 30)] == ["a", "b"]
    await log.close()


async def test_L17_a_running_log_looks_for_old_records_now_and_then(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_adapters.sqlite_log.removal.EXPIRY_LOOK_S", 0.01)
    log = await SqliteEventLog.open(tmp_path, clock=clock)
    await log.declare([TOPIC], kept_s=DAY_S)
    await log.append([outgoing(f"{i}", i % 12) for i in range(600)])
    clock.now += DAY_S + 1
    await log.append([outgoing(f"new-{p}", p) for p in range(12)])
    for partition in range(12):

        async def only_the_new(at: int = partition) -> bool:
            return await names_from(log, START, at) == [f"new-{at}"]

        await until(only_the_new)
    await log.close()


async def test_a_commit_waits_for_one_slice_and_not_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = 0
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC])
    await log.append([outgoing(f"{i}", data=bytes(20_000)) for i in range(300)])
    removal = log._parts.writer._removal
    real = removal._remove

    def remove(connection: sqlite3.Connection, found: dict[int, int]) -> None:
        nonlocal slices
        slices += 1
        real(connection, found)

    monkeypatch.setattr(removal, "_remove", remove)
    trimming = asyncio.create_task(log.trim(TOPIC, 0, await log.end(TOPIC, 0)))
    await asyncio.sleep(0)
    await log.append([outgoing("between", 1)])
    assert not trimming.done()
    await trimming
    assert slices >= 20, "300 records of 20 KB are more than one slice may hold"
    assert await names_from(log, Position(0, 299)) == ["299"]
    await log.close()


class NoDelete(sqlite3.Connection):
    """A disk that is too full to remove anything."""

    broken = True

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.broken and sql.startswith("DELETE"):
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *parameters)


async def test_L22_what_cannot_be_removed_is_unavailable_and_harms_nobody(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_adapters.sqlite_log.removal.EXPIRY_LOOK_S", 0.01)
    monkeypatch.setattr(NoDelete, "broken", True)

    def connecting(file: Path, synchronous: str) -> sqlite3.Connection:
        return sqlite3.connect(
            file, isolation_level=None, check_same_thread=False, factory=NoDelete
        )

    log = await SqliteEventLog.open(tmp_path, clock=clock, connecting=connecting)
    await log.declare([TOPIC], kept_s=DAY_S)
    await log.append([outgoing("0"), outgoing("1")])
    clock.now += DAY_S + 1
    trimming = asyncio.create_task(log.trim(TOPIC, 0, Position(0, 1)))
    appending = asyncio.create_task(log.append([outgoing("2")]))
    with pytest.raises(Unavailable, match="full"):
        await trimming
    await appending
    assert await names_from(log) == ["0", "1", "2"]
    NoDelete.broken = False

    async def removed() -> bool:
        return await names_from(log) == ["2"]

    await until(removed)
    await log.close()


async def test_the_file_uses_the_place_of_what_was_removed_again(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path, synchronous="OFF")
    await log.declare([TOPIC])
    pages = []
    for _ in range(6):
        await log.append([outgoing("x", data=bytes(5_000)) for _ in range(200)])
        await log.trim(TOPIC, 0, await log.end(TOPIC, 0))
        reader = log._cold.setup()
        pages += reader.execute("PRAGMA page_count").fetchone()
        reader.close()
    assert pages[-1] < 1.2 * pages[0]
    await log.close()


async def test_a_topic_keeps_its_retention_over_a_start(tmp_path: Path) -> None:
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC], kept_s=DAY_S)
    await log.declare(["for-ever"])
    await log.close()
    log = await SqliteEventLog.open(tmp_path)
    await log.declare([TOPIC], kept_s=DAY_S)
    await log.declare(["for-ever"])
    with pytest.raises(ValueError, match=TOPIC):
        await log.declare([TOPIC])
    with pytest.raises(ValueError, match="for-ever"):
        await log.declare(["for-ever"], kept_s=DAY_S)
    with pytest.raises(ValueError, match="kept"):
        await log.declare(["new"], kept_s=0)
    await log.close()


def make_schema_1(file: Path) -> None:
    """A log as the release before this one left it: two topics, a group, three records."""
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA_1)
    connection.execute("INSERT INTO topic VALUES (0, 'docaxis.test.other'), (1, ?)", (TOPIC,))
    for offset in range(3):
        envelope = outgoing(f"{offset}", sequence=offset + 1).message.envelope
        row = (place_of(12, offset), 1_000_000_000, encode_envelope(envelope), b"data")
        connection.execute("INSERT INTO record VALUES (?, ?, ?, ?)", row)
    connection.execute("INSERT INTO progress VALUES ('group', 12, 2, 2)")
    connection.commit()
    connection.close()


async def test_a_file_of_schema_1_is_opened_and_its_topics_learn_how_long_they_keep(
    tmp_path: Path, clock: Clock
) -> None:
    make_schema_1(tmp_path / "log.sqlite")
    for _ in range(2):  # and once more, as a file of schema 2
        log = await SqliteEventLog.open(tmp_path, clock=clock)
        assert log.epoch == 3
        assert await log.end(TOPIC, 0) == Position(3, 3)
        assert await names_from(log) == ["0", "1", "2"]
        consumer = await log.join("group", [TOPIC])
        assert (await consumer.committed(0))[TOPIC] == Position(2, 2)
        await log.close()
    log = await SqliteEventLog.open(tmp_path, clock=clock)
    await log.declare([TOPIC, "docaxis.test.new"], kept_s=DAY_S)
    await log.append([outgoing("3", sequence=4)])
    assert await names_from(log) == ["0", "1", "2", "3"]
    await log.declare(["docaxis.test.other"])
    for topic, kept_s in ((TOPIC, None), ("docaxis.test.other", DAY_S)):
        with pytest.raises(ValueError, match=topic):
            await log.declare([topic], kept_s=kept_s)
    await log.close()
    clock.now += DAY_S + 1
    log = await SqliteEventLog.open(tmp_path, clock=clock)

    async def expired() -> bool:
        return await names_from(log) == ["3"]

    await until(expired)
    await log.close()


async def test_a_file_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    await (await SqliteEventLog.open(tmp_path)).close()
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute("UPDATE meta SET value = 3 WHERE name = 'schema'")
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match="schema 3"):
        await SqliteEventLog.open(tmp_path)
