"""The S3 store on a real server: killed, stopped, emptied of what was not finished, and large."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.s3_files import S3FileStore, objects, upload
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StagedUpload
from tests.servers import S3Server, S3Settings, require_servers, s3_settings

pytestmark = pytest.mark.cluster

MIB = bytes(range(256)) * 4096


@dataclass(frozen=True, slots=True)
class Own:
    """A server of the test's own, and its data folder."""

    server: S3Server
    data: Path

    def unfinished_parts(self) -> list[Path]:
        """What versitygw keeps of multipart uploads that neither ended nor were aborted."""
        return [path for path in self.data.rglob("*") if path.is_file() and ".sgwtmp" in path.parts]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    require_servers("s3")
    server = S3Server(tmp_path / "server")
    server.start()
    yield Own(server, tmp_path / "server" / "data")
    server.stop()


@pytest.fixture
async def files(own: Own, tmp_path: Path) -> AsyncIterator[S3FileStore]:
    store = await S3FileStore.open(**settings_of(own.server.settings), cache_folder=tmp_path / "c")
    yield store
    await store.close()


def settings_of(settings: S3Settings) -> dict[str, Any]:
    return {
        "endpoint": settings.endpoint,
        "bucket": settings.bucket,
        "region": settings.region,
        "access_key": settings.access_key,
        "secret_key": settings.secret_key,
    }


async def send(files: S3FileStore, name: str, mib: int) -> str:
    staged = await files.stage("system", name)
    for _ in range(mib):
        await staged.write(MIB)
    return (await staged.finish()).digest


async def content_of(files: S3FileStore, digest: str) -> bytes:
    return b"".join([chunk async for chunk in files.read("document", digest)])


async def test_a_store_killed_in_the_middle_of_an_upload_is_unavailable_and_a_retry_works(
    own: Own, files: S3FileStore
) -> None:
    staged = await files.stage("system", "upload")
    for _ in range(20):
        await staged.write(MIB)
    await asyncio.to_thread(own.server.kill)
    with pytest.raises(Unavailable):
        for _ in range(40):
            await staged.write(MIB)
        await staged.finish()
    with pytest.raises(ValueError):
        await staged.write(MIB)
    await staged.abort()
    for call in (
        files.staged("system", "upload"),
        files.take("system", ["upload"], "document"),
        files.put("document", sha256(b"card").hexdigest(), b"card"),
        files.size("document", sha256(b"card").hexdigest()),
        files.local_path("document", sha256(b"card").hexdigest()),
        content_of(files, sha256(b"card").hexdigest()),
        files.documents(),
        files.remove("document"),
        files.discard("system", "upload"),
        files.expire_staging(0),
        files.retire("document", 0),
        files.forget_retired(0),
    ):
        with pytest.raises(Unavailable):
            await call
    await asyncio.to_thread(own.server.start_again)
    with pytest.raises(FileNotFoundError):
        await files.staged("system", "upload")
    digest = await send(files, "upload", 20)
    assert [each.digest for each in await files.take("system", ["upload"], "document")] == [digest]
    assert await content_of(files, digest) == MIB * 20


async def test_a_store_that_stops_answering_lets_no_call_hang(
    own: Own, files: S3FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await send(files, "upload", 1)
    await files.take("system", ["upload"], "document")
    staged = await files.stage("system", "large")
    for _ in range(9):
        await staged.write(MIB)
    await asyncio.to_thread(own.server.pause)
    try:
        with monkeypatch.context() as impatient:
            for module, name in (
                (objects, "_CALL_S"),
                (objects, "_PAGE_S"),
                (objects, "_LISTING_S"),
                (upload, "_STALLED_S"),
            ):
                impatient.setattr(module, name, 0.5)
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: files.staged("system", "upload"),
                lambda: files.take("system", ["upload"], "document"),
                lambda: files.size("document", digest),
                lambda: content_of(files, digest),
                lambda: files.documents(),
                lambda: files.retire("document", 0),
                lambda: send(files, "another", 1),
                lambda: fill(staged),
            ]
            for call in calls:
                with pytest.raises(Unavailable):
                    await call()
    finally:
        await asyncio.to_thread(own.server.resume)
    assert await content_of(files, digest) == MIB


async def fill(staged: StagedUpload) -> None:
    for _ in range(100):
        await staged.write(MIB)


@pytest.mark.parametrize("ending", ["abort", "cancel", "too large"])
async def test_an_unfinished_upload_leaves_no_object_and_no_part(
    own: Own, files: S3FileStore, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = await files.stage("system", "upload")
    for _ in range(37):
        await staged.write(MIB)
    if ending == "abort":
        await staged.abort()
    elif ending == "cancel":
        writing = asyncio.create_task(staged.write(MIB))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    else:
        monkeypatch.setattr(upload, "LARGEST", 37 * 2**20)
        with pytest.raises(ValueError, match="larger"):
            await staged.write(b"x")
    await files.close()
    assert [
        path for path in own.data.rglob("*") if path.is_file() and "staging" in path.parts
    ] == []
    assert own.unfinished_parts() == []


async def test_a_bucket_that_is_gone_is_no_missing_file(own: Own, files: S3FileStore) -> None:
    digest = await send(files, "upload", 1)
    await files.take("system", ["upload"], "document")
    bucket = own.data / own.server.settings.bucket
    bucket.rename(own.data / "elsewhere")
    for call in (
        files.staged("system", "upload"),
        files.size("document", digest),
        content_of(files, digest),
        files.put("document", sha256(b"card").hexdigest(), b"card"),
        files.documents(),
    ):
        with pytest.raises(Unavailable):
            await call
    (own.data / "elsewhere").rename(bucket)
    assert await files.size("document", digest) == len(MIB)


async def test_a_write_that_the_server_calls_a_conflict_is_unavailable(
    own: Own, files: S3FileStore
) -> None:
    """versitygw answers 409 to a write beside which a sweep removes folders."""
    in_its_place = own.data / own.server.settings.bucket / "documents" / "document" / "name"
    in_its_place.mkdir(parents=True)
    (in_its_place / "other").write_bytes(b"x")
    with pytest.raises(Unavailable, match="ExistingObjectIsDirectory"):
        await files._objects.put("documents/document/name", b"content")


async def test_200_mib_stream_in_and_out_with_flat_memory(tmp_path: Path) -> None:
    settings = {**settings_of(s3_settings()), "prefix": f"test-{os.urandom(8).hex()}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.docaxis_adapters.s3_streaming",
        str(tmp_path),
        "200",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(json.dumps(settings).encode())
    assert process.returncode == 0
    result = json.loads(told)
    assert result["grown_mib"] > 0
    assert result["received"] == result["sent"]
    assert result["copied"] == 200 * 2**20
    assert result["grown_mib"] < 64
