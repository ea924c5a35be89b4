"""How many records each part has still to take, looked up now and then beside the parts."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_runtime.telemetry_sdk.measures import Lag, Measures

_EVERY_S = 10.0
_FIRST_S = 1.0

_log = structlog.get_logger(__name__)


class _Group(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def service(self) -> str: ...


class Follower(Protocol):
    """A member of a consumer group, as far as its lag goes."""

    @property
    def group(self) -> _Group:
        """Whose it is."""
        ...

    def places(self) -> Mapping[int, Mapping[str, int]]:
        """Just behind all that it took, by partition and topic."""
        ...


class ConsumerLags:
    """Asks each member how far it came, and the log where it ends."""

    def __init__(self, log: EventLog, followers: Iterable[Follower], measures: Measures) -> None:
        self._event_log = log
        self._followers = followers
        self._measures = measures
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on. Harmless when called again."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="consumer_lag")

    async def end(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        wait_s = _FIRST_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = _EVERY_S
            try:
                self._measures.lags = await self._look()
            except Unavailable:
                continue  # the parts themselves say so
            except Exception as error:  # noqa: BLE001 - a figure that is missing stops nobody
                _log.warning("consumer_lag_not_known", exc_info=error)

    async def _look(self) -> dict[Lag, int]:
        lags: dict[Lag, int] = {}
        ends: dict[tuple[str, int], int] = {}
        for follower in tuple(self._followers):
            group = follower.group
            for partition, places in follower.places().items():
                for topic, place in places.items():
                    at = (topic, partition)
                    if at not in ends:
                        ends[at] = (await self._event_log.end(topic, partition)).place
                    lag = Lag(group.service, group.name, topic)
                    lags[lag] = lags.get(lag, 0) + max(ends[at] - place, 0)
        return lags
