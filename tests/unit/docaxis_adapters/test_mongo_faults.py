"""The MongoDB read store on a bad line, and with a server or a process that stalls or dies."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.client_session import AsyncClientSession

from docaxis_adapters.mongo_store import MongoDriver, MongoReadStore
from docaxis_adapters.mongo_store.checkpoints import Checkpoints
from docaxis_eventsourcing.errors import CheckpointMoved, Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Row,
    RowRange,
)
from tests.contract.mongo_stores import fresh_database
from tests.servers import mongo_uri
from tests.unit.docaxis_adapters.mongo_proxy import MongoProxy, mongo_proxy
from tests.unit.docaxis_adapters.mongo_rows import (
    FIRST,
    ONE_MORE,
    TABLE,
    count,
    driver,
    hurry,
    opened,
    private_server,
    reach,
)

__all__ = ["driver"]

pytestmark = pytest.mark.cluster


@pytest.fixture
async def database() -> AsyncIterator[str]:
    async with fresh_database() as name:
        yield name


@pytest.fixture
async def proxy() -> AsyncIterator[MongoProxy]:
    async with mongo_proxy(await asyncio.to_thread(mongo_uri)) as found:
        yield found


@pytest.fixture
async def store(
    proxy: MongoProxy, database: str, driver: MongoDriver
) -> AsyncIterator[MongoReadStore]:
    """Reaches the server through `proxy`; "space" is declared."""
    found = await opened(proxy.address, database, driver)
    yield found
    await found.close()


async def test_L24_a_commit_whose_answer_is_lost_is_asked_again_and_counts_once(
    store: MongoReadStore, proxy: MongoProxy
) -> None:
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    proxy.unanswered["commitTransaction"] = 1
    await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    assert proxy.unanswered["commitTransaction"] == 0
    assert (await store.checkpoint("space", 0), await count(store)) == (Position(2, 2), 2)


@pytest.mark.parametrize("command", ["update", "commitTransaction"])
@pytest.mark.parametrize("how", ["unheard", "unanswered"])
async def test_L24_an_apply_that_loses_its_line_is_run_again_and_counts_once(
    store: MongoReadStore, proxy: MongoProxy, command: str, how: str
) -> None:
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    getattr(proxy, how)[command] = 2
    await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    assert getattr(proxy, how)[command] == 0
    assert (await store.checkpoint("space", 0), await count(store)) == (Position(2, 2), 2)


async def test_L24_a_commit_that_a_restarted_server_has_forgotten_is_known_by_its_step(
    tmp_path: Path, driver: MongoDriver
) -> None:
    """The server committed, died before it answered, and knows the transaction no more."""
    async with private_server(tmp_path) as server, mongo_proxy(server.address) as proxy:
        store = await opened(proxy.address, "test", driver, timeout_s=60)
        await store.apply("space", 0, None, FIRST, ONE_MORE)

        async def restart() -> None:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start_again)

        proxy.before_break = restart
        proxy.unanswered["commitTransaction"] = 1
        await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
        assert (await store.checkpoint("space", 0), await count(store)) == (Position(2, 2), 2)
        await store.close()


async def test_L24_L34_without_its_step_a_forgotten_commit_looks_like_another_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Checkpoints.read

    async def without_step(
        checkpoints: Checkpoints, space: int, partition: int
    ) -> tuple[Position | None, None]:
        return (await read(checkpoints, space, partition))[0], None

    monkeypatch.setattr(Checkpoints, "read", without_step)
    with pytest.raises(CheckpointMoved):
        await test_L24_a_commit_that_a_restarted_server_has_forgotten_is_known_by_its_step(
            tmp_path, MongoDriver.PYMONGO
        )


async def test_a_commit_that_stays_unknown_is_unavailable_and_tried_to_the_end(
    proxy: MongoProxy, database: str, driver: MongoDriver
) -> None:
    store = await opened(proxy.address, database, driver)
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    proxy.unanswered["commitTransaction"] = 10**9
    hurry(store)
    with pytest.raises(Unavailable):
        await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    assert len(proxy.asked("commitTransaction")) > 4
    proxy.unanswered.clear()
    hurry(store, 20)
    # The kernel looks where it stands, and goes on from there.
    assert (await store.checkpoint("space", 0), await count(store)) == (Position(2, 2), 2)
    with pytest.raises(CheckpointMoved):
        await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    await store.close()


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": 0.0, "code": 112, "codeName": "WriteConflict", "errmsg": "conflict"},
        {"ok": 0.0, "code": 251, "codeName": "NoSuchTransaction", "errmsg": "aborted"},
    ],
)
async def test_a_transaction_that_the_server_gives_up_is_run_again(
    store: MongoReadStore, proxy: MongoProxy, answer: dict[str, Any]
) -> None:
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    left = 2

    def refuse(reply: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {**answer, "errorLabels": ["TransientTransactionError"]} if left >= 0 else reply

    proxy.answers["update"] = refuse
    await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    assert left < 0
    assert (await store.checkpoint("space", 0), await count(store)) == (Position(2, 2), 2)


async def test_a_write_that_is_not_yet_at_majority_is_not_answered_as_done(
    proxy: MongoProxy, database: str, driver: MongoDriver
) -> None:
    store = await opened(proxy.address, database, driver)
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    late = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication"}
    proxy.answers["commitTransaction"] = lambda reply: {**reply, "writeConcernError": late}
    hurry(store)
    with pytest.raises(Unavailable):
        await store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE)
    await store.close()


async def test_writes_are_majority_and_journalled_whatever_the_address_says(
    proxy: MongoProxy, database: str, driver: MongoDriver
) -> None:
    store = await opened(f"{proxy.address}&w=1&journal=false", database, driver)
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    commits = proxy.asked("commitTransaction")
    assert commits and all(
        (each["writeConcern"]["w"], each["writeConcern"]["j"]) == ("majority", True)
        for each in commits
    )
    await store.close()


async def test_L24_the_checkpoint_moves_first_and_three_calls_are_an_apply(
    store: MongoReadStore, proxy: MongoProxy
) -> None:
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    proxy.commands.clear()
    rows = tuple(Row(f"{i}", b"1", {"org": "o", "at": i}) for i in range(500))
    changes = Changes(rows, increments=(Increment("1", "count", 1), Increment("k", "count", 1)))
    await store.apply("space", 0, FIRST, Position(2, 2), {"rows": changes})
    assert [
        (name, document.get(name)) for name, document in proxy.commands if name != "endSessions"
    ] == [
        ("update", "checkpoints"),
        ("update", proxy.asked("update")[-1]["update"]),
        ("commitTransaction", 1),
    ]
    assert len(proxy.asked("update")[-1]["updates"]) == 501


async def test_reads_are_snapshots_that_wait_for_what_was_seen_before(
    store: MongoReadStore, proxy: MongoProxy
) -> None:
    """Also of a member that has just become primary and does not know yet what is at majority."""
    await store.apply("space", 0, None, FIRST, {"rows": Changes((Row("1", fields={"org": "o"}),))})
    proxy.commands.clear()
    await store.range("space", "rows", RowRange("by_org", ("o",)))
    await store.get("space", "rows", ["1"])
    await store.checkpoint("space", 0)
    page, rows, checkpoint = proxy.asked("find")
    assert page["hint"] == "i0" and list(page["sort"]) == ["f1", "_id"]
    assert page["readConcern"]["level"] == rows["readConcern"]["level"] == "snapshot"
    assert checkpoint["readConcern"]["level"] == "majority"
    times = [each["readConcern"]["afterClusterTime"] for each in (page, rows, checkpoint)]
    assert times == sorted(times)
    assert all("maxTimeMS" in each for each in (page, rows, checkpoint))


async def test_a_server_that_stalls_is_unavailable_and_works_when_it_goes_on(
    tmp_path: Path, driver: MongoDriver
) -> None:
    async with private_server(tmp_path) as server:
        store = await opened(server.address, "test", driver)
        await store.apply("space", 0, None, FIRST, ONE_MORE)
        await asyncio.to_thread(server.pause)
        hurry(store)
        ended = await asyncio.gather(
            store.apply("space", 0, FIRST, Position(2, 2), ONE_MORE),
            store.get("space", "rows", ["k"]),
            store.range("space", "rows", RowRange("")),
            store.checkpoint("space", 0),
            store.declare("other", [TABLE]),
            store.spaces(),
            store.drop("other"),
            return_exceptions=True,
        )
        assert [type(each) for each in ended] == [Unavailable] * 7
        await asyncio.to_thread(server.resume)
        await reach(store)
        assert await count(store) == 1
        await asyncio.to_thread(server.pause)
        await store.close()  # hangs neither


@pytest.mark.parametrize("command", ["find", "delete", "drop"])
async def test_a_drop_that_is_cut_short_is_a_drop_and_the_next_one_clears_up(
    proxy: MongoProxy, database: str, driver: MongoDriver, command: str
) -> None:
    store = await opened(proxy.address, database, driver)
    await store.declare("kept", [TABLE])
    for space in ("space", "kept"):
        await store.apply(space, 0, None, FIRST, ONE_MORE)

    def cut(reply: dict[str, Any]) -> dict[str, Any]:
        proxy.unheard[command] = 10**9
        hurry(store)
        return reply

    proxy.answers["commitTransaction"] = cut  # the space's own document is gone
    with pytest.raises(Unavailable):
        await store.drop("space")
    proxy.answers.clear()
    proxy.unheard.clear()
    await store.close()

    store = await opened(proxy.address, database, driver)
    assert sorted(await store.spaces()) == ["kept", "space"]
    assert (await store.checkpoint("space", 0), await count(store)) == (None, 0)
    assert await asyncio.to_thread(nobodys, database)
    await store.drop("another")
    assert await store.checkpoint("kept", 0) == FIRST
    assert await asyncio.to_thread(nobodys, database) == set()
    await store.close()


async def test_L24_L34_without_the_checkpoint_a_replay_counts_twice(
    store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    with pytest.raises(CheckpointMoved):
        await store.apply("space", 0, None, FIRST, ONE_MORE)
    assert await count(store) == 1

    async def unguarded(_: Checkpoints, session: AsyncClientSession, *rest: object) -> bool:
        return True

    monkeypatch.setattr(Checkpoints, "move", unguarded)
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    assert await count(store) == 2


async def test_a_cancelled_apply_leaves_no_open_transaction_behind(
    store: MongoReadStore, proxy: MongoProxy
) -> None:
    """An open one would hold the checkpoint for as long as the server lets it live."""
    await store.apply("space", 0, None, FIRST, ONE_MORE)
    heard = asyncio.Event()

    def hear(reply: dict[str, Any]) -> dict[str, Any]:
        heard.set()
        return reply

    proxy.answers["update"] = hear
    large = {"rows": Changes(tuple(Row(f"{i}", bytes(100)) for i in range(2000)))}
    task = asyncio.create_task(store.apply("space", 0, FIRST, Position(2, 2), large))
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    at = await store.checkpoint("space", 0)
    assert at in (FIRST, Position(2, 2))
    await store.apply("space", 0, at, Position(3, 3), ONE_MORE)
    assert await count(store) == 2


def nobodys(database: str) -> set[str]:
    """What a database holds that belongs to no space."""
    with MongoClient[dict[str, Any]](mongo_uri()) as client:
        found = client[database]
        living = {each["_id"] for each in found["spaces"].find()}
        tables = {f"t{each['_id']}": each["space"] for each in found["tables"].find()}
        rows = {name for name in found.list_collection_names() if name[1:].isdigit()}
        left = {name for name in rows | tables.keys() if tables.get(name) not in living}
        for collection in ("checkpoints", "writers"):
            if {each["_id"]["space"] for each in found[collection].find()} - living:
                left.add(collection)
        return left
