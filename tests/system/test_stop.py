"""A stop is quick and quiet: who waits for news is answered, and what was accepted is finished."""

import asyncio
import time
from pathlib import Path

from tests.system.axis_process import AxisProcess, running_process


async def test_a_long_poll_is_answered_when_the_axis_stops(tmp_path: Path) -> None:
    async with (
        running_process(tmp_path / "data") as axis,
        axis.client("hanoi", attempts=1) as hanoi,
    ):
        await hanoi.me()
        inbox = asyncio.create_task(hanoi.inbox(wait=50))
        receipts = asyncio.create_task(hanoi.receipts(wait=50))
        done, _ = await asyncio.wait((inbox, receipts), timeout=0.5)
        assert not done
        begun = time.monotonic()
        assert await axis.stop() == 0, axis.last_words()
        assert time.monotonic() - begun < 4.0  # uvicorn alone would have waited for five seconds
        assert (await inbox).items == ()
        assert (await receipts).items == ()
        assert "Traceback" not in axis.last_words()


async def test_a_second_process_on_the_folder_is_refused_with_its_name(tmp_path: Path) -> None:
    async with running_process(tmp_path / "data") as axis:
        second = AxisProcess(axis.data)
        try:
            await second.start()
        except AssertionError as refused:
            assert str(axis.data) in str(refused)
        else:
            await second.kill()
            raise AssertionError("two processes on one log")
