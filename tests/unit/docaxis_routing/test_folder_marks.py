"""L31 between processes: real doors, real sweeps and real stores, in every order of their steps.

`folder_marks` has the argument; here is the search for its holes. Each run begins with a folder
that a door left behind a day ago. Whoever is stopped in a run goes on at its very end, when
others have long done their work.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from obstore.store import MemoryStore

from docaxis_adapters.folder_sync import FolderSync
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.s3_files import S3FileStore
from docaxis_adapters.s3_files.document_folders import DocumentFolders
from docaxis_adapters.s3_files.local_copies import LocalCopies
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_routing.folder_marks import FolderMarks
from tests.unit.docaxis_routing.interleaving import Process, Run, explore, play_steps
from tests.unit.docaxis_routing.marked_folders import (
    Axis,
    OneFolder,
    SteppedDocuments,
    SteppedObjects,
)

ALL = 1_000_000


@pytest.fixture(params=["local", "s3"])
def axis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Axis]:
    memory = MemoryStore()

    async def local(process: Process) -> FileStore:
        root = tmp_path / "files"
        sync = FolderSync(lambda _: None, lambda _: None)
        store = await LocalFileStore.open(root, threads=1, sync=sync)
        store._documents = SteppedDocuments(root, process.turn)
        return store

    async def s3(process: Process) -> FileStore:
        copies = LocalCopies(tmp_path / process.name, 2**20)
        return S3FileStore(cast(Any, SteppedObjects(memory, process.turn)), copies)

    axis = Axis(local if request.param == "local" else s3)
    yield axis
    axis.end()


def play(axis: Axis, names: Sequence[str], run: Run, stops: int, switches: int) -> None:
    """One run: these doors and sweeps on one folder that was left behind."""
    number, document_id = axis.left_behind()
    processes = [axis.known(name) for name in names]
    for process in processes:
        if process.name.startswith("door"):
            process.begin(axis.submit(process, number))
        else:
            process.begin(axis.sweep(process, document_id))
    play_steps(run, processes, stops=stops, switches=switches)
    told = f"after {' '.join(run.went)}"
    for process in processes:
        assert process.error is None or process in run.stopped, told
    try:
        axis.check_files(document_id)
        if run.stopped:
            axis.check_recovery(run, number, document_id)
    except AssertionError as error:
        raise AssertionError(f"{error}: {told}") from None
    axis.remove(document_id)


def search(axis: Axis, *names: str, stops: int = 0, switches: int = ALL) -> int:
    """Play all runs; answers how many there were."""
    return sum(1 for _ in explore(lambda run: play(axis, names, run, stops, switches)))


def test_L31_a_door_and_a_sweep_in_every_order(axis: Axis) -> None:
    assert search(axis, "door", "sweep") > 200


def test_L31_a_door_or_a_sweep_that_dies_or_sleeps_between_any_two_steps(axis: Axis) -> None:
    assert search(axis, "door", "sweep", stops=1, switches=2) > 200


def test_L31_two_doors_and_a_sweep(axis: Axis) -> None:
    assert search(axis, "door", "door of another", "sweep", switches=2) > 200


def test_L31_a_door_and_two_sweeps(axis: Axis) -> None:
    assert search(axis, "door", "sweep", "sweep of another", switches=2) > 200


@pytest.mark.parametrize(
    "guard",
    [
        "the door looks whether a generation began",
        "the sweep looks after it began the generation",
        "the sweep removes what it retired alone",
        "what is taken again is touched",
    ],
)
def test_L34_without_its_guard_a_submitted_file_is_lost(
    axis: Axis, guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search does find holes: one run loses a file, for each guard that is taken away."""
    if guard.startswith("the door looks"):
        monkeypatch.setattr(SteppedDocuments, "_last", lambda *_: 0)
        monkeypatch.setattr(DocumentFolders, "_last", _always(0))
    elif guard.startswith("the sweep looks"):
        monkeypatch.setattr(SteppedDocuments, "retire", _look_then_begin)
        monkeypatch.setattr(DocumentFolders, "retire", _look_then_begin_object)
    elif guard.startswith("the sweep removes"):
        monkeypatch.setattr(OneFolder, "remove_retired", OneFolder.remove_all, raising=False)
    else:
        monkeypatch.setattr("docaxis_adapters.local_links.os.utime", lambda _: None)
        monkeypatch.setattr(SteppedObjects, "keep", True)
    with pytest.raises(AssertionError, match="a submitted file is gone"):
        search(axis, "door", "sweep")


def _always(answer: int) -> Callable[..., Awaitable[int]]:
    async def method(*_: object) -> int:
        return answer

    return method


def _look_then_begin(self: Any, document_id: str, untouched_since_ms: int) -> int | None:
    touched = self._touched(document_id)
    if any(each >= untouched_since_ms * 10**6 for each in touched.values()):
        return None
    last: int = max(touched, default=0) + 1
    self._begin(document_id, last)
    return last


async def _look_then_begin_object(
    self: Any, document_id: str, untouched_since_ms: int
) -> int | None:
    files = await self._files(document_id)
    if any(each.written_ms >= untouched_since_ms for each in files):
        return None
    last: int = max((each.key.count("/") - 2 for each in files), default=0) + 1
    await self._objects.put(f"retired/{document_id}/{last}", b"")
    return last


def test_L31_a_document_that_the_view_did_not_show_yet_keeps_its_files(axis: Axis) -> None:
    number, document_id = axis.left_behind()
    door = axis.known("door")
    door.do(axis.submit(door, number))
    for later in (False, True):
        sweep = axis.known("sweep")
        sweep.do(axis.sweep(sweep, document_id, later=later, view_behind=True))
        axis.check_files(document_id)


def test_L31_a_door_that_was_stopped_for_long_appends_nothing(axis: Axis) -> None:
    number, document_id = axis.left_behind()
    door = axis.known("door")
    times = count(step=FolderMarks().append_within_ms + 1)
    with pytest.raises(DocaxisError) as refused:
        door.do(axis.submit(door, number, clock=lambda: next(times)))
    assert refused.value.code == "unavailable"
    assert document_id not in axis.submitted
