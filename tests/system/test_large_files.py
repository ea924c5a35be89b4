"""Large files: in and out over a line that is cut, and over axes that are killed on the way.

Sizes in MiB: `DOCAXIS_TEST_LARGE_MIB`; 1024 is what the design promises.
"""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from docaxis_client.credentials import Credentials
from docaxis_client.submission import Blob
from docaxis_client.transport import Transport
from docaxis_client.uploads import upload
from tests.system.axis_process import AxisProcess, running_process
from tests.system.cut_line import cut_line
from tests.system.large_files import MIB, round_trip, write_file

LARGE_MIB = int(os.environ.get("DOCAXIS_TEST_LARGE_MIB", "64"))
CUTS = 10
MOST_GROWN_MIB = 64


@pytest.mark.timeout(900)
async def test_a_large_file_cut_ten_times_each_way_ends_with_the_right_digest(
    tmp_path: Path,
) -> None:
    async with running_process(tmp_path / "data") as axis, cut_line(axis.port) as line:
        assert axis.process is not None
        # What is loaded once is no part of what a file costs.
        await round_trip(axis, line, tmp_path, 17, 0, [axis.process.pid])
        trip = await round_trip(axis, line, tmp_path, LARGE_MIB, CUTS, [axis.process.pid])
        print(trip)
        assert (trip.cuts_up, trip.cuts_down) == (CUTS, CUTS)
        assert trip.grown_mib < MOST_GROWN_MIB


@pytest.mark.timeout(600)
async def test_sigkill_during_an_upload_loses_nothing_that_was_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    size = 48 * MIB
    digest = write_file(path, 48)
    async with running_process(tmp_path / "data") as axis:
        credentials = Credentials.load(axis.folder.clients / "office.json")
        transport = Transport(axis.url, credentials, attempts=1000, patience_s=500)
        seen = [0]

        def progress(more: int) -> None:
            seen[0] += more

        sending = asyncio.create_task(
            upload(transport, Blob(path, size, digest), progress, piece=4 * MIB)
        )
        for share in (0.2, 0.5, 0.8):
            while seen[0] < size * share and not sending.done():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            await axis.kill()
            await axis.start()
        upload_id = await sending
        await transport.close()
        assert seen[0] == size
        assert await _staged_digest(axis, upload_id) == digest


async def _staged_digest(axis: AxisProcess, upload_id: str) -> str:
    (path,) = (axis.folder.files / "staging").rglob(upload_id)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
