"""Replicas that build a view at the same time, and one that was stopped while others rebuilt it."""

import asyncio
from collections.abc import Sequence

import pytest

from docaxis_eventsourcing.active_spaces import Active, ActiveSpaces
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.projection import Projection
from docaxis_eventsourcing.projector import ViewRunner
from tests.unit.docaxis_eventsourcing.bank import Deposit, partition
from tests.unit.docaxis_eventsourcing.bank_views import VIEW
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, until

DROP_AFTER_S = 0.3


class HeldBack(ViewRunner):
    """Takes over when it is let."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(VIEW, rig.log, rig.store, drop_after_s=DROP_AFTER_S)
        self.let = asyncio.Event()

    async def _until_caught_up(self, build: object) -> None:
        await super()._until_caught_up(build)  # type: ignore[arg-type]
        await self.let.wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.projector._FOLLOW_S", 0.02)


async def two_that_build(rig: Rig) -> Sequence[HeldBack]:
    """Both have found no build and claimed one; the first claimed the first generation."""
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    await ask(door, Deposit("a.1", 7))
    views = [HeldBack(rig), HeldBack(rig)]
    for generation, view in enumerate(views, 1):
        rig.start(view)
        await until(lambda at=generation: has_space(rig, at))  # type: ignore[misc]
    return views


async def has_space(rig: Rig, generation: int) -> bool:
    return VIEW.space(generation) in await rig.store.spaces()


async def balance(view: ViewRunner) -> int:
    row = await view.reader.get_passing_end("accounts", "a.1", 0)
    assert row is not None
    return int(row.blob)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("last", [0, 1])
async def test_of_two_builds_at_once_the_last_pointer_serves_both_and_is_never_dropped(
    rig: Rig, last: int
) -> None:
    views = await two_that_build(rig)
    for index in (1 - last, last):
        views[index].let.set()
        await until(lambda at=index: views[at].reader.space == VIEW.space(at + 1))  # type: ignore[misc]
    asked = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < asked + 3 * DROP_AFTER_S:
        assert [await balance(view) for view in views] == [7, 7]
    assert {view.reader.space for view in views} == {VIEW.space(last + 1)}
    assert await has_space(rig, 1) is (last == 0)


@pytest.mark.usefixtures("quick")
async def test_L28_no_replica_follows_to_a_build_that_holds_less(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the build before, which goes on itself, until the new one has caught up."""
    monkeypatch.setattr(f"{__name__}.DROP_AFTER_S", 60.0)
    views = await two_that_build(rig)
    for view in views:
        view.let.set()
        await until(lambda view=view: view.reader.space != "")  # type: ignore[misc]
    before = VIEW.space(2)
    await until(lambda: {view.reader.space for view in views} == {before})
    door = rig.door()
    rig.start(door)
    behind = VIEW.space(7)
    await rig.store.declare(behind, VIEW.tables)
    let = asyncio.Event()
    run = Projection.run

    async def run_late(self: Projection) -> None:
        if self.space == behind:
            await let.wait()
        await run(self)

    monkeypatch.setattr(Projection, "run", run_late)
    await ActiveSpaces(rig.store).switch(VIEW.full_name, Active(behind, VIEW.version, 7))
    for more in range(1, 4):
        await asyncio.sleep(0.1)  # several looks at the pointer
        await ask(door, Deposit("a.1", 1))
        for view in views:
            await view.reader.pass_end(partition("a.1"))
            assert await balance(view) == 7 + more
    assert {view.reader.space for view in views} == {before}
    let.set()
    while {view.reader.space for view in views} != {behind}:
        assert [await balance(view) for view in views] == [10, 10]
    assert [await balance(view) for view in views] == [10, 10]


@pytest.mark.usefixtures("quick")
async def test_a_space_dropped_behind_ones_back_is_a_wait_and_no_fault(rig: Rig) -> None:
    """Of a replica that was stopped past the time that others leave it to follow."""
    views = await two_that_build(rig)
    for view in views:
        view.let.set()
        await until(lambda view=view: view.reader.space != "")  # type: ignore[misc]
    stopped = ViewRunner(VIEW, rig.log, rig.store)
    stopped.reader.serve(VIEW.space(0))
    with pytest.raises(Unavailable):
        await stopped.reader.get("accounts", "a.1")
    with pytest.raises(ValueError, match="declared"):
        await views[1].reader.get("no_table", "a.1")
