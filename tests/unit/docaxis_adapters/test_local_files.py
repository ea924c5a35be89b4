"""The local file store beyond its port: syncs, crashes, full disks, planted links, memory."""

import asyncio
import errno
import os
import tracemalloc
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from docaxis_adapters import local_documents, local_upload
from docaxis_adapters.file_secrets import FileSecrets
from docaxis_adapters.folder_sync import FolderSync
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.local_links import close_all, link_under_digest
from docaxis_adapters.local_partials import LocalPartials
from docaxis_adapters.local_upload import StagedNames
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_eventsourcing.ports.partial_uploads import UploadPlan


class Syncs:
    """Stands for the disk: notes what is synced, and fails when told to."""

    def __init__(self) -> None:
        self.of_all = 0
        self.of_one: list[str] = []
        self.failing: OSError | None = None

    def all(self, descriptor: int) -> None:
        self.of_all += 1
        if self.failing is not None:
            raise self.failing
        os.fsync(descriptor)

    def one(self, descriptor: int) -> None:
        self.of_one.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        if self.failing is not None:
            raise self.failing


@pytest.fixture
def syncs() -> Syncs:
    return Syncs()


@pytest.fixture
async def files(tmp_path: Path, syncs: Syncs) -> AsyncIterator[LocalFileStore]:
    store = await LocalFileStore.open(tmp_path, sync=FolderSync(syncs.one, syncs.all))
    yield store
    await store.close()


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


async def upload(files: LocalFileStore, name: str, content: bytes) -> str:
    staged = await files.stage("system", name)
    await staged.write(content)
    return (await staged.finish()).digest


async def test_L31_staging_syncs_nothing_and_a_take_of_many_files_once(
    files: LocalFileStore, syncs: Syncs
) -> None:
    names = [f"upload-{number}" for number in range(5)]
    for name in names:
        await upload(files, name, name.encode())
    assert (syncs.of_all, syncs.of_one) == (0, [])
    await files.take("system", names, "document")
    assert (syncs.of_all, syncs.of_one) == (1, [])


async def test_L31_a_take_has_synced_bytes_names_and_folders_one_by_one_where_it_must(
    tmp_path: Path, files: LocalFileStore, syncs: Syncs
) -> None:
    digest = await upload(files, "upload", b"letter")
    syncs.failing = OSError(errno.EIO, "lost")
    with pytest.raises(Unavailable):
        await files.take("system", ["upload"], "document")
    folder = (await files.local_path("document", digest)).parent
    assert str(tmp_path / "staging" / "system" / "upload") in syncs.of_one
    syncs.failing, syncs.of_one = None, []

    def no_syncfs(_: int) -> None:
        raise OSError(errno.ENOSYS, "no syncfs here")

    files._sync._sync_all = no_syncfs
    await files.take("system", ["upload"], "document")
    assert syncs.of_one[1:] == [str(folder), str(folder.parent)]


async def test_concurrent_takes_share_syncs(files: LocalFileStore, syncs: Syncs) -> None:
    async def exchange(number: int) -> None:
        await upload(files, f"upload-{number}", b"%d" % number)
        await files.take("system", [f"upload-{number}"], f"document-{number}")

    await asyncio.gather(*(exchange(number) for number in range(60)))
    assert syncs.of_all < 60


async def test_L31_a_name_whose_bytes_a_crash_lost_is_written_again(files: LocalFileStore) -> None:
    digest = digest_of(b"letter")
    await files.put("document", digest, b"letter")
    path = await files.local_path("document", digest)
    path.write_bytes(b"")  # what a power cut leaves of a file that was not synced
    await files.put("document", digest, b"letter")
    assert path.read_bytes() == b"letter"
    path.write_bytes(b"")
    await upload(files, "upload", b"letter")
    await files.take("system", ["upload"], "document")
    assert path.read_bytes() == b"letter"
    assert os.listdir(path.parent) == [digest]


async def test_L31_an_upload_replaced_after_its_digest_was_read_is_not_linked_under_it(
    files: LocalFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await upload(files, "upload", b"old")
    digest_of_open_file = StagedNames.digest_of
    loop = asyncio.get_running_loop()
    replaced: list[str] = []

    def then_replace(self: StagedNames, system_id: str, name: str, descriptor: int) -> StoredFile:
        stored = digest_of_open_file(self, system_id, name, descriptor)
        if not replaced:
            replaced.append(old)
            replacing = upload(files, "upload", b"new")
            replaced.append(asyncio.run_coroutine_threadsafe(replacing, loop).result(30))
        return stored

    monkeypatch.setattr(StagedNames, "digest_of", then_replace)
    (taken,) = await files.take("system", ["upload"], "document")
    assert taken.digest == replaced[1] == digest_of(b"new")
    assert b"".join([chunk async for chunk in files.read("document", taken.digest)]) == b"new"
    with pytest.raises(FileNotFoundError):
        await files.size("document", old)


async def test_L31_a_generation_s_folders_are_synced_with_what_is_taken_into_them(
    tmp_path: Path, files: LocalFileStore, syncs: Syncs
) -> None:
    digest = await upload(files, "upload", b"letter")
    await files.take("system", ["upload"], "document")
    assert await files.retire("document", 2**50) == 1

    def no_syncfs(_: int) -> None:
        raise OSError(errno.ENOSYS, "no syncfs here")

    files._sync._sync_all = no_syncfs
    await files.take("system", ["upload"], "document")
    await files.remove_retired("document", 1)
    path = await files.local_path("document", digest)
    assert path.parent.name == "1"
    assert [str(path.parents[above]) for above in range(3)] == syncs.of_one[1:4]
    assert str(tmp_path / "documents") in str(path)


async def test_L31_a_folder_that_a_sweep_removes_while_it_is_empty_is_made_again(
    files: LocalFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []

    def remove_first(descriptor: int, digest: str, folder: int) -> None:
        if not removed:
            removed.append(os.readlink(f"/proc/self/fd/{folder}"))
            os.rmdir(removed[0])
        link_under_digest(descriptor, digest, folder)

    monkeypatch.setattr(local_documents, "link_under_digest", remove_first)
    await files.put("document", digest_of(b"card"), b"card")
    assert removed
    assert await files.size("document", digest_of(b"card")) == 4


async def test_a_digest_is_computed_again_after_a_restart(
    tmp_path: Path, files: LocalFileStore
) -> None:
    digest = await upload(files, "upload", b"letter")
    other = await LocalFileStore.open(tmp_path)
    assert (await other.staged("system", "upload")).digest == digest
    await upload(files, "upload", b"another")
    assert (await other.staged("system", "upload")).digest == digest_of(b"another")
    await other.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_full_disk_is_unavailable_and_leaves_nothing(
    tmp_path: Path, files: LocalFileStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    staged = await files.stage("system", "upload")
    await staged.write(bytes(300_000))
    with monkeypatch.context() as patch:
        patch.setattr(local_upload, "write_all", full)
        with pytest.raises(Unavailable):
            await staged.write(bytes(300_000))
        with pytest.raises(Unavailable):
            await upload(files, "small", b"x")
    assert os.listdir(tmp_path / "staging" / "system") == []
    with monkeypatch.context() as patch:
        patch.setattr("docaxis_adapters.local_documents.write_all", full)
        with pytest.raises(Unavailable):
            await files.put("document", digest_of(b"card"), b"card")
    assert os.listdir(tmp_path / "incoming") == []
    await files.put("document", digest_of(b"card"), b"card")


async def test_a_planted_link_leads_nowhere(tmp_path: Path, files: LocalFileStore) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    digest = digest_of(b"secret")
    (outside / digest).write_bytes(b"secret")
    await files.put("document", digest_of(b"card"), b"card")
    folder = (await files.local_path("document", digest_of(b"card"))).parent
    (folder / digest).symlink_to(outside / digest)
    for call in (files.size("document", digest), files.put("document", digest, b"secret")):
        with pytest.raises(OSError):
            await call
    with pytest.raises(OSError):
        async for _ in files.read("document", digest):
            pass
    (tmp_path / "staging" / "linked").symlink_to(outside)
    staged = await files.stage("linked", "upload")
    await staged.write(b"x")
    with pytest.raises(OSError):
        await staged.finish()
    staging = tmp_path / "staging" / "system"
    staging.mkdir(mode=0o700, exist_ok=True)
    (staging / "upload").symlink_to(outside / digest)
    with pytest.raises(OSError):
        await files.take("system", ["upload"], "document")
    assert os.listdir(outside) == [digest]


async def test_files_are_private(tmp_path: Path, files: LocalFileStore) -> None:
    await files.put("document", digest_of(b"card"), b"card")
    path = await files.local_path("document", digest_of(b"card"))
    await upload(files, "upload", b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, tmp_path / "staging" / "system"):
        assert folder.stat().st_mode & 0o077 == 0


async def test_memory_does_not_grow_with_the_file(files: LocalFileStore) -> None:
    chunk = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        staged = await files.stage("system", "upload")
        for _ in range(48):
            await staged.write(chunk)
        stored = await staged.finish()
        await files.take("system", ["upload"], "document")
        size = 0
        async for piece in files.read("document", stored.digest):
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 48 << 20
    assert peak < 8 << 20


async def test_leaving_in_the_middle_of_an_upload_or_a_take_leaks_no_descriptor(
    files: LocalFileStore,
) -> None:
    await upload(files, "upload", b"letter")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        take = asyncio.create_task(files.take("system", ["upload"], f"document-{number}"))
        staged = await files.stage("system", f"other-{number}")
        write = asyncio.create_task(staged.write(bytes(300_000)))
        await asyncio.sleep(0)
        take.cancel()
        write.cancel()
        await asyncio.gather(take, write, return_exceptions=True)
        await staged.abort()
    await files.close()
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_secrets_are_private_and_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    secrets = FileSecrets(tmp_path / "secrets")
    await secrets.write("a", b"1")
    await secrets.read_or_create("b")
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "secrets").iterdir()} == {
        "a": 0o600,
        "b": 0o600,
    }
    (tmp_path / "secrets").chmod(0o750)
    with pytest.raises(PermissionError):
        FileSecrets(tmp_path / "secrets")


async def test_an_upload_begun_again_while_the_old_one_is_checked_is_not_published(
    tmp_path: Path,
) -> None:
    """What is hashed is what is published, whatever has the upload's name by then."""
    (tmp_path / "staging").mkdir()
    partials = LocalPartials(tmp_path, StagedNames())
    old, new = b"letter", b"newer letter"
    close_all(partials.begin("system", "upload", UploadPlan(6, digest_of(old))))
    held = partials.hold("system", "upload")
    held.write(old)
    while held.hash_some():
        pass
    partials.discard("system", "upload")
    close_all(partials.begin("system", "upload", UploadPlan(12, digest_of(new))))
    with pytest.raises(FileNotFoundError):
        partials.publish("system", "upload", held)
    held.close()
    assert list((tmp_path / "staging").rglob("upload")) == []
    assert partials.look_up("system", "upload").offset == 0
