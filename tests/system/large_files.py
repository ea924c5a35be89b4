"""A large file through an axis and back, over a line that is cut; memory measured on the way."""

import asyncio
import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.models import DocumentType, Signer
from docaxis_client.submission import NewDocument, OutgoingFile
from tests.system.cut_line import CutLine
from tests.system.forms import AxisForm

MIB = 2**20
_SAMPLE_S = 0.02


@dataclass(frozen=True, slots=True)
class Trip:
    """One file's way in and out: seconds, the cuts it survived, and the axis's memory (MiB)."""

    mib: int
    sent_s: float
    got_s: float
    cuts_up: int
    cuts_down: int
    grown_mib: float


def write_file(path: Path, mib: int) -> str:
    """A file of bytes that nothing can compress; returns its SHA-256."""
    hasher = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(mib):
            chunk = os.urandom(MIB)
            hasher.update(chunk)
            file.write(chunk)
    return hasher.hexdigest()


def resident_mib(pids: Iterable[int]) -> float:
    """Resident memory of these processes and their children (Linux)."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError, StopIteration):
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += int(next(each.split()[1] for each in status if each.startswith("VmRSS")))
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            total += resident_mib(int(each) for each in children) * 1024
    return total / 1024


@asynccontextmanager
async def watched_memory(pids: Iterable[int]) -> AsyncIterator[list[float]]:
    """How much the processes grow meanwhile: the list's one entry is the most so far (MiB)."""
    watched = list(pids)
    before = resident_mib(watched)
    most = [0.0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], resident_mib(watched) - before)
            await asyncio.sleep(_SAMPLE_S)

    watching = asyncio.create_task(watch())
    try:
        yield most
    finally:
        watching.cancel()


async def round_trip(
    axis: AxisForm, line: CutLine, folder: Path, mib: int, cuts: int, pids: Iterable[int]
) -> Trip:
    """Send a file from the office to Hà Nội and get it there, cut `cuts` times each way.

    Raises `AssertionError` where a byte differs.
    """
    path, target = folder / "lớn.bin", folder / "nhận.bin"
    digest = await asyncio.to_thread(write_file, path, mib)
    marks = [mib * MIB * each // (cuts + 1) for each in range(1, cuts + 1)]
    office, hanoi = (
        DocaxisClient(line.url, Credentials.load(axis.folder.clients / f"{name}.json"))
        for name in ("office", "hanoi")
    )
    async with office, hanoi, watched_memory(pids) as grown:
        line.cut_at(up=marks)
        begun = time.perf_counter()
        sent = await office.submit(_letter(), [_outgoing(path)])
        sent_s = time.perf_counter() - begun
        cuts_up, line.cuts = line.cuts, 0
        assert line.left == 0
        (item,) = [
            each for each in (await hanoi.inbox(wait=20)).items if each.document.id == sent.id
        ]
        (file,) = item.document.files
        assert (file.digest, file.size) == (digest, mib * MIB)
        line.cut_at(down=marks)
        begun = time.perf_counter()
        await hanoi.download(sent.id, digest, target)
        got_s = time.perf_counter() - begun
        assert line.left == 0
        with target.open("rb") as got:
            assert hashlib.file_digest(got, "sha256").hexdigest() == digest
        await hanoi.acknowledge([item.delivery_id])
    trip = Trip(mib, sent_s, got_s, cuts_up, line.cuts, grown[0])
    path.unlink()
    target.unlink()
    line.cuts = 0
    return trip


def _outgoing(path: Path) -> OutgoingFile:
    return OutgoingFile(path.name, path, "application/octet-stream")


def _letter() -> NewDocument:
    return NewDocument(
        sender="G22",
        recipients=["H26"],
        id=f"large-{uuid.uuid4()}",
        number="1",
        notation="CV-MAU",
        place="Hà Nội",
        promulgated_on="2026-11-22",
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject="Hồ sơ lớn kèm theo",
        signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
    )
