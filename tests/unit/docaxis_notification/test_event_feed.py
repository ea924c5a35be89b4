"""The live stream on a log: nothing is skipped, nothing comes twice, whoever goes on from where."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from docaxis_adapters.sqlite_log import Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_notification import event_feed, feed_catch_up
from docaxis_notification.codec import ROUTING_EVENTS, STATUS_EVENTS
from docaxis_notification.event_feed import EventFeed, FeedLimits, Page
from docaxis_notification.feed_place import to_cursor
from docaxis_notification.feed_recent import Wanted
from docaxis_notification.feed_source import Source
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_events_v1_pb2 as status
from tests.embedded import ports_in
from tests.unit.docaxis_notification.samples import RECIPIENT, SENDER, brief, recorded

ROUTING, STATUS = "docaxis.routing.events", "docaxis.status.events"
SOURCES = (Source(0, ROUTING, ROUTING_EVENTS), Source(1, STATUS, STATUS_EVENTS))
ALL = Wanted(frozenset({RECIPIENT, SENDER}), frozenset())
QUICK = FeedLimits(idle_s=0.2)


@dataclass
class Writer:
    """Other services' events, each telling of deliveries with running numbers."""

    log: EventLog
    versions: Counter[tuple[str, int]] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    """Delivery ids in the order in which they were written."""

    async def happen(self, event: Any, topic: str = ROUTING, partition: int = 0) -> None:
        self.versions[topic, partition] += 1
        version = self.versions[topic, partition]
        await self.log.append([recorded(event, topic, version, partition)])

    async def make(self, count: int = 1, partition: int = 0) -> None:
        names = [f"v{len(self.told) + number}" for number in range(count)]
        event = routing.DeliveriesMade(
            brief=brief(),
            deliveries=[
                routing.DeliveryMade(delivery_id=name, organisation_id=RECIPIENT, state="ready")
                for name in names
            ],
        )
        self.told += names
        await self.happen(event, ROUTING, partition)

    async def report(self, partition: int = 0) -> None:
        name = f"v{len(self.told)}"
        event = status.StatusesReported(
            organisation_id=RECIPIENT,
            statuses=[status.Status(delivery_id=name, code="03", sender_organisation_id=SENDER)],
        )
        self.told.append(name)
        await self.happen(event, STATUS, partition)

    async def some(self, count: int, random: Random) -> None:
        """Of both topics and all partitions; also what is nobody's business."""
        for _ in range(count):
            partition = random.randrange(self.log.partitions)
            match random.randrange(4):
                case 0:
                    await self.report(partition)
                case 1:
                    await self.make(random.randint(2, 9), partition)
                case 2:
                    await self.happen(status.TimelinesOpened(), STATUS, partition)
                case _:
                    await self.make(1, partition)


@asynccontextmanager
async def running(log: EventLog, limits: FeedLimits = QUICK) -> AsyncIterator[EventFeed]:
    feed = EventFeed(log, SOURCES, limits)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(params=["kind", "unkind"])
async def writer(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    unkindness = Unkindness(regain_chance=0.0) if request.param == "unkind" else None
    async with ports_in(tmp_path, unkindness) as ports:
        await ports.log.declare((ROUTING, STATUS))
        yield Writer(ports.log)


def watching(
    feed: EventFeed, cursor: str = "", wanted: Wanted = ALL, heartbeat_s: float = 0.1
) -> "aclosing[AsyncGenerator[Page, None]]":
    return aclosing(feed.watch("y", wanted, cursor, heartbeat_s))


async def taken(pages: AsyncIterator[Page], count: int) -> list[tuple[str, Any]]:
    """Delivery ids and the places behind them, until there are so many."""
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            page = await anext(pages)
            found += [(told.delivery_id, place) for told, place in page.found]
    return found


async def opened(pages: AsyncIterator[Page]) -> Page:
    page = await anext(pages)
    assert page.found == []
    return page


async def test_L3_what_happens_is_told_once_and_in_each_partitions_order(writer: Writer) -> None:
    async with running(writer.log) as feed, watching(feed) as pages:
        await opened(pages)
        await writer.some(60, Random(1))
        told = [each for each, _ in await taken(pages, len(writer.told))]
        assert sorted(told) == sorted(writer.told)
        assert (await anext(pages)).found == [], "a sign of life, and nothing twice"


async def test_L3_resumed_behind_any_event_it_skips_nothing_and_repeats_nothing(
    writer: Writer,
) -> None:
    async with running(writer.log) as feed:
        async with watching(feed) as pages:
            await opened(pages)
            await writer.some(20, Random(2))
            found = await taken(pages, len(writer.told))
        for number, (_, place) in enumerate(found):
            async with watching(feed, feed.cursor(place)) as pages:
                rest = [each for each, _ in await taken(pages, len(found) - number - 1)]
            before = [each for each, _ in found[: number + 1]]
            assert Counter(before + rest) == Counter(writer.told)


@pytest.mark.parametrize("recent", [1, 30])
async def test_L3_who_was_away_reads_the_log_and_joins_the_others(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, recent: int
) -> None:
    monkeypatch.setattr(feed_catch_up, "SLICE", 7)
    monkeypatch.setattr(feed_catch_up, "_BATCH", 3)
    monkeypatch.setattr(event_feed, "PAGE", 5)
    limits = FeedLimits(recent=recent, idle_s=60)
    async with running(writer.log, limits) as feed:
        async with watching(feed) as pages:
            cursor = feed.cursor((await opened(pages)).place)
        await writer.some(80, Random(3))

        async def one() -> list[str]:
            async with watching(feed, cursor) as pages:
                return [each for each, _ in await taken(pages, len(writer.told))]

        others = asyncio.gather(*(one() for _ in range(5)))
        mine: list[str] = []
        at = cursor
        while len(mine) < len(writer.told):  # cut again and again
            async with watching(feed, at) as pages:
                for told, place in await taken(pages, 1):
                    mine.append(told)
                    at = feed.cursor(place)
        assert Counter(mine) == Counter(writer.told)
        for each in await others:
            assert Counter(each) == Counter(writer.told)


async def test_another_replica_goes_on_from_the_same_cursor(writer: Writer) -> None:
    async with running(writer.log) as first, running(writer.log) as second:
        random, cursor = Random(4), ""
        told: list[str] = []
        async with watching(first) as pages:
            cursor = first.cursor((await opened(pages)).place)
        for turn in range(10):
            await writer.some(5, random)
            feed = (first, second)[turn % 2]
            left = len(writer.told) - len(told)
            if not left:
                continue
            async with watching(feed, cursor) as pages:
                found = await taken(pages, left)
            told += [each for each, _ in found]
            cursor = feed.cursor(found[-1][1])
        assert Counter(told) == Counter(writer.told)


async def test_nobody_who_watches_in_a_pause_of_reading_misses_anything(writer: Writer) -> None:
    """Reading ends when nobody watches: it begins anew further on, and a cursor still resumes."""
    async with running(writer.log, FeedLimits(idle_s=0.02)) as feed:
        told: list[str] = []
        async with watching(feed) as pages:
            cursor = feed.cursor((await opened(pages)).place)
        for number in range(12):
            await asyncio.sleep(0.01 * number)
            await writer.make()
            async with watching(feed, cursor) as pages:
                found = await taken(pages, 1)
            told += [each for each, _ in found]
            cursor = feed.cursor(found[-1][1])
        assert told == writer.told


async def test_a_heartbeats_cursor_is_ahead_of_what_concerns_others(writer: Writer) -> None:
    stranger = Wanted(frozenset({"nobody"}), frozenset())
    async with running(writer.log) as feed, watching(feed, wanted=stranger) as pages:
        before = (await opened(pages)).place.copy()
        await writer.make(3)
        async with asyncio.timeout(10):
            while True:
                page = await anext(pages)
                assert page.found == []
                if page.place.places != before.places:
                    break


async def test_types_and_organisations_are_chosen(writer: Writer) -> None:
    for wanted, expected in (
        (Wanted(frozenset({SENDER}), frozenset()), "status.reported"),
        (Wanted(frozenset({RECIPIENT, SENDER}), frozenset({"delivery.ready"})), "delivery.ready"),
    ):
        async with running(writer.log) as feed, watching(feed, wanted=wanted) as pages:
            await opened(pages)
            await writer.make()
            await writer.report()
            async with asyncio.timeout(10):
                while not (page := await anext(pages)).found:
                    continue
            assert {told.event_type for told, _ in page.found} == {expected}


async def test_a_slow_watcher_holds_nothing_and_comes_to_it_later(writer: Writer) -> None:
    limits = FeedLimits(recent=10, idle_s=60)
    async with running(writer.log, limits) as feed, watching(feed) as slow:
        await opened(slow)
        async with watching(feed) as quick:
            await opened(quick)
            for _ in range(30):
                await writer.make(5)
            assert len(await taken(quick, 150)) == 150
        recent = feed._recent
        assert recent is not None
        assert recent.count - recent._first <= 10, "what one has not taken is kept for nobody"
        assert [each for each, _ in await taken(slow, 150)] == writer.told


async def test_L4_a_cursor_of_another_epoch_begins_now_and_says_so(writer: Writer) -> None:
    async with running(writer.log) as feed:
        async with watching(feed) as pages:
            place = (await opened(pages)).place
        await writer.make()
        cursor = to_cursor(writer.log.epoch + 1, place, writer.log.partitions, 2)
        async with watching(feed, cursor) as pages:
            assert (await opened(pages)).restarted


@pytest.mark.parametrize("cursor", ["?", "kQ", "khA", "kgGSkZEBwA", "A" * 4000])
async def test_what_is_no_cursor_is_refused(writer: Writer, cursor: str) -> None:
    async with running(writer.log) as feed, watching(feed, cursor) as pages:
        with pytest.raises(DocaxisError) as refused:
            await anext(pages)
        assert refused.value.code == "cursor_invalid"


async def test_a_cursor_from_beyond_the_end_harms_nobody(writer: Writer) -> None:
    async with running(writer.log) as feed, watching(feed) as pages:
        place = (await opened(pages)).place.copy()
        for stream in place.places:
            place.places[stream] = 2**62
        async with watching(feed, feed.cursor(place)) as forged:
            await opened(forged)
            await writer.make()
            assert [each for each, _ in await taken(pages, 1)] == writer.told
            assert (await anext(forged)).found == []


async def test_watchers_are_bounded_and_leave_no_trace(writer: Writer) -> None:
    async with running(writer.log, FeedLimits(watchers_per_system=2)) as feed:
        async with watching(feed) as one, watching(feed) as two, watching(feed) as three:
            await opened(one)
            await opened(two)
            with pytest.raises(DocaxisError) as refused:
                await anext(three)
            assert refused.value.code == "busy"
        assert not feed._watchers
        assert not feed._wakes
        async with watching(feed) as pages:
            await opened(pages)
