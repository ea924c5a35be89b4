"""A member's client, where a broker cannot be made to do it: lanes apart, losses at bad moments."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log import member_client
from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_adapters.kafka_log.member_client import MemberClient, Token
from docaxis_eventsourcing.ports.event_log import START, Batch, Polled, TopicPartition
from tests.contract.messages import ids
from tests.unit.docaxis_adapters.kafka_fake_consumer import FakeConsumer, record

URGENT, NORMAL = "urgent", "normal"
WITHIN_S = 20.0


class NothingCommitted:
    """The offsets of a group that never committed any."""

    def ask(self, streams: Sequence[TopicPartition]) -> "Future[Any]":
        asked: Future[Any] = Future()
        asked.set_result(streams)
        return asked

    def positions(self, answer: Sequence[TopicPartition]) -> dict[TopicPartition, Any]:
        return dict.fromkeys(answer, START)

    def close(self) -> None:
        pass


class Member:
    """A member with two lanes whose client is a fake one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake = FakeConsumer()
        monkeypatch.setattr(member_client, "Client", lambda config: self.fake)
        offsets = cast(Any, NothingCommitted())
        self.client = MemberClient(
            {"group.id": "group"},
            (URGENT, NORMAL),
            prefix="",
            expiring=lambda topic: False,
            ends=lambda places: dict.fromkeys(places, 0),
            offsets=offsets,
        )
        self.consumer = KafkaConsumer(self.client, (URGENT, NORMAL), offsets, None)

    def will_be(self, word: str, *places: tuple[str, int]) -> None:
        """The broker's next word: `on_assign`, `on_revoke` or `on_lost`."""
        given = [Place(topic, partition) for topic, partition in places]
        self.fake.events.append(lambda: self.fake.callbacks[word](self.fake, given))

    async def news(self) -> Polled:
        polled = await self.consumer.poll(10, 0.05)
        assert polled.batch is None
        return polled

    async def batch(self) -> Batch:
        async with asyncio.timeout(WITHIN_S):
            while (polled := await self.consumer.poll(10, 0.05)).batch is None:
                pass
        return polled.batch


@pytest.fixture
async def member(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Member]:
    member = Member(monkeypatch)
    await member.consumer.open()
    yield member
    await member.consumer.close()
    assert member.fake.closed


async def holding(member: Member, partition: int) -> None:
    member.will_be("on_assign", (URGENT, partition), (NORMAL, partition))
    assert (await member.news()).assigned == {partition}


async def test_L10_a_partition_that_lost_one_lane_gives_nothing_of_the_other(
    member: Member,
) -> None:
    await holding(member, 3)
    member.consumer.start(3)
    await member.news()
    member.fake.events += [record(NORMAL, 3, offset) for offset in range(5)]
    member.will_be("on_revoke", (URGENT, 3))
    member.fake.events += [record(NORMAL, 3, offset) for offset in range(5, 9)]
    assert (await member.news()).revoked == {3}
    assert (await member.news()).batch is None
    member.will_be("on_assign", (URGENT, 3))
    assert (await member.news()).assigned == {3}


async def test_a_partition_lost_before_it_was_to_start_does_not_start(member: Member) -> None:
    await holding(member, 1)
    member.will_be("on_lost", (URGENT, 1), (NORMAL, 1))
    member.will_be("on_assign", (URGENT, 1), (NORMAL, 1))
    await member.client.thread.call(member.client._stay)
    member.consumer.start(1)  # of the tenure that the loop knows of
    polled = await member.news()
    assert polled.revoked == {1}
    assert polled.assigned == {1}
    member.fake.events.append(record(URGENT, 1, 0))
    await member.news()
    assert member.fake.seeks == []


async def test_a_partition_lost_while_the_client_looks_for_its_place_does_not_start(
    member: Member,
) -> None:
    await holding(member, 1)
    member.fake.refused_seeks = 1_000_000
    member.will_be("on_revoke", (URGENT, 1), (NORMAL, 1))
    member.consumer.start(1)
    assert (await member.news()).revoked == {1}


async def test_L12_a_batch_comes_again_only_in_its_own_tenure(member: Member) -> None:
    await holding(member, 1)
    member.consumer.start(1)
    await member.news()
    member.fake.events += [record(URGENT, 1, offset) for offset in range(3)]
    batch = await member.batch()
    assert ids(batch.records) == ["1:0", "1:1", "1:2"]
    seeks = len(member.fake.seeks)
    await member.consumer.rewind(batch)
    await member.news()
    assert member.fake.seeks[seeks:] == [(URGENT, 1, 0)]
    member.will_be("on_lost", (URGENT, 1), (NORMAL, 1))
    assert (await member.news()).revoked == {1}
    await holding(member, 1)
    member.consumer.start(1, {URGENT: START, NORMAL: START})
    await member.news()
    seeks = len(member.fake.seeks)
    await member.consumer.rewind(batch)
    await member.news()
    assert member.fake.seeks[seeks:] == []


async def test_L12_going_back_waits_for_a_client_that_is_not_ready(member: Member) -> None:
    await holding(member, 1)
    member.consumer.start(1)
    await member.news()
    member.fake.events.append(record(URGENT, 1, 0))
    batch = await member.batch()
    member.fake.refused_seeks = 4
    await member.consumer.rewind(batch)
    await member.news()
    assert member.fake.seeks[-1] == (URGENT, 1, 0)


async def test_L11_a_batch_carries_the_metadata_and_the_tenure_of_its_poll(member: Member) -> None:
    await holding(member, 1)
    member.consumer.start(1)
    await member.news()
    member.fake.events.append(record(URGENT, 1, 0))
    token = cast(Token, (await member.batch()).token)
    assert token.metadata == b"metadata"
    assert set(token.leases) == {1}


async def test_reached_is_told_for_partitions_that_start_or_were_stopped(member: Member) -> None:
    await holding(member, 1)
    member.consumer.start(1)
    assert member.consumer.reached(URGENT, 1) == START
    await member.news()
    member.fake.events.append(record(URGENT, 1, 0))
    await member.batch()
    assert member.consumer.reached(URGENT, 1).place == 1
    member.consumer.stop(1)
    await member.news()
    assert member.consumer.reached(URGENT, 1) == START, "nothing is claimed of it"
