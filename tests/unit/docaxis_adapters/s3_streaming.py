"""Streams a large file through an S3 store and tells how much resident memory grew.

Run as a process of its own: `python -m tests.unit.docaxis_adapters.s3_streaming FOLDER MIB`, with
the store's settings as JSON on the standard input. Prints JSON: digests in and out, and MiB.
"""

import asyncio
import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from docaxis_adapters.s3_files import S3FileStore

_CHUNK = os.urandom(2**18)


async def _upload(store: S3FileStore, name: str, mib: int) -> str:
    staged = await store.stage("system", name)
    for number in range(mib * 4):
        await staged.write(number.to_bytes(8) + _CHUNK[8:])
    return (await staged.finish()).digest


async def _download(store: S3FileStore, document_id: str, digest: str) -> str:
    hasher = sha256()
    async for chunk in store.read(document_id, digest):
        hasher.update(chunk)
    return hasher.hexdigest()


def _peak_mib() -> float:
    # Not `ru_maxrss`, which a process inherits from the one that started it.
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) / 1024


async def _stream(folder: Path, mib: int, settings: dict[str, Any]) -> None:
    store = await S3FileStore.open(**settings, cache_folder=folder, cache_bytes=2**30)
    digest = await _upload(store, "small", 1)  # what the client needs for any file
    await store.take("system", ["small"], "small")
    await _download(store, "small", digest)
    before = _peak_mib()
    sent = await _upload(store, "large", mib)
    await store.take("system", ["large"], "large")
    received = await _download(store, "large", sent)
    path = await store.local_path("large", sent)
    copied = path.stat().st_size
    await store.close()
    grown = _peak_mib() - before
    print(json.dumps({"sent": sent, "received": received, "copied": copied, "grown_mib": grown}))


if __name__ == "__main__":
    asyncio.run(_stream(Path(sys.argv[1]), int(sys.argv[2]), json.load(sys.stdin)))
