"""A move that dies anywhere is gone on with by the same command, and ends as if it had not died."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, SqliteNewHome
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_moving import file_segments, layout, log_segments
from docaxis_moving.journal import Journal
from tests.unit.docaxis_moving.old_house import (
    TOPICS,
    event,
    export_of,
    ids,
    import_of,
    new_house,
    old_house,
)


class Killed(BaseException):
    """The process ends here: nothing of ours catches it."""


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of them, of a few records each."""
    monkeypatch.setattr(log_segments, "SEGMENT_BYTES", 600)
    monkeypatch.setattr("docaxis_moving.exporting.SEGMENT_BYTES", 2000)
    monkeypatch.setattr("docaxis_moving.filling._AT_ONCE_RECORDS", 2)


def dying(monkeypatch: pytest.MonkeyPatch, of: Any, name: str, at: int, *, before: bool) -> None:
    """Let the `at`-th call of a method be the last thing that happens, done or not."""
    real = getattr(of, name)
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and before:
            raise Killed
        result = real(*arguments, **named)
        if calls == at:
            raise Killed
        return result

    monkeypatch.setattr(of, name, counted)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("of", "name"),
    [
        (Journal, "note"),
        (log_segments.SegmentWriter, "add"),
        (file_segments.ArchiveWriter, "finish"),
        (layout, "keep"),
    ],
)
async def test_a_killed_export_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Any, name: str, before: bool
) -> None:
    whole = await export_of(tmp_path / "old", tmp_path / "whole")
    deaths = 0
    for at in range(1, 40):
        with monkeypatch.context() as patched:
            dying(patched, of, name, at, before=before)
            try:
                exported = await export_of(tmp_path / "old", tmp_path / "export")
            except Killed:
                deaths += 1
                if at % 3 == 0:  # a line that was cut off by a power cut
                    with (tmp_path / "export" / "journal.jsonl").open("ab") as journal:
                        journal.write(b'{"segment":{"path":"log/')
                continue
        break
    assert deaths > 1
    assert exported == whole
    assert names_below(tmp_path / "export") == names_below(tmp_path / "whole")


def names_below(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


async def test_a_finished_export_is_told_again(tmp_path: Path) -> None:
    whole = await export_of(tmp_path / "old", tmp_path / "export")
    assert await export_of(tmp_path / "old", tmp_path / "export") == whole


class DyingHome:
    """Dies at the `at`-th step that changes the log: before it, or right behind it."""

    def __init__(self, at: int, *, before: bool) -> None:
        self.left = at
        self.before = before

    def wrap(self, patched: pytest.MonkeyPatch) -> None:
        for of, names in (
            (SqliteNewHome, ("begin", "load", "finish")),
            (LocalFileStore, ("put", "take", "discard")),
        ):
            for name in names:
                patched.setattr(of, name, self._dying(getattr(of, name)))

    def _dying(self, real: Callable[..., Any]) -> Callable[..., Any]:
        async def step(*arguments: Any) -> Any:
            self.left -= 1
            last = self.left == 0  # several go on at once
            if last and self.before:
                raise Killed
            result = await real(*arguments)
            if last:
                raise Killed
            return result

        return step


@pytest.mark.parametrize("before", [True, False])
async def test_a_killed_import_goes_on_wherever_it_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    await import_of(tmp_path / "export", tmp_path / "whole")
    async with old_house(tmp_path / "whole", unkind=False) as (log, _):
        wanted = await ids(log)
    for at in range(1, 60):
        house = tmp_path / f"new-{at}"
        with monkeypatch.context() as patched:
            DyingHome(at, before=before).wrap(patched)
            try:
                await import_of(tmp_path / "export", house)
                died = False
            except Killed:
                died = True
        if died:
            await import_of(tmp_path / "export", house)
        async with old_house(house, unkind=False) as (log, files):
            assert await ids(log) == wanted
            assert await files.documents() == ["document-1", "document-2"]
            assert len(await files.digests("document-1")) == 3
        if not died:
            break
    assert at > 10


async def test_no_service_starts_while_an_import_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    with monkeypatch.context() as patched:
        DyingHome(7, before=False).wrap(patched)
        with pytest.raises(Killed):
            await import_of(tmp_path / "export", tmp_path / "new")
    with pytest.raises(ValueError, match="docaxis import"):
        await SqliteEventLog.open(tmp_path / "new" / "log", 3)
    first = await import_of(tmp_path / "export", tmp_path / "new")
    async with old_house(tmp_path / "new", unkind=False) as (log, _):
        assert log.epoch == first.epoch
    again = await import_of(tmp_path / "export", tmp_path / "new")
    assert again.was_finished
    assert again.epoch == first.epoch


async def test_an_import_goes_on_with_its_own_export_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    with monkeypatch.context() as patched:
        DyingHome(7, before=False).wrap(patched)
        with pytest.raises(Killed):
            await import_of(tmp_path / "export", tmp_path / "new")
    async with old_house(tmp_path / "old") as (log, _):
        await log.append([event(2, 1)])
    await export_of(tmp_path / "old", tmp_path / "later")
    with pytest.raises(ValueError, match="docaxis import"):
        await import_of(tmp_path / "later", tmp_path / "new")


async def test_what_another_wrote_meanwhile_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    real = SqliteNewHome.load

    async def load(home: SqliteNewHome, outputs: Sequence[Outgoing]) -> None:
        changed = [
            Outgoing(each.topic, each.partition, event(each.partition, 1).message)
            if each.topic == TOPICS.outcomes
            else each
            for each in outputs
        ]
        await real(home, changed)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteNewHome, "load", load)
        with pytest.raises(Divergence, match="does not have there"):
            await import_of(tmp_path / "export", tmp_path / "new")
    async with new_house(tmp_path / "new", tmp_path / "export") as (home, _):
        assert not home.finished
