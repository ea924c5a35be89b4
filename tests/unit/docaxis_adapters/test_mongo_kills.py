"""The MongoDB read store where its server or a process of ours is killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from docaxis_adapters.mongo_store import MongoDriver, MongoReadStore
from docaxis_adapters.mongo_store.fencing import Fence
from docaxis_eventsourcing.errors import CheckpointMoved, Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from tests.servers import MongoServer
from tests.unit.docaxis_adapters.mongo_proxy import mongo_proxy
from tests.unit.docaxis_adapters.mongo_rows import (
    ONE_MORE,
    SHORT_S,
    count,
    driver,
    hurry,
    opened,
    private_server,
    reach,
)

__all__ = ["driver"]

pytestmark = pytest.mark.cluster

KILLED = """
import asyncio, sys
from docaxis_adapters.mongo_store import MongoReadStore
from docaxis_eventsourcing.ports.event_log import Position
from tests.unit.docaxis_adapters.mongo_rows import ONE_MORE, TABLE

async def main():
    store = await MongoReadStore.open(sys.argv[1], sys.argv[2])
    await store.declare("space", [TABLE])
    at = None
    for number in range(1, 10**9):
        await store.apply("space", 0, at, Position(number, number), ONE_MORE)
        at = Position(number, number)
        print(number, flush=True)

asyncio.run(main())
"""


async def test_L24_through_kills_of_the_server_all_counts_once(
    tmp_path: Path, driver: MongoDriver
) -> None:
    """As a projector does it: away means again; another checkpoint means on from there."""
    goal, kills = 150, 3

    async def feed(store: MongoReadStore) -> None:
        at: Position | None = None
        while at is None or at.version < goal:
            number = at.version + 1 if at else 1
            try:
                await store.apply("space", 0, at, Position(number, number), ONE_MORE)
                at = Position(number, number)
            except Unavailable:
                await asyncio.sleep(0.05)
            except CheckpointMoved:
                at = await reach(store)

    async def disturb(store: MongoReadStore, server: MongoServer) -> None:
        for part in range(1, kills + 1):
            await reach(store, goal * part // (kills + 1))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start_again)

    async with private_server(tmp_path) as server:
        store = await opened(server.address, "test", driver, timeout_s=SHORT_S)
        await asyncio.gather(feed(store), disturb(store, server))
        await reach(store)
        assert await count(store) == goal
        await store.close()


async def test_L24_a_killed_process_leaves_checkpoint_and_rows_that_agree(tmp_path: Path) -> None:
    async with private_server(tmp_path) as server:
        process = await begun(server.address)
        await read_lines(process, 60)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        store = await MongoReadStore.open(server.address, "test")
        at = await store.checkpoint("space", 0)
        assert at is not None and at.version >= 60
        assert await count(store) == at.version
        await store.close()


async def test_L24_what_a_killed_process_left_open_is_ended_by_its_successor(
    tmp_path: Path, driver: MongoDriver
) -> None:
    """Left to the server it would hold the partition for a minute, and the apply fail."""
    async with private_server(tmp_path) as server, mongo_proxy(server.address) as proxy:
        process = await begun(proxy.address)
        await read_lines(process, 3)
        proxy.held["commitTransaction"] = 1
        await proxy.holds.wait()
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        store = await MongoReadStore.open(server.address, "test", driver=driver, timeout_s=20)
        at = await store.checkpoint("space", 0)
        assert at is not None
        await store.apply("space", 0, at, Position(10**6, 10**6), ONE_MORE)
        assert await count(store) == at.version + 1
        await store.close()


async def test_L24_L34_without_the_fence_what_was_left_open_holds_the_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unfenced(*_: object) -> None:
        pass

    async with private_server(tmp_path) as server, mongo_proxy(server.address) as proxy:
        process = await begun(proxy.address)
        await read_lines(process, 3)
        proxy.held["commitTransaction"] = 1
        await proxy.holds.wait()
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        store = await MongoReadStore.open(server.address, "test", timeout_s=20)
        at = await store.checkpoint("space", 0)
        hurry(store)
        monkeypatch.setattr(Fence, "enter", unfenced)
        with pytest.raises(Unavailable):
            await store.apply("space", 0, at, Position(10**6, 10**6), ONE_MORE)
        await store.close()


async def begun(address: str) -> asyncio.subprocess.Process:
    """A process that applies one step after another and tells each."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["libs", "services", "."])}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, address, "test"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )


async def read_lines(process: asyncio.subprocess.Process, lines: int) -> None:
    assert process.stdout is not None
    for _ in range(lines):
        assert await process.stdout.readline(), "the process ended"
