"""The axis that faults are done to: one for many tests, a fresh one where a test spoilt it."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.faults.hooks import no_guards
from tests.cluster.faults.hooks.stop_at_commit import ASKED
from tests.cluster.faults.log_checks import EventsChecker
from tools.cluster.axis import AxisCluster
from tools.cluster.errors import ClusterError
from tools.cluster.service_process import ProcessState

PARTITIONS = 4
SESSION_S = 6.0
"""After which a group holds a member that says nothing for dead, as the clusters here are set."""
_ROOT = Path(__file__).resolve().parents[3]
_HOOKS = Path(__file__).with_name("hooks") / "site"
_LAST_LINES = 12
_LINE = 600
_STOPS_WITHIN_S = 40.0
_LOOK_S = 0.05
_SWEEPS_OFTEN = {"DOCAXIS_ROUTING_SWEEP_EVERY_S": "5"}
"""Of files that nobody claims: in its default it would not be seen within a test."""


class Site:
    """An `AxisCluster` and what is known of it from run to run.

    Two replicas of routing, so that one can be away; its processes have the `hooks`, and are
    `without` the guards that are listed (`no_guards.WITHOUT`). Nothing starts the servers again:
    tests do.
    """

    def __init__(self, folder: Path, *, without: str = "") -> None:
        paths = [str(_HOOKS), str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        hooks = {"PYTHONPATH": os.pathsep.join(paths), no_guards.NAMED: without}
        self.said: list[str] = []
        self.axis = AxisCluster(
            folder,
            replicas={"routing": 2},
            partitions=PARTITIONS,
            environment={"routing": {**hooks, **_SWEEPS_OFTEN}},
            said=self.said.append,
        )
        self.folder = folder
        self.events = EventsChecker(self.axis.stores.kafka, PARTITIONS)
        self.numbers: dict[str, int] = {}
        """The last mailbox number of each recipient."""
        self.spoilt = False
        """Whether a run failed on it: what lies open would be the next one's."""
        self._runs = 0

    def start(self) -> None:
        """Start everything and register the demonstration's systems. Raises `ClusterError`."""
        self.axis.start()
        self.axis.bootstrap()

    def next_series(self) -> str:
        """Digits for the senders' own ids of one more run."""
        self._runs += 1
        return str(self._runs)

    def stop_at_commit(self, service: str) -> int:
        """Let the replica that commits next stop there; its index, once it has.

        Raises `ClusterError` where none does in time.
        """
        (self.folder / "logs" / ASKED).touch()
        until = time.monotonic() + _STOPS_WITHIN_S
        while time.monotonic() < until:
            for each in self.axis.processes(service):
                if each.running and _is_stopped(each.process.pid):
                    self.axis.pause(service, each.index)
                    return each.index
            time.sleep(_LOOK_S)
        raise ClusterError(f"no replica of {service} came to a commit")

    def dump(self) -> str:
        """How every process is, and its last words."""
        lines = [f"{each.name}: {each.state} ({each.restarts} restarts)" for each in self._states()]
        lines += self.said[-_LAST_LINES:]
        logs = [self.folder / "logs" / f"{each.name}.log" for each in self.axis.processes()]
        if self.axis.servers is not None:
            logs += [p.log for each in self.axis.servers.all for p in each.all_processes()]
        for path in logs:
            lines += [f"--- {path.name}", *_last_lines(path)]
        return "\n".join(lines)

    def _states(self) -> Sequence[ProcessState]:
        return self.axis.state()


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _last_lines(path: Path) -> list[str]:
    """Warnings and worse first, where the process tells levels."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    loud = [each for each in lines if '"level":"info"' not in each]
    return [each[:_LINE] for each in loud[-_LAST_LINES:]]
