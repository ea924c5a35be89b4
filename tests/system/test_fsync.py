"""No answer leaves before its fsync: watched at the system calls, with strace.

For each answer to a write (201 for a document, 200 for an acknowledgement or a status) the log's
file was synced between the arrival of the request and the departure of the answer; for a document,
its attachments' file system too. With `synchronous=OFF` the same check fails.
"""

import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docaxis_client.tracking import StatusReport
from tests.system.axis_process import running_process
from tests.system.traffic import sample_document, sample_files

DOCUMENTS = 5
CALLS = "fsync,fdatasync,syncfs,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
LINE = re.compile(r"^\d+ +(?P<at>\d+\.\d+) (?P<call>\w+)\((?P<rest>.*)")
RESUMED = re.compile(r"^\d+ +(?P<at>\d+\.\d+) <\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)")

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (apt-get install strace)"
)


class AnsweredTooEarly(AssertionError):
    """An answer left before what it promises was on disk."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that the process did, in the order in which it was done."""

    what: str
    """`request`, `answer`, `log synced` or `files synced`."""
    detail: str = ""


def seen_in(trace: Path) -> Iterator[Seen]:
    """Requests, answers and finished syncs of a trace, in order.

    A call that others interrupt stands in two lines, and counts where it is resumed: a sync is
    done when it returns, an answer leaves when its call begins.
    """
    unfinished: dict[tuple[str, str], str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        thread = line.split(" ", 1)[0]
        if found := LINE.match(line):
            call, rest = found["call"], found["rest"]
            if call in ("write", "writev", "sendto", "sendmsg"):
                yield from _answer(rest)
            elif "<unfinished" in rest:
                unfinished[thread, call] = rest
            else:
                yield from _finished(call, rest)
        elif found := RESUMED.match(line):
            begun = unfinished.pop((thread, found["call"]), "")
            yield from _finished(found["call"], begun + found["rest"])


def _answer(rest: str) -> Iterator[Seen]:
    if status := re.search(r"HTTP/1\.1 (\d{3})", rest):
        yield Seen("answer", status[1])


def _finished(call: str, rest: str) -> Iterator[Seen]:
    if call in ("read", "recvfrom", "recvmsg"):
        if request := re.search(r'"(POST|PUT) (\S+) HTTP', rest):
            yield Seen("request", request[2])
    elif call == "syncfs":
        yield Seen("files synced")
    elif call in ("fsync", "fdatasync"):
        yield Seen("log synced" if "log.db" in rest else "files synced")


def check_synced_before_answered(trace: Path) -> int:
    """Raises `AnsweredTooEarly`; returns how many writes were answered."""
    answered = 0
    request = ""
    synced: set[str] = set()
    for each in seen_in(trace):
        if each.what == "request":
            request, synced = each.detail, set()
        elif each.what == "answer" and request:
            needed = _needed(request)
            if each.detail in ("200", "201") and not needed <= synced:
                raise AnsweredTooEarly(f"{request}: answered {each.detail}, synced {synced}")
            answered += bool(needed)
            request = ""
        else:
            synced.add(each.what)
    return answered


def _needed(request: str) -> set[str]:
    if request.endswith("/documents"):
        return {"log synced", "files synced"}
    if request.endswith((":acknowledge", "/statuses")):
        return {"log synced"}
    return set()


async def traced_run(folder: Path, synchronous: str) -> Path:
    """A few documents, one call after the other, on a process under strace."""
    trace = folder / "trace"
    strace = ["strace", "-f", "-ttt", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(trace)]
    environment = {"DOCAXIS_SQLITE_SYNCHRONOUS": synchronous}
    async with (
        running_process(folder / "data", environment=environment, wrapper=strace) as axis,
        axis.client("office") as office,
        axis.client("hanoi") as hanoi,
    ):
        for number in range(DOCUMENTS):
            await office.submit(sample_document(f"{number}/CV"), sample_files(number))
            page = await hanoi.inbox(wait=10)
            ids = [each.delivery_id for each in page.items]
            await hanoi.acknowledge(ids, idempotency_key=str(uuid.uuid4()))
            await hanoi.report_statuses([StatusReport(each, "03") for each in ids])
        await axis.stop()
    return trace


@needs_strace
@pytest.mark.timeout(180)
async def test_no_answer_leaves_before_its_fsync(tmp_path: Path) -> None:
    trace = await traced_run(tmp_path, "FULL")
    assert check_synced_before_answered(trace) == 3 * DOCUMENTS


@needs_strace
@pytest.mark.timeout(180)
async def test_the_check_fails_without_syncs(tmp_path: Path) -> None:
    trace = await traced_run(tmp_path, "OFF")
    with pytest.raises(AnsweredTooEarly):
        check_synced_before_answered(trace)
