"""One replica of a service, or of the gateway: a process with a port and a name of its own."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.cluster.clock import clock_environment
from tools.cluster.errors import ClusterError
from tools.cluster.probes import READY, ask_gateway, ask_service
from tools.cluster.process import ServerProcess
from tools.cluster.process_log import ProcessLog

GATEWAY = "gateway"
SERVICES = ("registry", "routing", "signature", "status", "notification")
"""Those that speak gRPC."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How one process is."""

    name: str
    """`routing-0`: the service and the replica's number."""
    state: str
    """`ready`, or why it is not, what it waits for included."""
    address: str
    pid: int
    """0 where it does not run."""
    restarts: int
    """How often it ended by itself, or was killed, and was started again."""

    @property
    def ready(self) -> bool:
        """Whether it can serve."""
        return self.state == READY


class ServiceProcess:
    """`python -m docaxis_<service>`, not started.

    `environment` is asked at each start; `clock_offset_s` sets its clock off from then on.
    """

    def __init__(
        self,
        service: str,
        index: int,
        port: int,
        log: ProcessLog,
        environment: Callable[[], Mapping[str, str]],
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        self.service = service
        self.index = index
        self.port = port
        self.clock_offset_s = 0
        self.stopped = False
        """Whether it was stopped on purpose."""
        self.paused = False
        self._log = log
        self._environment = environment
        command = [*python, "-m", f"docaxis_{service}"]
        self.process = ServerProcess(self.name, command, log.path)

    @property
    def name(self) -> str:
        """`routing-0`."""
        return f"{self.service}-{self.index}"

    @property
    def address(self) -> str:
        """Where it answers."""
        host = f"127.0.0.1:{self.port}"
        return f"http://{host}" if self.service == GATEWAY else host

    @property
    def running(self) -> bool:
        """Whether the process is there (a paused one is)."""
        return self.process.running

    def start(self) -> None:
        """Start it; returns at once. Raises `ClusterError` where it runs already."""
        self._log.begin()
        self.stopped = self.paused = False
        self.process.environment = clock_environment(self.clock_offset_s, self._environment())
        self.process.start()

    def state(self, restarts: int = 0) -> ProcessState:
        """How it is now; asks it, which takes up to two seconds."""
        pid = self.process.pid if self.running else 0
        return ProcessState(self.name, self._word(), self.address, pid, restarts)

    def _word(self) -> str:
        if not self.running:
            return "stopped" if self.stopped else self.ended()
        if self.paused:
            return "paused"
        asked = ask_gateway(self.port) if self.service == GATEWAY else ask_service(self.port)
        if asked == READY:
            return READY
        waiting = self._log.waiting_for()
        return f"waits for {waiting}" if waiting else asked

    def ended(self) -> str:
        """With which status it ended and why, in words."""
        try:
            self.process.check_running()
        except ClusterError as error:
            words = str(error).partition("\n")[0].removeprefix(f"{self.name} ").rstrip(":")
            reason = self._log.why_ended()
            return f"{words}: {reason}" if reason else words
        return "starting"
