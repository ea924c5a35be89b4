"""Every `NewHome`: a log that an axis is moved into."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from docaxis_adapters.folder_lock import FolderInUse
from docaxis_adapters.kafka_log import KafkaNewHome, KafkaSettings
from docaxis_adapters.sqlite_log import SqliteEventLog, SqliteNewHome
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing
from docaxis_moving.new_home import NewHome
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import EVENTS, outgoing, read_to_end
from tests.servers import kafka_bootstrap

PARTITIONS = 2
EXPORT, OTHER = "a" * 64, "b" * 64


@dataclass(frozen=True)
class Place:
    """Where a home is, opened as an import opens it and as a service does."""

    home: Callable[[str], Awaitable[NewHome]]
    log: Callable[[], Awaitable[EventLog]]


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.cluster)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        yield Place(
            lambda export: SqliteNewHome.open(tmp_path, PARTITIONS, export),
            lambda: SqliteEventLog.open(tmp_path, PARTITIONS),
        )
        return
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(fresh_topics())
        settings = KafkaSettings(
            kafka_servers=await asyncio.to_thread(kafka_bootstrap),
            kafka_topic_prefix=prefix,
            kafka_replication=1,
            kafka_min_insync=1,
        )
        yield Place(
            lambda export: KafkaNewHome.open(settings, PARTITIONS, export),
            lambda: kafka_log(prefix, partitions=PARTITIONS),
        )


@asynccontextmanager
async def opened(place: Place, export: str = EXPORT) -> AsyncIterator[NewHome]:
    home = await place.home(export)
    try:
        await home.log.declare((EVENTS,))
        yield home
    finally:
        await home.close()


async def versions(log: EventLog, partition: int) -> list[int]:
    await log.declare((EVENTS,))
    return [each.envelope.sequence for each in await read_to_end(log, EVENTS, partition)]


def events(partition: int, *versions: int) -> list[Outgoing]:
    return [outgoing(f"event-{partition}-{each}", partition, EVENTS, each) for each in versions]


async def test_L4_a_filled_home_has_its_own_epoch_and_what_was_loaded(place: Place) -> None:
    async with opened(place) as home:
        assert (home.begun, home.finished) == (False, False)
        assert await home.begin(77) == 77
        await home.load([*events(0, 1, 2), *events(1, 1)])
        await home.load(events(0, 3))
        await home.finish()
    log = await place.log()
    assert (log.partitions, log.epoch) == (PARTITIONS, 77)
    assert await versions(log, 0) == [1, 2, 3]
    assert await versions(log, 1) == [1]
    await log.close()
    async with opened(place) as home:
        assert home.finished


async def test_no_service_opens_it_before_it_is_finished(place: Place) -> None:
    async with opened(place) as home:
        await home.begin(77)
        await home.load(events(0, 1))
    with pytest.raises(ValueError, match="docaxis import"):
        await place.log()
    with pytest.raises(ValueError, match="docaxis import"):
        await place.home(OTHER)
    async with opened(place) as again:
        assert (again.begun, again.finished) == (True, False)
        assert await again.begin(88) == 77  # what was told of the first epoch stays true
        assert await versions(again.log, 0) == [1]
        await again.load(events(0, 2))
        await again.finish()
    log = await place.log()
    assert log.epoch == 77
    assert await versions(log, 0) == [1, 2]
    await log.close()


async def test_a_slice_that_cannot_be_written_whole_is_not_written(place: Place) -> None:
    async with opened(place) as home:
        await home.begin(77)
        beyond = Outgoing(EVENTS, PARTITIONS, events(0, 9)[0].message)
        with pytest.raises((ValueError, Unavailable)):
            await home.load([*events(0, 1), beyond])
        await home.load(events(0, 1))
        assert await versions(home.log, 0) == [1]


async def test_L13_who_began_before_writes_nothing_once_another_goes_on(place: Place) -> None:
    async with opened(place) as late:
        await late.begin(77)
        await late.load(events(0, 1))
        try:
            successor = await place.home(EXPORT)
        except FolderInUse:  # one process has the file, as long as it lives
            return
        try:
            await successor.log.declare((EVENTS,))
            assert await successor.begin(88) == 77
            with pytest.raises(Unavailable):
                await late.load(events(0, 2))
            await successor.load(events(0, 2))
            assert await versions(successor.log, 0) == [1, 2]
        finally:
            await successor.close()
