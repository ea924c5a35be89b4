"""Views: checkpoint and rows in one step (L24), rebuilt to the same bytes (L27), read after write
(L28), blue and green while traffic flows."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.space_digest import space_digest
from tests.unit.docaxis_eventsourcing.bank import (
    TOPICS,
    Deposit,
    Transfer,
    partition,
)
from tests.unit.docaxis_eventsourcing.bank_views import (
    ACCOUNTS,
    DOUBLED,
    FAULTY,
    OUTCOMES,
    REFUSALS,
    VIEW,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, until
from tests.unit.docaxis_eventsourcing.test_taking import event
from tests.unit.docaxis_eventsourcing.view_runs import deposits, expected, passed, rows, runner


async def test_L24_replays_count_once(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    for _ in range(3):
        view = runner(any_rig)
        task = any_rig.start(view)
        await deposits(any_rig, door, 60)
        await passed(view)
        assert await rows(view) == await expected(any_rig)
        await any_rig.stop(task)


async def test_L27_a_rebuild_under_traffic_gives_the_same_bytes_and_queries_see_no_gap(
    any_rig: Rig,
) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig)
    any_rig.start(view)
    await deposits(any_rig, door, 90)
    await passed(view)
    ended = False
    seen: list[int] = []

    async def traffic() -> None:
        while not ended:
            await deposits(any_rig, door, 20)

    async def queries() -> None:
        """What is read never goes back: the new build is never behind the old one."""
        last: dict[str, int] = {}
        while not ended:
            now = {account: changes for account, (_, changes) in (await rows(view)).items()}
            assert last.keys() <= now.keys()
            assert all(now[account] >= count for account, count in last.items())
            last = now
            seen.append(len(now))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(traffic())
        tasks.create_task(queries())
        for generation in (2, 3):
            assert await view.rebuild() >= VIEW.space(generation)
        ended = True
    assert seen
    await passed(view)
    before = await space_digest(any_rig.store, view.reader.space, VIEW.tables)
    space = await view.rebuild()
    assert await space_digest(any_rig.store, space, VIEW.tables) == before
    assert await rows(view) == await expected(any_rig)
    assert await view_spaces(any_rig) == {space}


async def view_spaces(rig: Rig) -> set[str]:
    """The spaces of the view that are there."""
    return {space for space in await rig.store.spaces() if VIEW.generation_of(space)}


async def test_an_interrupted_rebuild_leaves_the_old_build_serving(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig)
    any_rig.start(view)
    await deposits(any_rig, door, 30)
    for turns in (0, 1, 5, 20, 80, 300):
        rebuild = asyncio.create_task(view.rebuild())
        for _ in range(turns):
            await asyncio.sleep(0)
        rebuild.cancel()
        await asyncio.gather(rebuild, return_exceptions=True)
        await deposits(any_rig, door, 10)
        await passed(view)
        assert await rows(view) == await expected(any_rig)
    space = await view.rebuild()
    assert await view_spaces(any_rig) == {space}
    assert view.health.state is PartState.WORKING


async def test_an_interruption_of_the_process_in_a_rebuild_leaves_nothing_behind(
    any_rig: Rig,
) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    await deposits(any_rig, door, 30)
    for turns in (1, 10, 100, 400):
        task = any_rig.start(runner(any_rig))
        for _ in range(turns):
            await asyncio.sleep(0)
        await any_rig.stop(task)
    view = runner(any_rig)
    any_rig.start(view)
    await passed(view)
    assert await rows(view) == await expected(any_rig)
    space = await view.rebuild()
    assert await view_spaces(any_rig) == {space}


async def test_a_new_version_of_a_view_is_built_beside_the_old(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig)
    task = any_rig.start(view)
    await deposits(any_rig, door, 30)
    await passed(view)
    await any_rig.stop(task)
    newer = runner(any_rig, DOUBLED)
    any_rig.start(newer)
    await passed(newer)
    assert newer.reader.space == DOUBLED.space(2)
    assert await rows(newer) == await expected(any_rig, factor=2)
    assert await view_spaces(any_rig) == {DOUBLED.space(2)}


async def test_a_faulty_new_version_leaves_the_old_serving(rig: Rig) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    view = runner(rig)
    task = rig.start(view)
    await deposits(rig, door, 30)
    with pytest.raises(KeyError, match="a fault of the new version"):
        await view.rebuild(FAULTY)
    await deposits(rig, door, 30)
    await passed(view)
    assert await rows(view) == await expected(rig)
    assert await view_spaces(rig) == {VIEW.space(1)}
    assert view.view is VIEW
    assert not task.done()
    assert await view.rebuild() == VIEW.space(3)


async def test_a_fault_of_the_serving_view_is_seen(rig: Rig) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    view = runner(rig, FAULTY)
    task = asyncio.create_task(view.run())
    await until(lambda: view.health.state is PartState.WORKING)
    await ask(door, Deposit("a.1", 1))
    with pytest.raises(KeyError):
        await task
    assert view.health.state is PartState.FAILED


async def test_two_runners_follow_one_pointer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.projector._FOLLOW_S", 0.02)
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    views = [runner(rig), runner(rig)]
    for view in views:
        rig.start(view)
    await deposits(rig, door, 30)
    for view in views:
        await passed(view)
    space = await views[0].rebuild()
    await until(lambda: views[1].reader.space == space)
    await deposits(rig, door, 30)
    for view in views:
        await passed(view)
        assert await rows(view) == await expected(rig)


async def test_L28_a_miss_waits_until_the_view_has_passed_the_end(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig)
    any_rig.start(view)
    for number in range(20):
        name = f"b{number}.new"
        await ask(door, Deposit(name, 1))
        row = await view.reader.get_passing_end(ACCOUNTS.name, name, partition(name), 20.0)
        assert row is not None
    missing = await view.reader.get_passing_end(ACCOUNTS.name, "b0.no", partition("b0.no"), 20.0)
    assert missing is None


async def test_L28_a_view_that_has_not_passed_the_end_is_stale_and_not_empty(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    view = runner(rig)
    rig.start(view)
    await passed(view)

    async def away(*_: Any) -> None:
        raise Unavailable("the store is away")

    monkeypatch.setattr(rig.store, "apply", away)
    await ask_without_states(rig)
    with pytest.raises(DocaxisError) as stale:
        await view.reader.get_passing_end(ACCOUNTS.name, "a.1", partition("a.1"), 0.1)
    assert stale.value.code == "read_stale"
    await until(lambda: view.health.state is PartState.WAITING)


async def ask_without_states(rig: Rig) -> None:
    """An event that no processor had to keep states for."""
    await rig.log.append([event(1)])


async def test_L28_a_view_of_a_topic_without_versions_passes_its_end_too(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig, OUTCOMES)
    any_rig.start(view)
    for number in range(10):
        with pytest.raises(DocaxisError, match="too_poor"):
            await ask(door, Transfer("a.1", "a.2", 1), f"t{number}")
        row = await view.reader.get_passing_end(REFUSALS.name, f"t{number}", 0, 20.0)
        assert row is not None
        assert row.blob == b"too_poor"
    assert await view.rebuild() == OUTCOMES.space(2)


async def test_L17_L27_a_view_of_a_topic_that_expires_is_as_old_as_its_topic(any_rig: Rig) -> None:
    door = any_rig.door()
    any_rig.start(any_rig.processor())
    any_rig.start(door)
    view = runner(any_rig, OUTCOMES)
    task = any_rig.start(view)

    async def refused(number: int) -> None:
        with pytest.raises(DocaxisError, match="too_poor"):
            await ask(door, Transfer("a.1", "a.2", 1), f"t{number}")

    for number in range(10):
        await refused(number)
    await view.reader.pass_end(0, 20.0)
    records = await any_rig.records(TOPICS.outcomes)
    await any_rig.log.trim(TOPICS.outcomes, 0, records[5].after)
    left = [record.envelope.causation_id for record in await any_rig.records(TOPICS.outcomes)]
    assert left == ["t6", "t7", "t8", "t9"]
    assert await view.reader.get(REFUSALS.name, "t0") is not None, "it had come in time"
    await view.rebuild()
    await refused(10)

    async def rows_of(each: ViewRunner) -> set[str]:
        await each.reader.pass_end(0, 20.0)
        return set(await each.reader.get_many(REFUSALS.name, [f"t{n}" for n in range(11)]))

    assert await rows_of(view) == {*left, "t10"}
    await any_rig.stop(task)
    late = runner(any_rig, replace(OUTCOMES, version=2))
    any_rig.start(late)
    assert await rows_of(late) == {*left, "t10"}


async def test_L4_a_view_of_an_exchanged_log_refuses(rig: Rig) -> None:
    await rig.store.declare(VIEW.space(1), VIEW.tables)
    view = runner(rig)
    task = asyncio.create_task(view.run())
    await until(lambda: view.health.state is PartState.WORKING)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    at = await rig.store.checkpoint(view.reader.space, 3)
    await rig.store.apply(view.reader.space, 3, at, Position(9, 9), {})
    with pytest.raises(Exception, match="the log ends at"):
        await runner(rig).run()


async def test_news_that_come_while_a_query_runs_are_not_missed(rig: Rig) -> None:
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    view = runner(rig)
    rig.start(view)
    await passed(view)
    changes = view.reader.changes
    assert await view.reader.get(ACCOUNTS.name, "a.1") is None
    await ask(door, Deposit("a.1", 1))
    await passed(view)
    assert await view.reader.wait_for_news(0.0, changes)
    assert not await view.reader.wait_for_news(0.0)
