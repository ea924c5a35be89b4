import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.verdicts import TrustStoreUnreadable, Verdict
from docaxis_trust.verification import VerificationRequest, verify
from docaxis_trust.workers import VerificationWorkers, WorkersClosed
from tests.unit.docaxis_trust.samples import amend, draw_over_page, request_for
from tests.unit.docaxis_trust.worker_tasks import obey

ROOT = Path(__file__).parents[3]


class Orders:
    """Files that say what a worker shall do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given = 0

    def __call__(self, order: str) -> VerificationRequest:
        self.given += 1
        path = self.folder / f"order-{self.given}"
        path.write_text(order)
        return VerificationRequest(path, "text/plain", None, (), 0)


@pytest.fixture
def order(tmp_path: Path) -> Orders:
    return Orders(tmp_path)


@pytest.fixture
async def workers() -> AsyncIterator[VerificationWorkers]:
    workers = VerificationWorkers(2, deadline_s=1.0, idle_s=60, task=obey)
    yield workers
    await workers.close()


def pid_of(verdict: Verdict) -> int:
    assert verdict.code == "file_unsigned"
    return int(verdict.digest)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def is_taken(order: Path) -> bool:
    return order.read_text() not in ("sleep", "")


async def wait_for_start(order: Path) -> None:
    """Wait until a worker sleeps, as the file ordered."""
    end = time.monotonic() + 20
    while not is_taken(order):
        assert time.monotonic() < end, "no worker took it"
        await asyncio.sleep(0.02)


async def wait_for_end(pid: int, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < end, f"process {pid} still lives"
        await asyncio.sleep(0.02)


async def test_workers_answer_what_a_direct_check_would(
    pki: DemoPki,
    sealed_pdf: Path,
    letter: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    changed = amend(sealed_pdf, tmp_path / "changed.pdf", draw_over_page)
    workers = VerificationWorkers(2, deadline_s=30, idle_s=60)
    try:
        asked = [request_for(pki, path) for path in (sealed_pdf, letter, changed)] * 5
        verdicts = await asyncio.gather(*(workers.verify(each) for each in asked))
        assert verdicts == [verify(each) for each in asked]
        gone = VerificationRequest(letter, "", None, (tmp_path / "gone.pem",), 0)
        with pytest.raises(TrustStoreUnreadable, match=r"gone\.pem"):
            await workers.verify(gone)
    finally:
        await workers.close()
    assert capfd.readouterr() == ("", ""), "a stranger's file fills no log"


async def test_a_check_that_overruns_is_ended_and_the_others_go_on(
    workers: VerificationWorkers, order: Orders
) -> None:
    slow, stuck = order("sleep"), order("spin")
    began = time.monotonic()
    verdicts = await asyncio.gather(
        workers.verify(slow),
        workers.verify(stuck),
        *(workers.verify(order("go")) for _ in range(6)),
    )
    assert time.monotonic() - began < 60
    for overrun in verdicts[:2]:
        assert overrun == Verdict("indeterminate", "verification_timed_out", (), "")
    sleeper = int(slow.file_path.read_text())
    assert sleeper not in {pid_of(each) for each in verdicts[2:]}
    await wait_for_end(sleeper)


async def test_a_worker_that_dies_takes_no_other_check_with_it(
    workers: VerificationWorkers, order: Orders
) -> None:
    deadly, once, refused, taking = (
        order("die"),
        order("die once"),
        order("fail"),
        order("take memory"),
    )
    asked = [deadly, once, taking, *(order("go") for _ in range(6))]
    verdicts = await asyncio.gather(*(workers.verify(each) for each in asked))
    assert verdicts[0] == Verdict("indeterminate", "signature_unreadable", (), "")
    assert pid_of(verdicts[1]), "tried once more, it answers"
    assert verdicts[2].digest == "refused", "no worker takes more memory than its limit"
    assert all(pid_of(each) for each in verdicts[3:])
    with pytest.raises(FileNotFoundError, match="document"):
        await workers.verify(refused)


async def test_a_worker_stuck_in_c_code_ends_as_fast_as_any(
    workers: VerificationWorkers, order: Orders
) -> None:
    # With a handler of Python's it would take until the code returns, or three seconds more.
    verdict = await workers.verify(order("tell signals"))
    assert verdict.digest == str(signal.SIG_DFL)


async def test_idle_workers_end_and_start_again_when_needed(order: Orders) -> None:
    workers = VerificationWorkers(1, deadline_s=10, idle_s=0.3, task=obey)
    try:
        first = pid_of(await workers.verify(order("go")))
        assert pid_of(await workers.verify(order("go"))) == first, "busy enough to be kept"
        await wait_for_end(first)
        second = pid_of(await workers.verify(order("go")))
        assert second != first
        # An idle worker that somebody kills breaks the pool; the next check starts another.
        os.kill(second, signal.SIGKILL)
        await wait_for_end(second)
        assert pid_of(await workers.verify(order("go"))) not in (first, second)
    finally:
        await workers.close()


async def test_nothing_starts_before_it_is_needed(order: Orders) -> None:
    workers = VerificationWorkers(2, deadline_s=1, idle_s=60, task=obey)
    assert workers._pool is None
    await workers.close()
    with pytest.raises(WorkersClosed):
        await workers.verify(order("go"))


async def test_closing_ends_what_is_under_way(order: Orders) -> None:
    workers = VerificationWorkers(1, deadline_s=60, idle_s=60, task=obey)
    asked = order("sleep")
    under_way = asyncio.create_task(workers.verify(asked))
    await wait_for_start(asked.file_path)
    await workers.close()
    with pytest.raises(WorkersClosed):
        await under_way
    await wait_for_end(int(asked.file_path.read_text()))
    await workers.close()


async def test_a_cancelled_check_frees_its_worker(order: Orders) -> None:
    workers = VerificationWorkers(1, deadline_s=60, idle_s=60, task=obey)
    try:
        asked = order("sleep")
        under_way = asyncio.create_task(workers.verify(asked))
        await wait_for_start(asked.file_path)
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        await wait_for_end(int(asked.file_path.read_text()))
        assert pid_of(await workers.verify(order("go")))
    finally:
        await workers.close()


PARENT = textwrap.dedent(
    """
    import asyncio, pathlib, sys
    from docaxis_trust.verification import VerificationRequest
    from docaxis_trust.workers import VerificationWorkers
    from tests.unit.docaxis_trust.worker_tasks import obey

    async def main():
        workers = VerificationWorkers(2, deadline_s=600, idle_s=600, task=obey)
        request = VerificationRequest(pathlib.Path(sys.argv[1]), "", None, (), 0)
        print("started", flush=True)
        await workers.verify(request)

    if __name__ == "__main__":
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
)


def start_parent(tmp_path: Path, order: Path) -> "subprocess.Popen[str]":
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    return subprocess.Popen(
        [sys.executable, str(script), str(order)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/libs:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


async def test_workers_do_not_outlive_a_parent_that_is_killed(
    tmp_path: Path, order: Orders
) -> None:
    asked = order("sleep").file_path
    parent = start_parent(tmp_path, asked)
    try:
        await wait_for_start(asked)
        pid = int(asked.read_text())
        assert is_alive(pid)
    finally:
        parent.kill()
    parent.wait()
    await wait_for_end(pid)


@pytest.mark.parametrize("moment", ["starting", "working"])
async def test_ctrl_c_prints_no_trace_of_a_worker(
    tmp_path: Path, order: Orders, moment: str
) -> None:
    asked = order("sleep").file_path
    parent = start_parent(tmp_path, asked)
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        if moment == "working":
            await wait_for_start(asked)
        else:
            await asyncio.sleep(0.1)
        os.killpg(parent.pid, signal.SIGINT)
        out, err = parent.communicate(timeout=20)
    finally:
        parent.kill()
        parent.wait()
    assert out == "interrupted\n"
    assert err == ""


def test_the_process_that_sends_requests_stays_small() -> None:
    code = "import sys, docaxis_trust.workers; print(sorted(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{ROOT}/libs"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for heavy in ("pyhanko", "pyhanko_certvalidator", "asn1crypto", "cryptography"):
        assert f"'{heavy}'" not in out


async def test_many_checks_at_once_are_handed_over_together_and_answered_one_by_one(
    workers: VerificationWorkers, order: Orders
) -> None:
    """One that dies, one that hangs and one that fails among sixty harm nobody else."""
    await workers.verify(order("warm up"))
    orders = ["answer"] * 60
    orders[7], orders[23], orders[41] = "die", "spin", "fail"
    found = await asyncio.gather(
        *(workers.verify(order(each)) for each in orders), return_exceptions=True
    )
    assert isinstance(found[41], FileNotFoundError)
    codes = [each.code if isinstance(each, Verdict) else "" for each in found]
    assert codes[7] == "signature_unreadable"
    assert codes[23] == "verification_timed_out"
    assert [codes[at] for at in range(60) if at not in (7, 23, 41)] == ["file_unsigned"] * 57
