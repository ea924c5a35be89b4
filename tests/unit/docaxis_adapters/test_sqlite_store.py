"""The SQLite read store beyond its port: group commit, crashes, full disks, cut applies."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_file import connect
from docaxis_adapters.sqlite_store import SqliteReadStore, StoreUnkindness, writer
from docaxis_eventsourcing.errors import CheckpointMoved, Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Index,
    IndexType,
    Row,
    RowRange,
    Table,
)

TABLE = Table(
    "rows",
    {"org": IndexType.TEXT, "at": IndexType.INT, "words": IndexType.WORDS},
    (
        Index("by_org", ("org", "at")),
        Index("by_word", ("words", "at")),
        Index("due", ("at",), sparse=True),
    ),
    ("count",),
)
ONE_MORE = {"rows": Changes(increments=(Increment("k", "count", 1),))}

KILLED = """
import asyncio, sys
from pathlib import Path
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.ports.event_log import Position
from tests.unit.docaxis_adapters.test_sqlite_store import ONE_MORE, TABLE

async def main():
    store = await SqliteReadStore.open(Path(sys.argv[1]))
    await store.declare("space", [TABLE])
    at = None
    for number in range(1, 10**9):
        await store.apply("space", 0, at, Position(number, number), ONE_MORE)
        at = Position(number, number)
        print(number, flush=True)

asyncio.run(main())
"""


async def opened(file: Path, unkindness: StoreUnkindness | None = None) -> SqliteReadStore:
    store = await SqliteReadStore.open(file, unkindness=unkindness)
    await store.declare("space", [TABLE])
    return store


async def count(store: SqliteReadStore) -> int:
    row = (await store.get("space", "rows", ["k"])).get("k")
    return row.counters["count"] if row is not None else 0


async def test_L24_a_killed_process_leaves_checkpoint_and_rows_that_agree(tmp_path: Path) -> None:
    file = tmp_path / "views.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["libs", "services", "."])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(file), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(200):
        await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    store = await opened(file)
    at = await store.checkpoint("space", 0)
    assert at is not None and at.version >= 200
    assert await count(store) == at.version
    await store.close()


async def test_applies_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    store = await opened(tmp_path / "views.sqlite")
    runs: list[int] = []
    run = store._writer.run

    def counted(context: sqlite3.Connection, jobs: list[writer.ChangeJob]) -> None:
        runs.append(len(jobs))
        run(context, jobs)

    store._writer.run = counted  # type: ignore[method-assign, assignment]
    await asyncio.gather(
        *(store.apply("space", p, None, Position(1, 1), ONE_MORE) for p in range(100))
    )
    assert sum(runs) == 100 and len(runs) < 50
    assert await count(store) == 100
    await store.close()


async def test_L24_L34_without_the_checkpoint_a_replay_counts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(tmp_path / "views.sqlite")
    await store.apply("space", 0, None, Position(1, 1), ONE_MORE)
    with pytest.raises(CheckpointMoved):
        await store.apply("space", 0, None, Position(1, 1), ONE_MORE)
    assert await count(store) == 1

    def unguarded(
        connection: sqlite3.Connection, *_: object, changes: list[writer.PreparedChanges]
    ) -> None:
        for change in changes:
            change.write(connection)

    monkeypatch.setattr(
        "docaxis_adapters.sqlite_store.read_store.apply_changes",
        lambda connection, *rest: unguarded(connection, changes=rest[-1]),
    )
    await store.apply("space", 0, None, Position(1, 1), ONE_MORE)
    assert await count(store) == 2
    await store.close()


async def test_a_full_disk_is_unavailable_and_changes_nothing(tmp_path: Path) -> None:
    store = await opened(tmp_path / "views.sqlite")
    (thread,) = store._writer._threads
    limit: writer.ChangeJob = writer.ChangeJob(
        lambda connection: connection.execute("PRAGMA max_page_count=40")
    )
    await store._writer.submit(limit)
    large = {"rows": Changes(puts=tuple(Row(f"{i}", bytes(20_000)) for i in range(50)))}
    big = asyncio.create_task(store.apply("space", 0, None, Position(1, 1), large))
    small = asyncio.create_task(store.apply("space", 1, None, Position(1, 1), ONE_MORE))
    with pytest.raises(Unavailable):
        await big
    await small
    assert await store.checkpoint("space", 0) is None
    assert await count(store) == 1
    more: writer.ChangeJob = writer.ChangeJob(
        lambda connection: connection.execute("PRAGMA max_page_count=100000")
    )
    await store._writer.submit(more)
    await store.apply("space", 0, None, Position(1, 1), large)
    assert len(await store.range("space", "rows", RowRange("", limit=100))) == 51
    assert thread.is_alive()
    await store.close()


async def test_L33_an_apply_cut_before_did_nothing_and_cut_after_did_all(tmp_path: Path) -> None:
    before = StoreUnkindness(cut_before_chance=1, cut_after_chance=0)
    store = await opened(tmp_path / "before.sqlite", before)
    with pytest.raises(Unavailable):
        await store.apply("space", 0, None, Position(1, 1), ONE_MORE)
    assert (await store.checkpoint("space", 0), await count(store)) == (None, 0)
    await store.close()
    after = StoreUnkindness(cut_before_chance=0, cut_after_chance=1)
    store = await opened(tmp_path / "after.sqlite", after)
    with pytest.raises(Unavailable):
        await store.apply("space", 0, None, Position(1, 1), ONE_MORE)
    assert (await store.checkpoint("space", 0), await count(store)) == (Position(1, 1), 1)
    await store.close()


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("t.f0 = 'o' AND t.f1 > 5 ORDER BY t.f1, t.key", "t1_i0"),
        ("t.f0 = 'o' AND t.f1 IS NULL AND t.key > 'a' ORDER BY t.key", "t1_i0"),
        ("t.f1 >= ? AND t.f1 <= ? ORDER BY t.f1, t.key", "t1_i2"),
        ("t.f1 >= ? AND t.f1 = ? AND t.key > ? ORDER BY t.key", "t1_i2"),
    ],
)
async def test_ranges_seek_in_their_index_and_sort_nothing(
    tmp_path: Path, where: str, index: str
) -> None:
    file = tmp_path / "views.sqlite"
    store = await opened(file)
    await store.close()
    connection = connect(file, "NORMAL", reader=True)
    plan = connection.execute(
        f"EXPLAIN QUERY PLAN SELECT t.key FROM t1 t WHERE {where} LIMIT 10", [1] * where.count("?")
    ).fetchall()
    words = " ".join(row[-1] for row in plan)
    assert "SEARCH t" in words and index in words and "TEMP B-TREE" not in words
    connection.close()


@pytest.mark.parametrize(
    "table",
    [
        Table("t", {"a": IndexType.TEXT}, (Index("", ("a",)),)),
        Table("t", {"a": IndexType.TEXT}, (Index("i", ("b",)),)),
        Table("t", {"a": IndexType.TEXT}, (Index("i", ("a",)), Index("i", ("a",)))),
        Table("t", {"a": IndexType.WORDS}, (Index("i", ("a",), unique=True),)),
    ],
)
async def test_a_declaration_that_makes_no_sense_is_refused(tmp_path: Path, table: Table) -> None:
    store = await opened(tmp_path / "views.sqlite")
    with pytest.raises(ValueError):
        await store.declare("other", [table])
    assert "other" not in await store.spaces()
    await store.close()
