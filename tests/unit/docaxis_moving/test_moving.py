"""An axis carried from one log and file store to another: what comes along, and what does not."""

from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_eventsourcing.ports.event_log import START
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import Lane
from docaxis_moving import MoveRefused, export_axis, group_places, import_axis
from docaxis_moving.importing import next_epoch
from docaxis_moving.layout import read_manifest
from tests.unit.docaxis_moving.old_house import (
    GROUP,
    LARGE,
    PARTITIONS,
    SERVICES,
    TOPICS,
    command,
    event,
    everything,
    export_of,
    ids,
    import_of,
    new_house,
    old_house,
)


async def test_events_come_as_they_stand_and_decided_commands_stay_behind(tmp_path: Path) -> None:
    exported = await export_of(tmp_path / "old", tmp_path / "export")
    imported = await import_of(tmp_path / "export", tmp_path / "new")
    assert (imported.records, imported.files) == (exported.records, exported.files)
    assert exported.files == 4
    async with old_house(tmp_path / "old") as (log, _):
        left = await ids(log)
        events = [await everything(log, TOPICS.events, at) for at in range(PARTITIONS)]
    async with old_house(tmp_path / "new", unkind=False) as (log, files):
        found = await ids(log)
        moved = [await everything(log, TOPICS.events, at) for at in range(PARTITIONS)]
        for content in (b"", b"card", b"reason"):
            digest = sha256(content).hexdigest()
            assert b"".join([part async for part in files.read("document-1", digest)]) == content
        large = sha256(LARGE).hexdigest()
        assert b"".join([part async for part in files.read("document-2", large)]) == LARGE
        assert await files.documents() == ["document-1", "document-2"]
    urgent, normal = TOPICS.all_commands
    del left[urgent, 0]
    left[normal, 1] = left[normal, 1][2:]
    assert found == left
    for before, after in zip(events, moved, strict=True):
        assert [(each.envelope, each.data) for each in after] == [
            (each.envelope, each.data) for each in before
        ]


async def test_reactions_and_effects_go_on_where_they_were(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    await import_of(tmp_path / "export", tmp_path / "new")
    async with old_house(tmp_path / "new", unkind=False) as (log, _):
        third = (await everything(log, TOPICS.events, 0))[2].after
        consumer = await log.join(GROUP, (TOPICS.events,))
        stands = [(await consumer.committed(at))[TOPICS.events] for at in range(PARTITIONS)]
        assert stands == [third, await log.end(TOPICS.events, 1), START]
        await consumer.close()
        processor = await log.join(TOPICS.processor_group, TOPICS.all_commands)
        for at in range(PARTITIONS):
            assert set((await processor.committed(at)).values()) == {START}


async def test_the_new_home_takes_the_partition_count_over(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    imported = await import_of(tmp_path / "export", tmp_path / "new")
    assert imported.partitions == PARTITIONS
    with pytest.raises(ValueError, match="made with 3 partitions"):
        await SqliteEventLog.open(tmp_path / "new" / "log", 12)


async def test_L4_a_new_home_has_an_epoch_that_no_other_place_has(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    now = 1_800_000_000.0
    first = await import_of(tmp_path / "export", tmp_path / "first", clock=lambda: now)
    second = await import_of(tmp_path / "export", tmp_path / "second", clock=lambda: now + 1)
    assert 1 < first.epoch < second.epoch
    async with old_house(tmp_path / "second") as (log, _):
        assert log.epoch == second.epoch


def test_L4_an_epoch_is_later_than_the_old_one_also_where_the_clock_is_behind() -> None:
    assert next_epoch(7, 0.0) == 8
    assert next_epoch(7, 1_577_836_900.0) == 100
    assert next_epoch(10**8, 1_577_836_900.0) == 10**8 + 1


async def test_and_back_again(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "there")
    await import_of(tmp_path / "there", tmp_path / "new")
    await export_of(tmp_path / "new", tmp_path / "back")
    await import_of(tmp_path / "back", tmp_path / "old-again")
    there, _ = read_manifest(tmp_path / "there")
    back, _ = read_manifest(tmp_path / "back")
    # The same records; only the append times in the frames, and so the segments, are others.
    assert [(s.topic, s.partition, s.count) for s in back.streams] == [
        (s.topic, s.partition, s.count) for s in there.streams
    ]
    assert back.groups == there.groups
    assert back.epoch > there.epoch
    async with old_house(tmp_path / "new", unkind=False) as (log, _):
        new = await ids(log)
    async with old_house(tmp_path / "old-again", unkind=False) as (log, _):
        assert await ids(log) == new


async def test_nothing_is_imported_into_an_axis_that_is_somebodys(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    with pytest.raises(MoveRefused, match="records in") as refused:
        await import_of(tmp_path / "export", tmp_path / "old")
    assert refused.value.code == "axis_not_empty"
    async with old_house(tmp_path / "old"):
        pass  # it opens as before


async def test_files_of_somebody_are_in_the_way_too(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    (tmp_path / "old" / "files").rename(tmp_path / "new-files")
    (tmp_path / "new").mkdir()
    (tmp_path / "new-files").rename(tmp_path / "new" / "files")
    with pytest.raises(MoveRefused, match="files of document-1"):
        await import_of(tmp_path / "export", tmp_path / "new")


async def test_nothing_is_imported_while_somebody_decides_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_places, "_HELD_WITHIN", 2)
    await export_of(tmp_path / "old", tmp_path / "export")
    manifest, _ = read_manifest(tmp_path / "export")
    async with new_house(tmp_path / "new", tmp_path / "export") as (home, files):
        await SERVICES[0].declare_topics(home.log)
        service = await home.log.join(TOPICS.processor_group, TOPICS.all_commands)
        with pytest.raises(MoveRefused, match="stop all services") as refused:
            await import_axis(home, files, SERVICES, tmp_path / "export", manifest)
        assert refused.value.code == "groups_not_free"
        assert await ids(home.log) == {}
        await service.close()
        await import_axis(home, files, SERVICES, tmp_path / "export", manifest)


async def test_an_axis_that_is_at_work_is_not_exported(tmp_path: Path) -> None:
    async with old_house(tmp_path / "old") as (log, files):

        class Busy:
            def __getattr__(self, name: str) -> object:
                return getattr(files, name)

            async def documents(self) -> list[str]:
                await log.append([command(Lane.NORMAL, 0, 99)])
                return list(await files.documents())

        with pytest.raises(MoveRefused) as refused:
            await export_axis(log, cast(FileStore, Busy()), SERVICES, tmp_path / "export")
        assert refused.value.code == "axis_ran"
    assert not (tmp_path / "export" / "manifest.json").exists()


async def test_an_export_is_not_gone_on_with_once_the_axis_has_run(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    async with old_house(tmp_path / "old") as (log, _):
        await log.append([event(2, 1)])
    with pytest.raises(MoveRefused, match="has run since") as refused:
        await export_of(tmp_path / "old", tmp_path / "export")
    assert refused.value.code == "axis_ran"


async def test_L16_a_log_with_a_gap_is_not_carried(tmp_path: Path) -> None:
    async with old_house(tmp_path / "old") as (log, _):
        await log.append([event(0, 7)])
    with pytest.raises(MoveRefused, match="version 7 where 6 is due") as refused:
        await export_of(tmp_path / "old", tmp_path / "export")
    assert refused.value.code == "log_incomplete"


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "thesis.odt").write_text("mine")
    with pytest.raises(MoveRefused) as refused:
        await export_of(tmp_path / "old", folder)
    assert refused.value.code == "folder_not_empty"
    assert [each.name for each in folder.iterdir()] == ["thesis.odt"]


async def test_an_axis_of_another_service_is_refused_by_name(tmp_path: Path) -> None:
    await export_of(tmp_path / "old", tmp_path / "export")
    manifest = (tmp_path / "export" / "manifest.json").read_bytes()
    changed = manifest.replace(b"docaxis.bank.outcomes", b"docaxis.bank.forecasts")
    (tmp_path / "export" / "manifest.json").write_bytes(changed)
    with pytest.raises(MoveRefused, match=r"no topic docaxis\.bank\.forecasts"):
        await import_of(tmp_path / "export", tmp_path / "new")
