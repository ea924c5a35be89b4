"""When the servers of `tools/cluster` go: with their process, their session, on Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import BaseError

from tests.cluster.private_servers import WITHIN_S, alive, eventually
from tests.servers import S3Settings, require_servers

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]


def start_python(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A Python process that knows nothing of the test session that runs these tests."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**ours, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_server_outlives_the_thread_that_started_it_and_not_its_process(tmp_path: Path) -> None:
    require_servers("s3")
    script = f"""
        import threading, time
        from pathlib import Path
        from tools.cluster.s3 import S3Server
        server = S3Server(Path({str(tmp_path)!r}))
        starter = threading.Thread(target=server.start)
        starter.start()
        starter.join()
        server.wait_ready()
        print(server.process.pid, flush=True)
        time.sleep(600)
    """
    with start_python("-c", textwrap.dedent(script), PYTHONPATH=str(ROOT)) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        assert alive(server)
        process.kill()
        eventually(lambda: not alive(server), "the server ends with its process")


def test_two_workers_share_one_server_which_ends_with_their_session(tmp_path: Path) -> None:
    require_servers("s3")
    told = tmp_path / "told"
    told.mkdir()
    suite = tmp_path / "suite"
    suite.mkdir()
    for name in ("a", "b"):
        # Each waits for the other: so they are two workers.
        (suite / f"test_{name}.py").write_text(
            textwrap.dedent(f"""
                import os, time
                from pathlib import Path
                from tests.servers import s3_settings

                def test_{name}():
                    told = Path({str(told)!r})
                    (told / "{name}").write_text(s3_settings().endpoint)
                    (told / f"worker-{{os.environ['PYTEST_XDIST_WORKER']}}").touch()
                    end = time.monotonic() + 50
                    while len(list(told.glob("worker-*"))) < 2:
                        assert time.monotonic() < end
                        time.sleep(0.02)
            """)
        )
    pytest_of_two = ("-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(suite))
    with start_python(*pytest_of_two, TMPDIR=str(tmp_path)) as session:
        said, _ = session.communicate()
    assert session.returncode == 0, said
    first, second = ((told / name).read_text() for name in ("a", "b"))
    assert first == second
    host, port = first.removeprefix("http://").split(":")

    def refused() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex((host, int(port))) != 0

    eventually(refused, "the server ends")
    eventually(lambda: not list(tmp_path.glob("docaxis-servers-*")), "its folder goes")


def test_the_command_starts_all_three_tells_their_state_and_stops_cleanly(tmp_path: Path) -> None:
    require_servers()
    for end in (signal.SIGINT, signal.SIGTERM):  # the second run finds the first one's data
        command = ("-m", "tools.cluster", "servers", "--data", str(tmp_path))
        with start_python(*command) as process:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            assert said.count("ready, ") == 3, said
            assert "mongodb://127.0.0.1:" in said
            assert "http://127.0.0.1:" in said
            children = _processes_that_name(tmp_path)
            assert len(children) == 5  # three brokers, two others
            process.send_signal(end)
            assert process.wait(WITHIN_S) == 0
            # The print that the signal met may be there twice: rich did not know that it was done.
            assert process.stdout.read().strip().splitlines()[-1] == "stopping ..."
        assert not any(map(alive, children))


def _processes_that_name(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if any(str(folder) in word for word in words) and "tools.cluster" not in words:
                found.append(int(entry.name))
    return found


def test_what_a_holder_tells_is_one_line_of_json(tmp_path: Path) -> None:
    require_servers("s3")
    sleeper = start_python("-c", "import time; time.sleep(600)")
    hold = ("-m", "tools.cluster.hold", "s3", str(tmp_path / "s3"), str(sleeper.pid))
    with sleeper, start_python(*hold) as holder:
        assert holder.stdout is not None
        told = json.loads(holder.stdout.readline())["told"]
        obstore.put(S3Settings(**told).store(), "a", b"b")
        sleeper.kill()
        sleeper.wait()
        assert holder.wait(WITHIN_S) == 0
    assert not (tmp_path / "s3").exists()
    with pytest.raises(BaseError):
        obstore.get(S3Settings(**told).store(), "a")
