"""Views made again from the log, beside the replicas that serve them.

Whoever rebuilds is a member of the view's group like the others, serves nobody, and builds the
view in a new space from the start of the log. When that has caught up it takes over; the replicas
follow within some seconds, and only then the old space is dropped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from docaxis_eventsourcing.active_spaces import ActiveSpaces
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_process.waiting import until_there

_LOOK_S = 0.5

Tell = Callable[[str], object]
"""Takes one line for people."""


def chosen_views(runners: Mapping[str, ViewRunner], names: Sequence[str]) -> dict[str, ViewRunner]:
    """The views of these full names, all of them for none; by name. Raises `KeyError`."""
    return {name: runners[name] for name in sorted(names or runners)}


@asynccontextmanager
async def running(runner: ViewRunner) -> AsyncIterator["asyncio.Task[None]"]:
    """A view's runner while it runs; the task tells what it ended with."""
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def rebuild_beside(runners: Mapping[str, ViewRunner], store: ReadStore, tell: Tell) -> None:
    """Rebuild one view after the other, while other processes may serve them.

    Raises the fault of a view that has one: its old build goes on serving.
    """
    for done, (name, runner) in enumerate(runners.items(), 1):
        tell(f"{name}: building ({done} of {len(runners)})")
        space = await _rebuilt(name, runner, store)
        digest = await space_digest(store, space, runner.view.tables)
        tell(f"{name}: {space} serves; digest {digest}")


async def _rebuilt(name: str, runner: ViewRunner, store: ReadStore) -> str:
    """The new space, once every replica has had the time to follow."""
    pointers = ActiveSpaces(store)

    async def was_built() -> bool:
        await pointers.open()
        return await pointers.get(name) is not None

    built = await until_there("store", "of the views", was_built)
    async with running(runner) as task:
        # It serves the old build, as the replicas do, or makes the first one.
        while not runner.reader.space and not task.done():
            await runner.reader.wait_for_news(_LOOK_S, 0)
        if built:
            return await runner.rebuild()
        if task.done():
            task.result()
        return runner.reader.space
