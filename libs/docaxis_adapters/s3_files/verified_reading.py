"""Streaming an object by ranges: short requests, so that a slow reader holds none open."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

from docaxis_adapters.s3_files.objects import Objects

_PIECE = 2 * 2**20
_HASHED_IN_PLACE = 2**16


async def read_pieces(
    objects: Objects, key: str, start: int = 0, end: int | None = None
) -> AsyncIterator[tuple[bytes, int]]:
    """Bytes `start` to `end` (exclusive) in pieces of 2 MiB at most, each with the object's size.

    An empty piece ends them where there is nothing (more) to read. Raises `FileNotFoundError`,
    `Unavailable`.
    """
    at, stop = start, start + 1  # the first piece tells where to stop
    while at < stop:
        asked = at + _PIECE if end is None else min(at + _PIECE, end)
        piece, size = await objects.piece(key, at, asked)
        yield piece, size
        if not piece:
            return
        at += len(piece)
        stop = size if end is None else min(end, size)


async def read_verified(
    objects: Objects, key: str, digest: str, start: int = 0, end: int | None = None
) -> AsyncIterator[bytes]:
    """Bytes `start` to `end` (exclusive); a whole read is verified.

    Raises `FileNotFoundError`, `Unavailable`; `OSError` before the last piece where all was asked
    for and the bytes do not give the digest.
    """
    if end is not None and start >= end:
        await objects.size(key)  # an empty part of what is not there is an error, too
        return
    hasher = sha256()
    received = 0
    async for piece, size in read_pieces(objects, key, start, end):
        received += len(piece)
        if start == 0 and (end is None or end >= size):
            if len(piece) <= _HASHED_IN_PLACE:
                hasher.update(piece)
            else:
                await asyncio.to_thread(hasher.update, piece)
            if (received >= size or not piece) and hasher.hexdigest() != digest:
                raise OSError(f"{key}: the bytes give another digest")
        if piece:
            yield piece
