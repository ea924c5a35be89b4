"""What a view brings to its store at once: more when far behind, less where that is slow (L22)."""

from dataclasses import replace
from typing import Any

import pytest

from docaxis_adapters.sqlite_log.consumer import SqliteConsumer
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing import parts, projection
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Polled
from tests.unit.docaxis_eventsourcing.bank_views import (
    VIEW,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, until
from tests.unit.docaxis_eventsourcing.view_runs import deposits, expected, passed, rows, runner


async def test_a_build_far_behind_takes_larger_batches_and_falls_back_when_it_keeps_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heavy batches never grow."""
    door = rig.door()
    processor = rig.start(rig.processor())
    rig.start(door)
    await deposits(rig, door, 90)
    await rig.stop(processor)  # from now on the view's polls are the only ones
    asked: list[int] = []
    poll = SqliteConsumer.poll

    async def noted(consumer: SqliteConsumer, limit: int, wait_s: float) -> Polled:
        asked.append(limit)
        return await poll(consumer, limit, wait_s)

    monkeypatch.setattr(projection, "_LEAST", 4)
    monkeypatch.setattr(projection, "_MOST", 16)
    view = runner(rig)
    monkeypatch.setattr(SqliteConsumer, "poll", noted)
    rig.start(view)
    await passed(view)
    assert await rows(view) == await expected(rig)
    assert max(asked) == 16
    await until(lambda: asked[-1] == 4)

    asked.clear()
    monkeypatch.setattr(projection, "_MOST_BYTES", 1)
    await view.rebuild()
    assert set(asked) == {4}


@pytest.mark.parametrize("most", [2, 5])  # a transfer makes two
async def test_L22_a_store_too_slow_for_a_step_is_brought_smaller_ones(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Its time runs out each time that more than `most` rows come at once, and nothing is kept."""
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    await deposits(rig, door, 120)
    apply = SqliteReadStore.apply
    refused: list[int] = []

    async def slow(store: SqliteReadStore, *step: Any) -> None:
        space, changes = step[0], step[-1]
        brought = sum(len(each.puts) for each in changes.values())
        if space.startswith("bank_slow") and brought > most:
            refused.append(brought)
            raise Unavailable("timed out")
        await apply(store, *step)

    monkeypatch.setattr(SqliteReadStore, "apply", slow)
    monkeypatch.setattr(parts, "_FIRST_WAIT_S", 0.001)
    view = runner(rig, replace(VIEW, name="slow"))
    rig.start(view)
    await until(lambda: view.reader.space != "")
    await passed(view)
    assert await rows(view) == await expected(rig)
    assert refused
