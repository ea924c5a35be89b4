"""A fault in the middle of traffic: before it, during it, after it, and then everything counted."""

import asyncio
import math
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from tests.cluster.faults.figures import Figures, Mark, figures_of
from tests.cluster.faults.site import Site
from tests.system.traffic import Traffic, check_exactly_once
from tools.cluster.axis import AxisCluster

T = TypeVar("T")

RATE = float(os.environ.get("DOCAXIS_FAULT_RATE", "2"))
"""Documents per second, each for two recipients who take it over and report three statuses.

Few enough that two cores also work off what has piled up in a fault.
"""
SEED = int(os.environ.get("DOCAXIS_TEST_SEED", str(random.randrange(2**32))))
_SENDERS = 48
"""More than the documents that are due while nothing answers: each is asked for in time."""
_STEADY_S = 4.0
_QUIET_S = 2.0
_RECOVER_WITHIN_S = 160.0
_ANSWER_WITHIN_S = 60.0
_SETTLE_WITHIN_S = 45.0
_WHOLE_S = 420.0
"""Of one run, so that nothing hangs and its failure tells how all was."""
_LOOK_S = 0.1


class UnderLoad:
    """One run of traffic on a site."""

    def __init__(self, site: Site, traffic: Traffic, running: "asyncio.Task[None]") -> None:
        self.site = site
        self.traffic = traffic
        self.marks: list[Mark] = []
        self._running = running
        self._steady = int(2 * RATE)

    @property
    def axis(self) -> AxisCluster:
        """What the fault is done to."""
        return self.site.axis

    async def flow(self, seconds: float) -> None:
        """Let traffic flow. Raises what went wrong with it."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            await asyncio.wait((self._running,), timeout=min(_LOOK_S, left))
            if self._running.done():
                self._running.result()
                raise AssertionError("the traffic ended by itself")
            if not self.marks:
                self._steady = max(self._steady, self.traffic.calls.backlog())

    def mark(self, what: str) -> None:
        """Here the fault begins, or another step of it; recovery is measured from here."""
        self.marks.append(Mark(what, monotonic()))

    async def do(self, verb: Callable[..., T], *arguments: object, **named: object) -> T:
        """A verb of the cluster, which waits, while traffic flows. Raises what either raises."""
        doing = asyncio.create_task(asyncio.to_thread(verb, *arguments, **named))
        await asyncio.wait((doing, self._running), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            await self.flow(0.1)  # raises: the traffic has ended
        return await doing

    async def fault(self, what: str, verb: Callable[..., T], *arguments: object) -> T:
        """Mark, and do."""
        self.mark(what)
        return await self.do(verb, *arguments)

    async def recovered(self, within_s: float = _RECOVER_WITHIN_S) -> None:
        """Wait until no call has failed for two seconds and what had piled up is worked off."""
        calls = self.traffic.calls
        until = monotonic() + within_s
        while True:
            failed = next((each.ended for each in reversed(calls.attempts) if each.error), 0.0)
            if monotonic() - failed > _QUIET_S and calls.backlog() <= self._steady:
                return
            assert monotonic() < until, (
                f"not recovered within {within_s} s: {calls.backlog()} documents wait, the oldest"
                f" for {calls.oldest():.0f} s; errors so far {dict(calls.errors())}"
            )
            await self.flow(_LOOK_S)

    async def count(self) -> None:
        """Send nothing more; what was acknowledged is there once, in views and in the log."""
        self.traffic.stop()
        done, _ = await asyncio.wait((self._running,), timeout=_ANSWER_WITHIN_S)
        for each in done:
            each.result()
        told = self.traffic.told
        await check_exactly_once(self.axis, told, _SETTLE_WITHIN_S)
        assert done, "all is there, and some call is still not answered"
        self.site.numbers.update({name: each[-1] for name, each in told.numbers.items() if each})
        events = await self.site.events.check()
        print(
            f"{len(told.contents)} documents, {len(told.statuses)} statuses, all there once;"
            f" {len(told.pending)} decided after their answer; {events} events in the log so far;"
            f" errors {dict(self.traffic.calls.errors())}"
        )


@asynccontextmanager
async def flowing(
    site: Site,
    fault: str,
    *,
    bear_with: frozenset[str] = frozenset(),
    looks_for_s: float = math.inf,
) -> AsyncIterator[UnderLoad]:
    """Traffic before and during the block, and cut off at its end: nothing is counted.

    `bear_with`: codes of refusals after which callers ask again, instead of ending the traffic;
    `looks_for_s`: how long a sender looks for a document that it was told of.
    Any failure spoils the site, and its state is added to the failure.
    """
    print(f"{fault}: {RATE} documents/s, seed {SEED} (DOCAXIS_FAULT_RATE, DOCAXIS_TEST_SEED)")
    traffic = Traffic(site.axis, SEED, rate=RATE, series=site.next_series(), queries=True)
    traffic.told.numbers_before = dict(site.numbers)
    traffic.bear_with, traffic.looks_for_s = bear_with, looks_for_s
    running = asyncio.create_task(traffic.run(_SENDERS))
    load = UnderLoad(site, traffic, running)
    try:
        async with asyncio.timeout(_WHOLE_S):
            await load.flow(_STEADY_S)
            yield load
    except BaseException as error:
        site.spoilt = True
        if isinstance(error, Exception):
            error.add_note(f"seed {SEED}\n{await asyncio.to_thread(site.dump)}")
        raise
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def under_load(
    site: Site, fault: str, *, tell: Callable[[Figures], object]
) -> AsyncIterator[UnderLoad]:
    """Traffic before, during and after the block; then everything is counted, and figures told.

    Raises `AssertionError` for whatever is lost or doubled.
    """
    async with flowing(site, fault) as load:
        yield load
        await load.recovered()
        end = monotonic()
        await load.count()
    tell(figures_of(fault, RATE, load.traffic, load.marks, end))
