"""How far a member came is stored now and then (L18, L19)."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.member_progress import MemberProgress
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.ports.event_log import Consumer, Position, TopicPartition
from docaxis_eventsourcing.reactions import Reactions, Source
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS
from tests.unit.docaxis_eventsourcing.rig import Rig, until
from tests.unit.docaxis_eventsourcing.test_reactions_and_effects import (
    SOURCE,
    WRITER,
    follow,
    noted,
    publish,
)

ONE, TWO = TopicPartition("t", 1), TopicPartition("t", 2)


class Group:
    """Takes positions, or fails as it is told."""

    def __init__(self) -> None:
        self.stored: list[dict[TopicPartition, Position]] = []
        self.failure: Exception | None = None
        self.hangs = False

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        self.stored.append(dict(positions))


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def progress(group: Group, monkeypatch: pytest.MonkeyPatch) -> MemberProgress:
    """One that is due again only after an hour."""
    monkeypatch.setattr("docaxis_eventsourcing.member_progress.PROGRESS_EVERY_S", 3600.0)
    return MemberProgress(cast(Consumer, group))


def at(place: int) -> Position:
    return Position(place, place)


async def test_while_work_flows_positions_are_gathered(
    group: Group, progress: MemberProgress
) -> None:
    progress.reached({ONE: at(1)})
    await progress.store()
    for place in range(2, 50):
        progress.reached({ONE: at(place), TWO: at(place)})
        await progress.store()
    assert group.stored == [{ONE: at(1)}]
    assert 0 < progress.wait_s(1.0) <= 1.0
    await progress.store(idle=True)
    assert group.stored == [{ONE: at(1)}, {ONE: at(49), TWO: at(49)}]


async def test_what_is_stored_is_not_stored_again(group: Group, progress: MemberProgress) -> None:
    for _ in range(3):
        progress.reached({ONE: at(1)})
        await progress.store(idle=True)
    assert group.stored == [{ONE: at(1)}]
    assert progress.wait_s(1.0) == 1.0


async def test_L11_what_was_lost_is_not_stored_and_the_rest_is(
    group: Group, progress: MemberProgress
) -> None:
    progress.reached({ONE: at(1), TWO: at(2)})
    group.failure = Fenced()
    await progress.store(idle=True)
    group.failure = None
    progress.lost({1})
    await progress.store(idle=True)
    assert group.stored == [{TWO: at(2)}]
    progress.reached({TWO: at(2)})
    progress.lost({2})
    progress.reached({TWO: at(2)})  # read again by a new tenure: it may have to be stored again
    await progress.store(idle=True)
    assert group.stored == [{TWO: at(2)}, {TWO: at(2)}]


async def test_L22_a_failure_is_told_until_it_has_passed(
    group: Group, progress: MemberProgress
) -> None:
    progress.reached({ONE: at(1)})
    group.failure = Unavailable("no broker")
    await progress.store()
    assert progress.trouble == "no broker"
    assert progress.wait_s(1.0) > 0, "who is idle does not ask at once again"
    await progress.store()
    assert progress.trouble == "no broker"
    group.failure = None
    await progress.store(idle=True)
    assert progress.trouble == ""
    assert group.stored == [{ONE: at(1)}]


@pytest.mark.parametrize("failure", [None, Fenced(), Unavailable("gone")], ids=repr)
async def test_at_the_end_the_rest_is_stored_where_that_is_possible(
    group: Group, progress: MemberProgress, failure: Exception | None
) -> None:
    progress.reached({ONE: at(1)})
    await progress.store()
    progress.reached({ONE: at(2)})
    group.failure = failure
    await progress.close()
    assert group.stored == [{ONE: at(1)}, *([] if failure else [{ONE: at(2)}])]


async def test_the_end_waits_a_moment_and_no_longer(
    group: Group, progress: MemberProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.member_progress._AT_CLOSE_S", 0.01)
    progress.reached({ONE: at(1)})
    group.hangs = True
    await progress.close()
    assert group.stored == []


async def test_a_reaction_that_stops_has_stored_how_far_it_came(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.member_progress.PROGRESS_EVERY_S", 3600.0)
    rig.start(rig.processor())
    ids: list[str] = []
    for first in range(0, 60, 20):
        ids += await publish(rig, 20, first=first)
        task = rig.start(Reactions("notes", Source(SOURCE, CODEC, follow), WRITER, rig.log, 5))
        await noted(rig, ids)
        await rig.stop(task)
    assert len(await rig.records(TOPICS.commands())) == 60, "nothing was appended twice"


async def test_an_idle_part_has_stored_how_far_it_came(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.member_progress.PROGRESS_EVERY_S", 3600.0)
    monkeypatch.setattr("docaxis_eventsourcing.reactions._POLL_S", 0.01)
    monkeypatch.setattr("docaxis_eventsourcing.effects._POLL_S", 0.01)
    await publish(rig, 40)
    rig.start(Reactions("notes", Source(SOURCE, CODEC, follow), WRITER, rig.log, 5))

    async def work(event: Any, envelope: Any) -> Any:
        return ()

    rig.start(Effects("nothing", SOURCE, CODEC, work, WRITER, rig.log))
    log: Any = rig.log
    for group in ("docaxis.bank.reactions.notes", "docaxis.bank.effects.nothing"):
        for partition in range(rig.partitions):
            stream = log._parts.streams.number(SOURCE, partition)
            end = (await rig.log.end(SOURCE, partition)).place
            await until(
                lambda group=group, stream=stream, end=end: (  # type: ignore[misc]
                    log._parts.streams.committed_by(group, stream).place == end
                )
            )


@pytest.mark.parametrize("part", ["reactions", "effects"])
async def test_L22_a_part_that_cannot_store_its_progress_waits_and_is_well_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.member_progress.PROGRESS_EVERY_S", 0.01)
    away = True
    real = rig.log.join

    async def join(*args: Any, **options: Any) -> Any:
        consumer: Any = await real(*args, **options)
        progress = consumer.progress

        async def broken(positions: Any) -> None:
            if away:
                raise Unavailable("no broker")
            await progress(positions)

        consumer.progress = broken
        return consumer

    monkeypatch.setattr(rig.log, "join", join)
    await publish(rig, 12)

    async def work(event: Any, envelope: Any) -> Any:
        return ()

    running: Any = Effects("notes", SOURCE, CODEC, work, WRITER, rig.log)
    if part == "reactions":
        running = Reactions("notes", Source(SOURCE, CODEC, follow), WRITER, rig.log)
    rig.start(running)
    await until(lambda: running.health.state is PartState.WAITING)
    away = False
    await until(lambda: running.health.state is PartState.WORKING)
