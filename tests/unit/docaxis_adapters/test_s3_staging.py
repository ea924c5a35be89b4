"""Staged uploads as objects: what is replaced, discarded, damaged or expired while it is taken."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from docaxis_adapters.s3_files import S3FileStore
from docaxis_adapters.s3_files.local_copies import LocalCopies
from docaxis_adapters.s3_files.objects import PART
from docaxis_adapters.s3_files.staging import Staging
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def files(memory: MemoryStore, tmp_path: Path) -> AsyncIterator[S3FileStore]:
    store = S3FileStore(memory, LocalCopies(tmp_path, 2**20))
    yield store
    await store.close()


async def send(files: S3FileStore, content: bytes) -> StoredFile:
    staged = await files.stage("system", "upload")
    await staged.write(content)
    return await staged.finish()


def keys(memory: MemoryStore, prefix: str) -> list[str]:
    return sorted(each["path"] for each in memory.list(prefix).collect())


def after_the_look_up(
    monkeypatch: pytest.MonkeyPatch, happening: Callable[[], Awaitable[object]]
) -> None:
    """Something happens once between reading an upload's digest and copying it."""
    look_up = Staging.look_up
    happened: list[bool] = []

    async def then(self: Staging, system_id: str, upload_id: str) -> Any:
        staged = await look_up(self, system_id, upload_id)
        if not happened:
            happened.append(True)
            await happening()
        return staged

    monkeypatch.setattr(Staging, "look_up", then)


async def a_moment_between() -> int:
    """Unix ms, later than what was written and earlier than what will be: times are whole ms."""
    await asyncio.sleep(0.002)
    moment = time.time_ns() // 10**6
    await asyncio.sleep(0.002)
    return moment


async def content_of(files: S3FileStore, digest: str) -> bytes:
    return b"".join([chunk async for chunk in files.read("document", digest)])


async def test_L31_what_was_looked_up_is_what_is_taken_though_it_is_replaced_meanwhile(
    files: S3FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await send(files, b"old")
    after_the_look_up(monkeypatch, lambda: send(files, b"new"))
    assert await files.take("system", ["upload"], "document") == [old]
    assert await content_of(files, old.digest) == b"old"


async def test_L31_what_stands_is_taken_where_the_replaced_one_is_gone(
    files: S3FileStore, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(files, b"old")

    async def replace() -> None:
        await files.discard("system", "upload")
        await send(files, b"new")

    after_the_look_up(monkeypatch, replace)
    new = StoredFile(sha256(b"new").hexdigest(), 3)
    assert await files.take("system", ["upload"], "document") == [new]
    assert keys(memory, "documents") == [f"documents/document/{new.digest}"]


async def test_an_upload_that_is_discarded_meanwhile_is_missing(
    files: S3FileStore, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(files, b"old")
    after_the_look_up(monkeypatch, lambda: files.discard("system", "upload"))
    with pytest.raises(FileNotFoundError, match="upload"):
        await files.take("system", ["upload"], "document")
    assert keys(memory, "documents") == keys(memory, "staging") == []


@pytest.mark.parametrize(
    "companion", [b"", b"{}", b"\xff", b'{"version":"a","digest":"../x","size":3}']
)
async def test_a_damaged_companion_is_no_upload(
    files: S3FileStore, memory: MemoryStore, companion: bytes
) -> None:
    await send(files, b"old")
    obstore.put(memory, "staging/system/upload/current", companion)
    for call in (
        files.staged("system", "upload"),
        files.staged_path("system", "upload"),
        files.take("system", ["upload"], "document"),
    ):
        with pytest.raises(FileNotFoundError):
            await call


async def test_an_upload_whose_bytes_bear_an_old_time_does_not_expire(
    files: S3FileStore, memory: MemoryStore
) -> None:
    """S3 dates an object that came in parts by the beginning of its upload."""
    stored = await send(files, b"letter")
    between = await a_moment_between()
    companion = obstore.get(memory, "staging/system/upload/current").bytes().to_bytes()
    obstore.put(memory, "staging/system/upload/current", companion)
    assert await files.expire_staging(between) == 0
    assert await files.take("system", ["upload"], "document") == [stored]
    assert await files.expire_staging(between + 60_000) == 1
    assert keys(memory, "staging") == []


async def test_only_what_expired_goes(files: S3FileStore, memory: MemoryStore) -> None:
    for name in ("a", "a-b", "a.b"):  # their folders' names do not sort as their keys do
        staged = await files.stage("system", name)
        await staged.write(name.encode())
        await staged.finish()
    between = await a_moment_between()
    staged = await files.stage("system", "a.b")
    await staged.write(b"again")
    await staged.finish()
    assert await files.expire_staging(between) == 2
    assert {key.split("/")[2] for key in keys(memory, "staging")} == {"a.b"}
    assert (await files.staged("system", "a.b")).size == 5


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 3 * PART])
@pytest.mark.parametrize("chunk", [2**16 + 1, 10 * 2**20])
async def test_uploads_at_the_border_of_parts_are_whole(
    files: S3FileStore, size: int, chunk: int
) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    staged = await files.stage("system", "upload")
    for at in range(0, size, chunk):
        await staged.write(content[at : at + chunk])
    assert await staged.finish() == StoredFile(sha256(content).hexdigest(), size)
    (stored,) = await files.take("system", ["upload"], "document")
    assert await content_of(files, stored.digest) == content
    assert await files.size("document", stored.digest) == size


async def test_what_failed_at_its_companion_is_not_found_and_expires(
    files: S3FileStore, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(Staging, "publish", away)
        with pytest.raises(Unavailable):
            await send(files, b"letter")
    with pytest.raises(FileNotFoundError):
        await files.staged("system", "upload")
    assert await files.expire_staging(time.time_ns() // 10**6 + 60_000) == 1
    assert keys(memory, "staging") == []
