"""Every `FileStore`: uploads that come in pieces (L31)."""

import asyncio
import time
from hashlib import sha256

import pytest

from docaxis_eventsourcing.ports.file_store import FileStore, StoredFile
from docaxis_eventsourcing.ports.partial_uploads import (
    OtherBytes,
    UploadHeld,
    UploadPlan,
    WrongOffset,
)
from tests.contract.file_stores import FilesUnderTest

SYSTEM, UPLOAD = "system-1", "upload-1"
CONTENT = bytes(range(251)) * 80_000  # 20 MB: more than two objects of S3


def plan_of(content: bytes, note: str = "") -> UploadPlan:
    return UploadPlan(len(content), sha256(content).hexdigest(), note)


async def send(files: FileStore, content: bytes, start: int, end: int) -> int:
    """One piece in chunks of 100 KB."""
    piece = await files.append(SYSTEM, UPLOAD, start)
    for at in range(start, end, 100_000):
        await piece.write(content[at : min(at + 100_000, end)])
    return await piece.keep()


async def test_pieces_make_a_staged_file(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT, "filename dGjDug=="))
    at = 0
    for end in (1, 300_000, 300_000, 9_000_000, len(CONTENT)):
        at = await send(files, CONTENT, at, end)
        assert at == end
        partial = await files.partial(SYSTEM, UPLOAD)
        assert (partial.plan, partial.offset) == (plan_of(CONTENT, "filename dGjDug=="), end)
        assert abs(partial.written_ms - time.time() * 1000) < 60_000
        with pytest.raises(FileNotFoundError):
            await files.staged(SYSTEM, UPLOAD)
    stored = await files.complete(SYSTEM, UPLOAD)
    assert stored == StoredFile(plan_of(CONTENT).digest, len(CONTENT))
    assert await files.staged(SYSTEM, UPLOAD) == stored
    for gone in (files.partial(SYSTEM, UPLOAD), files.complete(SYSTEM, UPLOAD)):
        with pytest.raises(FileNotFoundError):
            await gone
    await files.take(SYSTEM, [UPLOAD], "document-1")
    got = [chunk async for chunk in files.read("document-1", stored.digest)]
    assert b"".join(got) == CONTENT


async def test_another_process_takes_the_next_piece(file_store: FilesUnderTest) -> None:
    one, other = await file_store.open(), await file_store.open()
    await one.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    await send(one, CONTENT, 0, 9_000_001)
    await send(other, CONTENT, 9_000_001, 9_000_002)
    await send(one, CONTENT, 9_000_002, len(CONTENT))
    assert (await other.complete(SYSTEM, UPLOAD)).size == len(CONTENT)
    assert (await one.staged(SYSTEM, UPLOAD)).digest == plan_of(CONTENT).digest


async def test_a_piece_that_is_cut_counts_as_far_as_it_came(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    piece = await files.append(SYSTEM, UPLOAD, 0)
    await piece.write(CONTENT[:9_123_456])
    assert await piece.keep() == 9_123_456
    assert (await files.partial(SYSTEM, UPLOAD)).offset == 9_123_456


async def test_what_a_dead_process_held_is_lost_and_what_counted_is_not(
    file_store: FilesUnderTest,
) -> None:
    one, other = await file_store.open(), await file_store.open()
    await one.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    await send(one, CONTENT, 0, 1000)
    piece = await one.append(SYSTEM, UPLOAD, 1000)
    await piece.write(CONTENT[1000:2000])
    del piece  # nobody keeps it, as a killed process would not
    at = (await other.partial(SYSTEM, UPLOAD)).offset
    assert at == 1000
    assert await send(other, CONTENT, at, len(CONTENT)) == len(CONTENT)
    assert (await other.complete(SYSTEM, UPLOAD)).digest == plan_of(CONTENT).digest


async def test_a_piece_at_a_wrong_offset_is_told_where_the_upload_stands(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    await send(files, CONTENT, 0, 1000)
    for offset in (0, 999, 1001, len(CONTENT)):
        with pytest.raises(WrongOffset) as wrong:
            await files.append(SYSTEM, UPLOAD, offset)
        assert wrong.value.offset == 1000
    with pytest.raises(WrongOffset):
        await files.complete(SYSTEM, UPLOAD)


async def test_of_two_pieces_at_once_one_counts(file_store: FilesUnderTest) -> None:
    stores = await file_store.open(), await file_store.open()
    await stores[0].begin(SYSTEM, UPLOAD, plan_of(CONTENT))

    async def one(store: FileStore, end: int) -> int | None:
        try:
            return await send(store, CONTENT, 0, end)
        except (UploadHeld, WrongOffset):
            return None

    kept = await asyncio.gather(
        *(one(store, end) for store in stores for end in (8_500_000, 8_600_000, 8_700_000))
    )
    at = (await stores[1].partial(SYSTEM, UPLOAD)).offset
    assert len([each for each in kept if each is not None]) <= 1
    assert at in {each for each in kept if each} | {2**23}  # two that met behind an object of S3
    await send(stores[0], CONTENT, at, len(CONTENT))
    assert (await stores[1].complete(SYSTEM, UPLOAD)).digest == plan_of(CONTENT).digest


async def test_no_piece_goes_beyond_the_size_that_was_told(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(b"letter"))
    piece = await files.append(SYSTEM, UPLOAD, 0)
    await piece.write(b"lett")
    with pytest.raises(ValueError):
        await piece.write(b"ers")
    assert await piece.keep() == 4
    assert await send(files, b"letter", 4, 6) == 6
    assert (await files.complete(SYSTEM, UPLOAD)).size == 6


async def test_other_bytes_than_were_told_leave_nothing(files: FileStore) -> None:
    for content in (b"lettre", CONTENT[:-1] + b"x"):
        right = b"letter" if content == b"lettre" else CONTENT
        await files.begin(SYSTEM, UPLOAD, plan_of(right))
        await send(files, content, 0, len(content))
        with pytest.raises(OtherBytes):
            await files.complete(SYSTEM, UPLOAD)
        for look in (files.partial, files.staged):
            with pytest.raises(FileNotFoundError):
                await look(SYSTEM, UPLOAD)


async def test_an_upload_is_begun_once_and_again_when_it_was_discarded(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    await send(files, CONTENT, 0, 5000)
    with pytest.raises(FileExistsError):
        await files.begin(SYSTEM, UPLOAD, plan_of(b"other"))
    assert (await files.partial(SYSTEM, UPLOAD)).offset == 5000
    await files.discard(SYSTEM, UPLOAD)
    with pytest.raises(FileNotFoundError):
        await files.partial(SYSTEM, UPLOAD)
    await files.begin(SYSTEM, UPLOAD, plan_of(b"other"))
    assert await send(files, b"other", 0, 5) == 5
    assert (await files.complete(SYSTEM, UPLOAD)).digest == plan_of(b"other").digest
    await files.discard(SYSTEM, UPLOAD)
    await files.begin(SYSTEM, UPLOAD, plan_of(b"more"))
    assert (await files.partial(SYSTEM, UPLOAD)).offset == 0


async def test_a_late_piece_of_a_discarded_upload_is_none_of_the_next(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(b"letter"))
    late = await files.append(SYSTEM, UPLOAD, 0)
    await late.write(b"old")
    await files.discard(SYSTEM, UPLOAD)
    await files.begin(SYSTEM, UPLOAD, plan_of(b"new letter"))
    await late.keep()
    assert (await files.partial(SYSTEM, UPLOAD)).offset == 0
    assert await send(files, b"new letter", 0, 10) == 10
    assert (await files.complete(SYSTEM, UPLOAD)).digest == plan_of(b"new letter").digest


async def test_an_upload_of_one_system_is_none_of_another(files: FileStore) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    for ask in (files.partial("system-2", UPLOAD), files.append("system-2", UPLOAD, 0)):
        with pytest.raises(FileNotFoundError):
            await ask


async def test_an_unfinished_upload_expires_as_a_whole_when_nothing_is_added(
    files: FileStore,
) -> None:
    await files.begin(SYSTEM, UPLOAD, plan_of(CONTENT))
    await send(files, CONTENT, 0, 1000)
    await files.begin(SYSTEM, "upload-2", plan_of(CONTENT))
    assert await files.expire_staging(1_000_000_000_000) == 0
    assert (await files.partial(SYSTEM, UPLOAD)).offset == 1000
    assert await files.expire_staging(int(time.time() * 1000) + 60_000) == 2
    for name in (UPLOAD, "upload-2"):
        with pytest.raises(FileNotFoundError):
            await files.partial(SYSTEM, name)
    assert await files.expire_staging(int(time.time() * 1000) + 60_000) == 0


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\0b", "Công văn"])
async def test_names_are_ids(files: FileStore, name: str) -> None:
    for call in (
        files.begin(SYSTEM, name, plan_of(b"x")),
        files.partial(SYSTEM, name),
        files.append(name, UPLOAD, 0),
        files.complete(SYSTEM, name),
    ):
        with pytest.raises(ValueError):
            await call
