"""Every `FileStore` (L31)."""

import asyncio
import time
from hashlib import sha256

import pytest

from docaxis_eventsourcing.ports.file_store import FileStore, StoredFile


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


async def test_L31_several_files_are_taken_at_once_or_the_missing_is_told(files: FileStore) -> None:
    first = await upload(files, "upload-1", b"1")
    second = await upload(files, "upload-2", b"2")
    await files.take("system-1", ["upload-1", "upload-2"], "document-1")
    assert await content_of(files, "document-1", first.digest) == b"1"
    assert await content_of(files, "document-1", second.digest) == b"2"
    with pytest.raises(FileNotFoundError):
        await files.take("system-1", ["upload-3"], "document-1")


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
    await files.take("system-1", ["upload-1"], "document-1")
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


async def test_a_part_is_read(files: FileStore) -> None:
    content = bytes(range(256)) * 8192
    await files.put("document-1", digest_of(content), content)
    for start, end in ((0, 10), (5, 5), (1, None), (2**20 - 1, 2**20 + 1), (2**21 - 3, 2**30)):
        assert (
            await content_of(files, "document-1", digest_of(content), start, end)
            == content[start:end]
        )


async def test_bytes_that_changed_are_told_before_the_last_chunk(files: FileStore) -> None:
    content = bytes(3 * 2**20)
    await files.put("document-1", digest_of(content), content)
    path = await files.local_path("document-1", digest_of(content))
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(5)
        file.write(b"!")
    received = 0
    with pytest.raises(OSError):
        async for chunk in files.read("document-1", digest_of(content)):
            received += len(chunk)
    assert received < len(content)


async def test_staging_expires_by_age(files: FileStore) -> None:
    await upload(files, "upload-1", b"old")
    assert await files.expire_staging(1_000_000_000_000) == 0
    assert await files.expire_staging(int(time.time() * 1000) + 60_000) == 1
    with pytest.raises(FileNotFoundError):
        await files.staged("system-1", "upload-1")


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
    ):
        with pytest.raises(ValueError):
            await call
    with pytest.raises(ValueError):
        await content_of(files, "document", name)
