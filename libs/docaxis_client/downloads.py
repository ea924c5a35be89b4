"""Files from the axis: streamed to disk, resumed where they were cut, kept only when verified.

A download lies beside its target under a hidden name with its digest until every byte is there
and the digest is right. So a second run resumes the first, and a target that exists is whole.
"""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import IO

import aiohttp

from docaxis_client.errors import DigestMismatch, ProblemError
from docaxis_client.submission import Progress
from docaxis_client.transport import TRANSIENT, Request, Transport

_CHUNK = 1024 * 1024


class _Partial:
    """The bytes got so far, on disk, and their running digest. Methods block: use threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] = path.open("a+b")
        self.digest = hashlib.sha256()
        self.size = 0
        self.file.seek(0)
        while piece := self.file.read(_CHUNK):
            self.digest.update(piece)
            self.size += len(piece)

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.digest.update(piece)
        self.size += len(piece)

    def restart(self) -> None:
        self.file.truncate(0)
        self.digest = hashlib.sha256()
        self.size = 0

    def finish(self, expected: str, target: Path) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        if self.digest.hexdigest() != expected:
            self.path.unlink()
            raise DigestMismatch(expected, self.digest.hexdigest())
        self.path.replace(target)


async def fetch(transport: Transport, path: str, digest: str) -> bytes:
    """Get a small file into memory, verified; raises `DigestMismatch`."""
    body = (await transport.call(Request("GET", path))).body
    found = hashlib.sha256(body).hexdigest()
    if found != digest:
        raise DigestMismatch(digest, found)
    return body


async def download(
    transport: Transport,
    path: str,
    digest: str,
    target: Path,
    progress: Progress | None = None,
) -> None:
    """Get a file of any size to `target`, replacing it; memory does not grow with it.

    Raises `DigestMismatch` (nothing is kept), `OSError` for the disk, and what `call` raises.
    """
    partial = await asyncio.to_thread(_Partial, _hidden(target, digest))
    if progress and partial.size:
        progress(partial.size)

    async def attempt() -> None:
        while True:
            before = partial.size
            try:
                return await _resume(transport, path, digest, partial, progress)
            except TRANSIENT:
                # As long as bytes keep coming the line is poor, not dead.
                if partial.size <= before:
                    raise

    try:
        try:
            await attempt()
        except TRANSIENT as failure:
            await transport.again(attempt, failure)
        await asyncio.to_thread(partial.finish, digest, target)
    finally:
        await asyncio.to_thread(partial.file.close)


async def _resume(
    transport: Transport,
    path: str,
    digest: str,
    partial: _Partial,
    progress: Progress | None,
) -> None:
    if partial.size and partial.digest.hexdigest() == digest:
        return  # All was there before; only the last step was missing.
    headers = {}
    if partial.size:
        headers = {"Range": f"bytes={partial.size}-", "If-Range": f'"{digest}"'}
    try:
        async with transport.open(Request("GET", path, headers)) as response:
            begins = response.headers.get("Content-Range", "").startswith(f"bytes {partial.size}-")
            if partial.size and not (response.status == 206 and begins):
                await _start_over(partial, progress)
            await _receive(response, partial, progress)
    except ProblemError as problem:
        if problem.status != 416 or not partial.size:
            raise
        # What lies here is longer than the file: it is something else.
        await _start_over(partial, progress)
        await _resume(transport, path, digest, partial, progress)


async def _receive(
    response: aiohttp.ClientResponse, partial: _Partial, progress: Progress | None
) -> None:
    waiting = bytearray()
    try:
        async for piece in response.content.iter_any():
            waiting += piece
            if progress:
                progress(len(piece))
            if len(waiting) >= _CHUNK:
                await asyncio.to_thread(partial.write, bytes(waiting))
                waiting.clear()
    finally:
        # Kept when the line was cut, too: the next attempt goes on behind it.
        await asyncio.to_thread(partial.write, bytes(waiting))


async def _start_over(partial: _Partial, progress: Progress | None) -> None:
    if progress:
        progress(-partial.size)
    await asyncio.to_thread(partial.restart)


def _hidden(target: Path, digest: str) -> Path:
    name = hashlib.sha256(target.name.encode()).hexdigest()[:8]
    return target.with_name(f".{digest[:24]}-{name}.partial")
