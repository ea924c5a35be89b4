"""A server's process: stopped in good order or not, paused, and quoted when it ended."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tools.cluster.errors import ClusterError
from tools.cluster.process import ServerProcess

Start = Callable[[str], ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python script that says `ready` first; kills it at the end."""
    started: list[ServerProcess] = []

    def start_it(script: str) -> ServerProcess:
        text = f"import signal, time, sys\n{script}"
        process = ServerProcess("thing", [sys.executable, "-c", text], tmp_path / "log")
        started.append(process)
        process.start()
        eventually(lambda: "ready" in process.last_words() or not process.running)
        return process

    yield start_it
    for each in started:
        each.kill()


def eventually(is_so: Callable[[], bool]) -> None:
    end = monotonic() + 20
    while not is_so():
        assert monotonic() < end
        sleep(0.01)


def state(process: ServerProcess) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


WAITS = "print('ready', flush=True)\nwhile True: time.sleep(1)"
DEAF = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITS}"


def test_one_that_does_not_hear_sigterm_is_killed(start: Start) -> None:
    process = start(DEAF)
    process.ask_to_stop()
    assert not process.wait(0.1)
    process.stop(0.1)
    assert not process.running


def test_a_paused_one_stops_too(start: Start) -> None:
    process = start(WAITS)
    process.pause()
    eventually(lambda: state(process) == "T")
    assert process.running
    process.ask_to_stop()
    assert process.wait(20)


def test_pause_and_resume(start: Start) -> None:
    process = start(WAITS)
    process.pause()
    eventually(lambda: state(process) == "T")
    process.resume()
    eventually(lambda: state(process) in "SR")


def test_one_that_ended_is_quoted_and_can_start_again(start: Start) -> None:
    process = start("sys.exit('no such port')")
    eventually(lambda: not process.running)
    with pytest.raises(ClusterError, match=r"thing ended \(status 1\):\nno such port"):
        process.check_running()
    process.start()
    with pytest.raises(ClusterError, match="runs already"):
        process.start()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    process = ServerProcess("thing", [str(tmp_path / "nothing")], tmp_path / "log")
    process.start()
    eventually(lambda: not process.running)
    with pytest.raises(ClusterError, match=r"cannot run .*nothing: No such file"):
        process.check_running()


def test_verbs_on_one_that_never_started_do_nothing(tmp_path: Path) -> None:
    process = ServerProcess("thing", ["true"], tmp_path / "log")
    process.kill()
    process.pause()
    process.stop(1)
    with pytest.raises(ClusterError, match="never started"):
        process.check_running()
