"""The axis that faults are done to: one for many tests, a fresh one where a test spoilt it."""

from collections.abc import Mapping
from pathlib import Path

from tests.cluster.faults.log_checks import EventsChecker
from tools.cluster.axis import AxisCluster
from tools.cluster.service_process import ProcessState

PARTITIONS = 4
_LAST_LINES = 12
_LINE = 600


class Site:
    """An `AxisCluster` and what is known of it from run to run.

    Two replicas of routing, so that one can be away. Nothing starts its servers again: tests do.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: Mapping[str, int] | None = None,
        environment: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.said: list[str] = []
        self.axis = AxisCluster(
            folder,
            replicas=replicas or {"routing": 2},
            partitions=PARTITIONS,
            environment=environment,
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

    def _states(self) -> list[ProcessState]:
        return self.axis.state()


def _last_lines(path: Path) -> list[str]:
    """Warnings and worse first, where the process tells levels."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    loud = [each for each in lines if '"level":"info"' not in each]
    return [each[:_LINE] for each in loud[-_LAST_LINES:]]
