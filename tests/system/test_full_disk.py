"""A whole axis on a disk that fills: refused with a code, nothing accepted is lost, it goes on.

The disk is real (a tmpfs of its own), and everything that the axis writes lies on it.
"""

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from docaxis_client.errors import AxisUnavailable
from docaxis_client.models import DocumentType, Signer
from docaxis_client.submission import Blob, NewDocument, OutgoingFile
from docaxis_client.transport import Transport
from docaxis_client.uploads import upload
from tests.small_disk import fill, small_disk
from tests.system.axis_process import AxisProcess, running_process

DISK_MIB = 96
LARGE = 24 * 2**20


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[AxisProcess]:
    with small_disk(tmp_path / "disk", DISK_MIB) as disk:
        async with running_process(disk / "data") as process:
            yield process


@pytest.mark.timeout(600)
async def test_a_full_disk_refuses_and_loses_nothing(axis: AxisProcess) -> None:
    disk = axis.data.parent
    content = os.urandom(LARGE)
    blob = Blob(content, LARGE, hashlib.sha256(content).hexdigest())
    accepted: list[str] = []
    codes: set[str] = set()
    async with axis.client("office", attempts=1) as impatient:
        await impatient.me()
        accepted.append((await impatient.submit(_letter(), [_file()], decide_within_s=60)).id)
        filler = fill(disk, leaving=3 * 2**20)
        with pytest.raises(AxisUnavailable) as refused:
            await upload(impatient._transport, blob, piece=LARGE)
        codes.add(_code(refused.value))
        filler.unlink()
        fill(disk, leaving=3 * 2**20)
        # Small documents use up what is left, until the log itself has no room.
        while True:
            try:
                sent = await impatient.submit(_letter(), [_file()], decide_within_s=0)
                accepted.append(sent.id)
            except AxisUnavailable as error:
                codes.add(_code(error))
                break
        fill(disk)
        for _ in range(5):
            with pytest.raises(AxisUnavailable) as refused:
                await impatient.submit(_letter(), [_file()], decide_within_s=0)
            codes.add(_code(refused.value))
    assert "storage_full" in codes, codes
    assert len(accepted) > 5
    assert axis.process is not None
    assert axis.process.returncode is None, axis.last_words()

    filler.unlink()
    async with axis.client("office", attempts=1000, patience_s=200) as office:
        # The upload goes on, the next document is taken, and all that was accepted is there.
        upload_id = await upload(office._transport, blob)
        assert upload_id
        accepted.append((await office.submit(_letter(), [_file()], decide_within_s=100)).id)
        await _all_there(office._transport, accepted)
    await axis.kill()
    await axis.start()
    async with axis.client("office", attempts=1000, patience_s=200) as office:
        await _all_there(office._transport, accepted)
        for document_id in accepted[-3:]:
            (file,) = (await office.document(document_id)).files
            await office.fetch(document_id, file.digest)  # verified
    print(f"{len(accepted)} documents accepted on a disk that filled, codes {sorted(codes)}")


async def _all_there(transport: Transport, accepted: list[str]) -> None:
    """Each has its delivery, once."""
    async with aiohttp.ClientSession() as session:
        for document_id in accepted:
            url = f"{transport.base_url}/api/v1/documents/{document_id}/deliveries"
            async with asyncio.timeout(200):
                while True:
                    headers = {"Authorization": await transport.authorization()}
                    async with session.get(url, headers=headers) as answer:
                        items = (await answer.json()).get("items", [])
                    if items:
                        break
                    await asyncio.sleep(0.2)
            assert [each["code"] for each in items] == ["H26"]


def _code(error: AxisUnavailable) -> str:
    return error.problem.code if error.problem else str(error)


def _file() -> OutgoingFile:
    return OutgoingFile("thư.txt", os.urandom(40_000), "application/octet-stream")


def _letter() -> NewDocument:
    return NewDocument(
        sender="G22",
        recipients=["H26"],
        id=f"full-{uuid.uuid4()}",
        number="1",
        notation="CV-MAU",
        place="Hà Nội",
        promulgated_on="2026-11-22",
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject="Văn bản trên đĩa đầy",
        signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
    )
