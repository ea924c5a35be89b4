"""One server process: started, killed, paused, stopped; gone when its starter is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.cluster.deadline import wait_until
from tools.cluster.errors import ClusterError

_LAUNCH = Path(__file__).with_name("launch.py")
_LAST_WORDS = 3000
_STANDS_WITHIN_S = 10.0

# One thread starts all servers and lives as long as this process: the kernel kills a server when
# the *thread* that started it ends, and callers may be threads that come and go.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


@dataclass(slots=True)
class ServerProcess:
    """A command run in a session of its own, its output appended to `log`."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside this process's own."""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once. Raises `ClusterError` where it runs already."""
        if self.running:
            raise ClusterError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _starter.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), *self.command],
                cwd=self.log.parent,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the process is there (a paused one is)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id. Raises `ClusterError` where it never started."""
        if self._process is None:
            raise ClusterError(f"{self.name} was never started")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Nothing happens where it does not run."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP, and wait until it stands: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        wait_until(self._stands, _STANDS_WITHIN_S, lambda: f"{self.name} does not stop")

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting; a paused process is resumed, or it would not hear it."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def wait(self, within_s: float) -> bool:
        """Wait for its end; false where it still runs after `within_s` seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, within_s: float) -> None:
        """SIGTERM; SIGKILL for one that has not ended after `within_s` seconds."""
        self.ask_to_stop()
        if not self.wait(within_s):
            self.kill()

    def check_running(self) -> None:
        """Raises `ClusterError` with its last words where it has ended."""
        if not self.running:
            status = self._process.returncode if self._process is not None else "never started"
            raise ClusterError(f"{self.name} ended (status {status}):\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of what it wrote."""
        try:
            return self.log.read_text(errors="replace")[-_LAST_WORDS:]
        except OSError:
            return ""

    def _stands(self) -> bool:
        """Whether all its threads have taken the signal: one on another core may still answer."""
        if not self.running:
            return True
        try:
            states = [
                each.read_text().rpartition(")")[2].split()[0]
                for each in Path(f"/proc/{self.pid}/task").glob("*/stat")
            ]
        except OSError:  # a thread that ended meanwhile
            return False
        return set(states) <= {"T", "Z", "X"}

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)
