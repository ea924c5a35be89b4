"""Every `FileStore` (L31)."""

import asyncio
import time
from hashlib import sha256

import pytest

from docaxis_eventsourcing.ports.file_store import FileStore, StoredFile
from tests.contract.file_stores import FilesUnderTest


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


async def upload(files: FileStore, name: str, *chunks: bytes) -> StoredFile:
    staged = await files.stage("system-1", name)
    for chunk in chunks:
        await staged.write(chunk)
    return await staged.finish()


async def content_of(
    files: FileStore, document: str, digest: str, start: int = 0, end: int | None = None
) -> bytes:
    return b"".join([chunk async for chunk in files.read(document, digest, start, end)])


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_001])
async def test_L31_an_upload_is_taken_by_its_document(files: FileStore, size: int) -> None:
    content = bytes(i % 251 for i in range(size))
    chunks = [content[at : at + 70_000] for at in range(0, size, 70_000)]
    stored = await upload(files, "upload-1", *chunks)
    assert stored == StoredFile(digest_of(content), size)
    assert await files.staged("system-1", "upload-1") == stored
    assert (await files.staged_path("system-1", "upload-1")).read_bytes() == content
    await files.take("system-1", ["upload-1"], "document-1")
    assert await files.size("document-1", stored.digest) == size
    assert await content_of(files, "document-1", stored.digest) == content
    assert (await files.local_path("document-1", stored.digest)).read_bytes() == content


async def test_L31_taking_twice_is_harmless_and_staging_stays(files: FileStore) -> None:
    stored = await upload(files, "upload-1", b"letter")
    for _ in range(2):
        await files.take("system-1", ["upload-1"], "document-1")
    assert await files.staged("system-1", "upload-1") == stored
    await files.discard("system-1", "upload-1")
    await files.discard("system-1", "upload-1")
    with pytest.raises(FileNotFoundError):
        await files.staged("system-1", "upload-1")
    assert await content_of(files, "document-1", stored.digest) == b"letter"


async def test_L31_documents_share_nothing(files: FileStore) -> None:
    stored = await upload(files, "upload-1", b"same bytes")
    await files.take("system-1", ["upload-1"], "document-1")
    await files.take("system-1", ["upload-1"], "document-2")
    await files.remove("document-1")
    with pytest.raises(FileNotFoundError):
        await files.size("document-1", stored.digest)
    assert await content_of(files, "document-2", stored.digest) == b"same bytes"
    assert list(await files.documents()) == ["document-2"]


async def test_a_documents_files_are_listed_whatever_generation_they_lie_in(
    files: FileStore,
) -> None:
    contents = [b"", b"before", b"after"]
    for content in contents[:2]:
        await files.put("document-1", digest_of(content), content)
    await files.put("document-2", digest_of(b"other"), b"other")
    assert await files.retire("document-1", ms_from_now(1)) is not None
    for content in contents[1:]:
        await files.put("document-1", digest_of(content), content)
    assert list(await files.digests("document-1")) == sorted(map(digest_of, contents))
    assert list(await files.digests("document-3")) == []


async def test_L31_several_files_are_taken_at_once_or_the_missing_is_told(files: FileStore) -> None:
    first = await upload(files, "upload-1", b"1")
    second = await upload(files, "upload-2", b"2")
    await files.take("system-1", ["upload-1", "upload-2"], "document-1")
    assert await content_of(files, "document-1", first.digest) == b"1"
    assert await content_of(files, "document-1", second.digest) == b"2"
    with pytest.raises(FileNotFoundError):
        await files.take("system-1", ["upload-3"], "document-1")


async def test_L31_nothing_is_taken_where_an_upload_is_missing_and_it_is_named(
    files: FileStore,
) -> None:
    await upload(files, "upload-1", b"1")
    with pytest.raises(FileNotFoundError, match="upload-3"):
        await files.take("system-1", ["upload-1", "upload-3"], "document-1")
    assert list(await files.documents()) == []


async def test_any_process_finds_what_was_staged_and_taken(file_store: FilesUnderTest) -> None:
    one, other = await file_store.open(), await file_store.open()
    stored = await upload(one, "upload-1", b"letter")
    assert await other.staged("system-1", "upload-1") == stored
    assert (await other.staged_path("system-1", "upload-1")).read_bytes() == b"letter"
    assert await other.take("system-1", ["upload-1"], "document-1") == [stored]
    assert await content_of(one, "document-1", stored.digest) == b"letter"
    await other.remove("document-1")
    for store in (one, other):
        with pytest.raises(FileNotFoundError):
            await store.local_path("document-1", stored.digest)


async def test_an_upload_begun_again_replaces_the_unfinished_one(files: FileStore) -> None:
    first = await files.stage("system-1", "upload-1")
    await first.write(b"x" * 400_000)
    stored = await upload(files, "upload-1", b"y" * 400_000)
    await first.abort()
    assert await files.staged("system-1", "upload-1") == stored


async def test_a_finished_upload_may_be_replaced_by_a_newer_one(files: FileStore) -> None:
    await upload(files, "upload-1", b"old")
    await files.take("system-1", ["upload-1"], "document-1")
    newer = await upload(files, "upload-1", b"new")
    assert await files.take("system-1", ["upload-1"], "document-1") == [newer]
    assert await content_of(files, "document-1", digest_of(b"old")) == b"old"
    assert await content_of(files, "document-1", newer.digest) == b"new"


async def test_an_aborted_upload_leaves_nothing(files: FileStore) -> None:
    staged = await files.stage("system-1", "upload-1")
    await staged.write(b"x" * 400_000)
    await staged.abort()
    await staged.abort()
    with pytest.raises(FileNotFoundError):
        await files.staged("system-1", "upload-1")
    assert await files.expire_staging(int(time.time() * 1000) + 60_000) == 0


async def test_aborting_behind_the_finish_is_harmless(files: FileStore) -> None:
    staged = await files.stage("system-1", "upload-1")
    await staged.write(b"kept")
    stored = await staged.finish()
    await staged.abort()
    assert await files.staged("system-1", "upload-1") == stored


async def test_many_uploads_at_once(files: FileStore) -> None:
    async def exchange(number: int) -> None:
        content = f"letter {number}".encode() * 1000
        stored = await upload(files, f"upload-{number}", content)
        await files.take("system-1", [f"upload-{number}"], f"document-{number}")
        assert await content_of(files, f"document-{number}", stored.digest) == content

    await asyncio.gather(*(exchange(number) for number in range(40)))
    assert len(await files.documents()) == 40


async def test_small_bytes_are_put_and_their_digest_is_verified(files: FileStore) -> None:
    for _ in range(2):
        await files.put("document-1", digest_of(b"card"), b"card")
    assert await content_of(files, "document-1", digest_of(b"card")) == b"card"
    with pytest.raises(ValueError):
        await files.put("document-1", digest_of(b"card"), b"another")


async def test_what_was_taken_is_what_is_stored_however_often_the_upload_is_replaced(
    files: FileStore,
) -> None:
    """L31: what lies under a digest has that digest, and `take` tells which one it took."""
    await upload(files, "upload-1", b"letter 0" * 10_000)
    ended = asyncio.Event()

    async def replace() -> None:
        for number in range(1, 40):
            await upload(files, "upload-1", b"letter %d" % number * 10_000)
        ended.set()

    replacing = asyncio.create_task(replace())
    taken: set[str] = set()
    while not ended.is_set():
        (stored,) = await files.take("system-1", ["upload-1"], "document-1")
        taken.add(stored.digest)
    await replacing
    assert len(taken) > 1
    for digest in taken:
        assert digest_of(await content_of(files, "document-1", digest)) == digest


async def test_a_part_is_read(files: FileStore) -> None:
    content = bytes(range(256)) * 8192
    await files.put("document-1", digest_of(content), content)
    for start, end in ((0, 10), (5, 5), (1, None), (2**20 - 1, 2**20 + 1), (2**21 - 3, 2**30)):
        assert (
            await content_of(files, "document-1", digest_of(content), start, end)
            == content[start:end]
        )


async def test_bytes_that_changed_are_told_before_the_last_chunk(
    files: FileStore, file_store: FilesUnderTest
) -> None:
    content = bytes(3 * 2**20)
    await files.put("document-1", digest_of(content), content)
    file_store.damage("document-1", digest_of(content))
    received = 0
    with pytest.raises(OSError):
        async for chunk in files.read("document-1", digest_of(content)):
            received += len(chunk)
    assert received < len(content)
    with pytest.raises(OSError):  # the one chunk of a small file is the last one
        await files.put("document-1", digest_of(b"card 1"), b"card 1")
        file_store.damage("document-1", digest_of(b"card 1"))
        async for _ in files.read("document-1", digest_of(b"card 1")):
            received = -1
    assert received >= 0


async def test_a_copy_for_a_worker_is_the_bytes_or_there_is_none(
    files: FileStore, file_store: FilesUnderTest
) -> None:
    """The local store gives the file itself, which the worker checks; a copy is verified."""
    digest = digest_of(b"letter")
    await files.put("document-1", digest, b"letter")
    file_store.damage("document-1", digest)
    try:
        path = await files.local_path("document-1", digest)
    except FileNotFoundError:
        return
    assert digest_of(path.read_bytes()) != digest


async def test_staging_expires_by_age(files: FileStore) -> None:
    await upload(files, "upload-1", b"old")
    assert await files.expire_staging(1_000_000_000_000) == 0
    assert await files.expire_staging(int(time.time() * 1000) + 60_000) == 1
    with pytest.raises(FileNotFoundError):
        await files.staged("system-1", "upload-1")


def ms_from_now(minutes: int) -> int:
    return int(time.time() * 1000) + minutes * 60_000


async def test_L31_what_nobody_touched_is_retired_and_removed(files: FileStore) -> None:
    for content in (b"card", b"letter"):
        await files.put("document-1", digest_of(content), content)
    assert await files.retire("document-1", ms_from_now(-1)) is None  # put within the minute
    generation = await files.retire("document-1", ms_from_now(1))
    assert generation is not None
    assert await files.retire("document-1", ms_from_now(1)) == generation
    assert await content_of(files, "document-1", digest_of(b"card")) == b"card"
    for _ in range(2):
        await files.remove_retired("document-1", generation)
    assert list(await files.documents()) == []
    with pytest.raises(FileNotFoundError):
        await files.size("document-1", digest_of(b"card"))


async def test_L31_what_is_taken_after_the_retiring_stays(file_store: FilesUnderTest) -> None:
    """A sweep may be as slow as it likes, in a process of its own."""
    door, sweep = await file_store.open(), await file_store.open()
    await door.put("document-1", digest_of(b"card"), b"card")
    await upload(door, "upload-1", b"letter")
    for _ in range(3):
        generation = await sweep.retire("document-1", ms_from_now(1))
        assert generation is not None
        await door.put("document-1", digest_of(b"card"), b"card")
        (letter,) = await door.take("system-1", ["upload-1"], "document-1")
        for _ in range(2):
            await sweep.remove_retired("document-1", generation)
        for digest, content in ((digest_of(b"card"), b"card"), (letter.digest, b"letter")):
            assert await content_of(sweep, "document-1", digest) == content
            assert await sweep.size("document-1", digest) == len(content)
            assert (await sweep.local_path("document-1", digest)).read_bytes() == content
        assert list(await sweep.documents()) == ["document-1"]
    await sweep.remove("document-1", [letter.digest])
    with pytest.raises(FileNotFoundError):
        await door.size("document-1", letter.digest)
    await sweep.remove("document-1")
    assert list(await door.documents()) == []


@pytest.mark.parametrize("again", ["put", "take"])
async def test_L31_what_is_taken_again_counts_as_touched(files: FileStore, again: str) -> None:
    letter = await upload(files, "upload-1", b"letter")
    await files.take("system-1", ["upload-1"], "document-1")
    between = await until_later_than_all_that_is_written()
    if again == "put":
        await files.put("document-1", letter.digest, b"letter")
    else:
        await files.take("system-1", ["upload-1"], "document-1")
    assert await files.retire("document-1", between) is None


async def until_later_than_all_that_is_written() -> int:
    """A moment behind all that was written before, and before all that is written from now on.

    Stores tell whole seconds at worst, and a file's time may be a clock tick behind: what is
    waited for is the clock itself.
    """
    moment = int(time.time()) + 1
    await asyncio.sleep(moment + 0.1 - time.time())
    return moment * 1000


async def test_L31_generations_long_past_are_forgotten(files: FileStore) -> None:
    await files.put("document-1", digest_of(b"card"), b"card")
    generation = await files.retire("document-1", ms_from_now(1))
    assert generation is not None
    await files.remove_retired("document-1", generation)
    await files.forget_retired(ms_from_now(-1))
    await files.put("document-1", digest_of(b"card"), b"card")
    assert await files.retire("document-1", ms_from_now(1)) == generation + 1
    await files.forget_retired(ms_from_now(1))
    assert await content_of(files, "document-1", digest_of(b"card")) == b"card"
    await files.put("document-2", digest_of(b"card"), b"card")
    assert await files.retire("document-2", ms_from_now(1)) == generation


async def test_L32_some_files_of_a_document_are_removed(files: FileStore) -> None:
    for content in (b"card", b"letter"):
        await files.put("document-1", digest_of(content), content)
    await files.remove("document-1", [digest_of(b"card")])
    with pytest.raises(FileNotFoundError):
        await files.size("document-1", digest_of(b"card"))
    assert await files.size("document-1", digest_of(b"letter")) == 6
    await files.remove("document-1")
    await files.remove("document-1")
    assert list(await files.documents()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b\x00", ".hidden", "x" * 200])
async def test_a_name_that_could_lead_elsewhere_is_refused(files: FileStore, name: str) -> None:
    good = digest_of(b"")
    for call in (
        files.stage(name, "upload"),
        files.stage("system", name),
        files.staged("system", name),
        files.discard(name, "upload"),
        files.take("system", ["upload"], name),
        files.put(name, good, b""),
        files.size(name, good),
        files.size("document", name),
        files.local_path("document", name),
        files.remove(name),
        files.remove("document", [name]),
        files.retire(name, 0),
        files.remove_retired(name, 1),
    ):
        with pytest.raises(ValueError):
            await call
    with pytest.raises(ValueError):
        await content_of(files, "document", name)
