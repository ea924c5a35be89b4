"""Files above 16 MiB: in pieces, going on where the line was cut."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docaxis_client import DocaxisClient, OutgoingFile
from docaxis_client.errors import ProblemError
from docaxis_client.submission import Blob
from docaxis_client.transport import Transport
from docaxis_client.uploads import LARGEST_PUT, upload
from tests.unit.docaxis_client.conftest import letter
from tests.unit.docaxis_client.sample_axis import SampleAxis

CONTENT = bytes(range(251)) * 80_000  # 20 MB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BLOB = Blob(CONTENT, len(CONTENT), DIGEST)
PIECE = 8_000_000


@pytest.fixture
async def transport(axis: SampleAxis) -> AsyncIterator[Transport]:
    credentials = axis.new_system("G22")
    assert credentials.base_url
    transport = Transport(credentials.base_url, credentials, patience_s=10)
    yield transport
    await transport.close()


async def test_a_large_file_goes_in_pieces_and_is_told_as_it_goes(
    axis: SampleAxis, office: DocaxisClient, tmp_path: Path
) -> None:
    path = tmp_path / "lớn.pdf"
    path.write_bytes(CONTENT)
    seen: list[int] = []
    sent = await office.submit(letter(), [OutgoingFile("lớn.pdf", path)], progress=seen.append)
    assert axis.count("PUT", "/uploads") == 0
    assert axis.files[sent.id, DIGEST] == CONTENT
    assert sum(seen) == len(CONTENT)


async def test_up_to_16_mib_it_is_one_put(axis: SampleAxis, transport: Transport) -> None:
    content = bytes(LARGEST_PUT)
    await upload(transport, Blob(content, len(content), hashlib.sha256(content).hexdigest()))
    assert (axis.count("PUT", "/uploads"), axis.count("POST", "/uploads")) == (1, 0)


async def test_ten_cuts_are_ten_resumptions(axis: SampleAxis, transport: Transport) -> None:
    for _ in range(10):
        axis.fail("PATCH", "/uploads", "half")
    seen: list[int] = []
    upload_id = await upload(transport, BLOB, seen.append, piece=PIECE)
    assert axis.uploads[upload_id] == CONTENT
    assert axis.count("HEAD", "/uploads") >= 8
    assert sum(seen) == len(CONTENT)


@pytest.mark.parametrize("kind", ["lost", "busy", "away", "gone", "page", "expired", "held"])
async def test_a_failed_piece_is_asked_after(
    axis: SampleAxis, transport: Transport, kind: str
) -> None:
    for _ in range(1 if kind == "expired" else 3):
        axis.fail("PATCH", "/uploads", kind)
    upload_id = await upload(transport, BLOB, piece=PIECE)
    assert axis.uploads[upload_id] == CONTENT


async def test_an_upload_that_somebody_holds_is_waited_for(
    axis: SampleAxis, transport: Transport
) -> None:
    axis.fail("PATCH", "/uploads", "half")
    for _ in range(20):
        axis.fail("HEAD", "/uploads", "held")
    upload_id = await upload(transport, BLOB, piece=PIECE)
    assert axis.uploads[upload_id] == CONTENT


async def test_the_same_file_goes_on_where_an_earlier_call_ended(
    axis: SampleAxis, transport: Transport
) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await upload(transport, BLOB, _stopping_after(3_000_000), piece=PIECE)
    before = len(next(iter(axis.partials.values())).content)
    assert 3_000_000 < before < len(CONTENT)
    seen: list[int] = []
    await upload(transport, BLOB, seen.append, piece=PIECE)
    assert seen[0] == before
    assert sum(seen) == len(CONTENT)
    patches = axis.count("PATCH", "/uploads")
    await upload(transport, BLOB, piece=PIECE)
    assert axis.count("PATCH", "/uploads") == patches


def _stopping_after(size: int) -> "_Stopping":
    return _Stopping(size)


class _Stopping:
    """A progress that ends the program, so to speak."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, size: int) -> None:
        self.left -= size if size < PIECE // 2 else 0
        if self.left < 0:
            raise RuntimeError("ended")


async def test_one_that_expired_meanwhile_is_begun_again(
    axis: SampleAxis, transport: Transport
) -> None:
    axis.fail("PATCH", "/uploads", "half")
    axis.fail("HEAD", "/uploads", "forgotten")
    seen: list[int] = []
    upload_id = await upload(transport, BLOB, seen.append, piece=PIECE)
    assert axis.uploads[upload_id] == CONTENT
    assert axis.count("POST", "/uploads") == 2
    assert sum(seen) == len(CONTENT)


async def test_one_that_is_always_forgotten_is_a_problem(
    axis: SampleAxis, transport: Transport
) -> None:
    for _ in range(2):
        axis.fail("PATCH", "/uploads", "half")
        axis.fail("HEAD", "/uploads", "forgotten")
    with pytest.raises(ProblemError) as refused:
        await upload(transport, BLOB, piece=PIECE)
    assert refused.value.status == 404
