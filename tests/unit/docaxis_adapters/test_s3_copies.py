"""Local copies of objects: verified, bounded, shared by who asks at once, gone when forgotten."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from docaxis_adapters.folder_lock import FolderInUse
from docaxis_adapters.s3_files.local_copies import GOOD_FOR_S, LocalCopies


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Objects that are read; counts how often."""

    def __init__(self) -> None:
        self.reads = 0
        self.going_on = asyncio.Event()
        self.going_on.set()

    def of(self, content: bytes) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            self.reads += 1
            for at in range(0, len(content), 4):
                yield content[at : at + 4]
                await self.going_on.wait()

        return read


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def copies(tmp_path: Path, clock: Clock) -> Iterator[LocalCopies]:
    yield LocalCopies(tmp_path, 25, clock)


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


async def fetch(copies: LocalCopies, key: str, source: Source, content: bytes) -> Path:
    return await copies.path(key, digest_of(content), source.of(content))


async def test_a_copy_is_fetched_once_and_private(copies: LocalCopies, tmp_path: Path) -> None:
    source = Source()
    paths = {await fetch(copies, "a/1", source, b"letter") for _ in range(3)}
    assert source.reads == 1
    (path,) = paths
    assert path.read_bytes() == b"letter"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    await copies.close()
    assert not path.exists()


async def test_who_asks_at_once_waits_for_one_reading_and_may_leave(copies: LocalCopies) -> None:
    source = Source()
    source.going_on.clear()
    asking = [asyncio.create_task(fetch(copies, "a/1", source, b"letter")) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()  # who began the reading leaves; the others still get it
    source.going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking[0]
    assert len({await each for each in asking[1:]}) == 1
    assert source.reads == 1


async def test_bytes_of_another_digest_are_no_file_and_leave_nothing(
    copies: LocalCopies, tmp_path: Path
) -> None:
    source = Source()
    with pytest.raises(FileNotFoundError, match="another digest"):
        await copies.path("a/1", digest_of(b"letter"), source.of(b"lettre"))
    assert os.listdir(tmp_path / "copies") == []
    assert (await fetch(copies, "a/1", source, b"letter")).read_bytes() == b"letter"


async def test_a_reading_that_fails_leaves_nothing_and_is_done_again(
    copies: LocalCopies, tmp_path: Path
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"lett"
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await copies.path("a/1", digest_of(b"letter"), broken)
    assert os.listdir(tmp_path / "copies") == []
    assert (await fetch(copies, "a/1", Source(), b"letter")).exists()


async def test_the_least_recently_used_go_first_when_there_is_too_much(
    copies: LocalCopies, clock: Clock
) -> None:
    source = Source()
    first = await fetch(copies, "a/1", source, b"0123456789")
    second = await fetch(copies, "a/2", source, b"0123456789")
    clock.now += 1
    await fetch(copies, "a/1", source, b"0123456789")
    clock.now += GOOD_FOR_S
    third = await fetch(copies, "a/3", source, b"0123456789")
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)
    assert source.reads == 3


async def test_a_path_that_was_just_handed_out_stays_however_full_it_is(
    copies: LocalCopies, clock: Clock
) -> None:
    source = Source()
    paths = [await fetch(copies, f"a/{n}", source, b"0123456789") for n in range(10)]
    clock.now += GOOD_FOR_S - 1
    await fetch(copies, "a/9", source, b"0123456789")
    assert all(path.exists() for path in paths)
    clock.now += 1
    await fetch(copies, "a/9", source, b"0123456789")
    assert sum(path.exists() for path in paths) == 2


async def test_what_nobody_asks_for_any_more_goes(copies: LocalCopies, clock: Clock) -> None:
    path = await fetch(copies, "a/1", Source(), b"letter")
    clock.now += 3600
    await fetch(copies, "a/2", Source(), b"letter")
    assert not path.exists()


async def test_what_is_forgotten_is_gone_with_what_is_being_fetched(copies: LocalCopies) -> None:
    source = Source()
    there = await fetch(copies, "documents/1/a", source, b"letter")
    other = await fetch(copies, "documents/11/a", source, b"letter")
    source.going_on.clear()
    fetching = asyncio.create_task(fetch(copies, "documents/1/b", source, b"letter"))
    await asyncio.sleep(0)
    forgetting = asyncio.create_task(copies.forget("documents/1"))
    await asyncio.sleep(0)
    source.going_on.set()
    await forgetting
    assert (there.exists(), other.exists()) == (False, True)
    assert not (await fetching).exists()


async def test_a_folder_belongs_to_one_process_and_is_emptied_at_the_start(tmp_path: Path) -> None:
    copies = LocalCopies(tmp_path, 25)
    left = await fetch(copies, "a/1", Source(), b"letter")
    with pytest.raises(FolderInUse):
        LocalCopies(tmp_path, 25)
    copies._lock.release()  # what the end of a killed process does
    again = LocalCopies(tmp_path, 25)
    assert not left.exists()
    await again.close()
