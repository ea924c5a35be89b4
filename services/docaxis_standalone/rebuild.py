"""`docaxis rebuild`: every view made again from the log, and compared with what it was.

Works on a data folder whose axis is stopped (the log has one process). Each view is built beside
the one that serves, from offset 0, and takes over when it has caught up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docaxis_eventsourcing.active_spaces import ActiveSpaces
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.running_service import Ports
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_process.rebuild import chosen_views, running
from docaxis_runtime.settings import load_settings
from docaxis_standalone.composition import compose_services
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.embedded_ports import embedded_ports
from docaxis_standalone.settings import StandaloneSettings


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A view before and after: digests over all its rows (lower-case hex SHA-256)."""

    view: str
    before: str
    """Empty where the view had never been built."""
    after: str

    @property
    def same(self) -> bool:
        """Whether the rebuild gave the same bytes."""
        return self.before == self.after


async def rebuild_views(
    data: Path,
    views: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda view, done, total: None,
) -> list[Rebuilt]:
    """Rebuild these views (all for none named) of a stopped axis.

    `progress` is told a view's name, how many are done and how many there are. Raises
    `FolderInUse` while the axis runs, `KeyError` for an unknown view.
    """
    folder = DataFolder(data)
    async with embedded_ports(folder, load_settings(StandaloneSettings)) as ports:
        services = compose_services(ports, folder)
        for service in services.values():
            await service.declare_topics(ports.log)
        runners = {name: each for one in services.values() for name, each in one.views.items()}
        chosen = chosen_views(runners, views)
        rebuilt = []
        for done, (name, runner) in enumerate(chosen.items()):
            progress(name, done, len(chosen))
            rebuilt.append(await _rebuild(name, runner, ports))
        progress("", len(chosen), len(chosen))
        return rebuilt


async def _rebuild(name: str, runner: ViewRunner, ports: Ports) -> Rebuilt:
    pointers = ActiveSpaces(ports.store)
    await pointers.open()
    was_built = await pointers.get(name) is not None
    async with running(runner):
        for partition in range(ports.log.partitions):
            await runner.reader.pass_end(partition, 600.0)
        tables = runner.view.tables
        before = await space_digest(ports.store, runner.reader.space, tables)
        space = await runner.rebuild()
        after = await space_digest(ports.store, space, tables)
    return Rebuilt(name, before if was_built else "", after)
