"""L11, L12: replicas come and go under load; every acknowledged command counts exactly once."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from tests.unit.docaxis_eventsourcing.bank import Deposit, Post, Transfer, decider, partition
from tests.unit.docaxis_eventsourcing.rig import (
    Rig,
    ask,
    check_once,
    check_versions,
    running,
)

BRANCHES = 24


async def traffic(rig: Rig, random: Random, rounds: int) -> set[str]:
    """Deposits, posts and transfers, some of them asked twice; tells the acknowledged ids."""
    door = rig.door()
    rig.start(door)
    acknowledged: set[str] = set()

    async def client(number: int) -> None:
        for step in range(rounds):
            branch = f"b{random.randrange(BRANCHES)}"
            command = random.choice(
                [Deposit(f"{branch}.1", 2), Post(f"{branch}.x"), Transfer(*_two(branch), 1)]
            )
            command_id = f"{number}-{step}"
            for _ in range(random.choice([1, 1, 2])):
                try:
                    await ask(door, command, command_id)
                except DocaxisError as error:
                    assert error.code == "too_poor"
                else:
                    acknowledged.add(command_id)

    await asyncio.gather(*(client(number) for number in range(16)))
    return acknowledged


def _two(branch: str) -> tuple[str, str]:
    return f"{branch}.1", f"{branch}.2"


async def check_all(rig: Rig, acknowledged: set[str]) -> None:
    """Versions, each command once, and the states against the events counted by hand."""
    events = await rig.records()
    check_versions(events)
    check_once(events, acknowledged)
    assert {event.envelope.causation_id for event in events} == acknowledged
    kinds = [event.envelope.type.rpartition(".")[2] for event in events]
    money = 0
    posts = 0
    for branch in range(BRANCHES):
        states = await rig.states(decider(), partition(f"b{branch}.1"))
        names = [f"account/b{branch}.1", f"account/b{branch}.2", f"inbox/b{branch}.x"]
        entries = await states.load(names)
        one, two, inbox = (entries[name].state for name in names)
        money += one.balance + two.balance
        posts += inbox.last
        assert inbox.last == len(inbox.texts)
    assert money == 2 * kinds.count("Deposited")
    assert posts == kinds.count("Posted")


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
async def test_L11_L12_replicas_join_and_leave_under_load(tmp_path: Path, seed: int) -> None:
    async with running(tmp_path, seed) as rig:
        random = Random(seed)
        replicas = [rig.start(rig.processor(batch_limit=20, trim_every_s=0.02))]
        load = asyncio.create_task(traffic(rig, random, 12))
        while not load.done():
            await asyncio.wait((load,), timeout=random.uniform(0.01, 0.08))
            if len(replicas) > 1 and random.random() < 0.5:
                await rig.stop(replicas.pop(random.randrange(len(replicas))))
            elif len(replicas) < 4:
                replicas.append(rig.start(rig.processor(batch_limit=20, trim_every_s=0.02)))
        acknowledged = await load
        await rig.stop()
        await check_all(rig, acknowledged)


@pytest.mark.parametrize("seed", [11, 12])
async def test_L12_a_fenced_batch_leaves_nothing_and_is_decided_again_once(
    tmp_path: Path, seed: int
) -> None:
    async with running(tmp_path) as rig:
        await rig.log.close()
        unkind = Unkindness(seed=seed, regain_chance=0.6)  # most batches are fenced
        rig.log = await SqliteEventLog.open(tmp_path / "log", synchronous="OFF", unkindness=unkind)
        rig.start(rig.processor())
        acknowledged = await traffic(rig, Random(seed), 5)
        await rig.stop()
        await check_all(rig, acknowledged)
        await rig.log.close()


async def test_L12_a_processor_cancelled_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, 5) as rig:
        random = Random(5)
        load = asyncio.create_task(traffic(rig, random, 10))
        while not load.done():
            replica = rig.start(rig.processor(batch_limit=50))
            for _ in range(random.randrange(1, 400)):
                await asyncio.sleep(0)  # a number of turns of the loop, then death
            await asyncio.wait((load,), timeout=random.uniform(0, 0.03))
            await rig.stop(replica)
        acknowledged = await load
        await rig.stop()
        await check_all(rig, acknowledged)
