"""The live stream on real brokers: replicas go on from each other's cursors, nothing is skipped."""

from collections import Counter
from random import Random

import pytest

from docaxis_notification.event_feed import FeedLimits
from tests.cluster.kafka_clients import open_transaction
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.unit.docaxis_notification.samples import deliveries_made, recorded
from tests.unit.docaxis_notification.test_event_feed import (
    ROUTING,
    STATUS,
    Writer,
    opened,
    running,
    taken,
    watching,
)

pytestmark = pytest.mark.cluster


async def test_replicas_resume_from_each_others_cursors_and_from_the_log(kafka: str) -> None:
    async with fresh_topics() as prefix:
        logs = [await kafka_log(prefix, replica=f"test-{each}", partitions=3) for each in "ab"]
        for log in logs:
            await log.declare((ROUTING, STATUS))
        writer, random = Writer(logs[0]), Random(5)
        limits = FeedLimits(recent=10, idle_s=60)  # so short a memory that the log is read
        async with running(logs[0], limits) as first, running(logs[1], limits) as second:
            async with watching(first) as pages:
                beginning = first.cursor((await opened(pages)).place)
            told: list[str] = []
            cursor = beginning
            for turn in range(6):
                await writer.some(6, random)
                feed = (first, second)[turn % 2]
                if left := len(writer.told) - len(told):
                    async with watching(feed, cursor) as pages:
                        found = await taken(pages, left)
                    told += [each for each, _ in found]
                    cursor = feed.cursor(found[-1][1])
            assert Counter(told) == Counter(writer.told)
            async with watching(second, beginning) as pages:
                every = [each for each, _ in await taken(pages, len(writer.told))]
            assert Counter(every) == Counter(writer.told)
        for log in logs:
            await log.close()


async def test_what_an_open_transaction_wrote_is_told_to_who_came_meanwhile(kafka: str) -> None:
    async with fresh_topics() as prefix:
        log = await kafka_log(prefix, partitions=1)
        await log.declare((ROUTING, STATUS))
        open_one = open_transaction(kafka, prefix, [recorded(deliveries_made(2), ROUTING, 1)])
        async with running(log) as feed, watching(feed) as pages:
            await opened(pages)
            open_one.commit_transaction()
            assert [each for each, _ in await taken(pages, 2)] == ["v0", "v1"]
        await log.close()
