"""Appends where no broker is there to take them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import KafkaError

from docaxis_adapters.kafka_log.appender import Appender
from docaxis_adapters.kafka_log.clients import appending
from docaxis_adapters.kafka_log.failures import ClientBroken
from docaxis_eventsourcing.errors import Unavailable
from tests.contract.messages import outgoing

WITHIN_S = 20.0
NOBODY = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


@pytest.fixture
async def appender() -> AsyncIterator[Appender]:
    appender = Appender(appending({**NOBODY}))
    yield appender
    await appender.close(0.01)


async def test_whoever_still_waits_is_told_when_the_log_is_closed(appender: Appender) -> None:
    waiting = [asyncio.create_task(appender.append([outgoing(f"{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN_S):
        await appender.close(0.01)
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [Unavailable] * 20


async def test_an_append_held_up_by_a_full_queue_is_told_when_the_log_is_closed() -> None:
    appender = Appender({**appending({**NOBODY}), "queue.buffering.max.messages": 5})
    waiting = asyncio.create_task(appender.append([outgoing(f"{n}") for n in range(9)]))
    await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN_S):
        await appender.close(0.01)
        with pytest.raises(Unavailable):
            await waiting


async def test_a_closed_log_takes_nothing(appender: Appender) -> None:
    await appender.close(0.01)
    await appender.close(0.01)
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(Unavailable, match="closed"):
            await appender.append([outgoing("late")])


async def test_a_message_that_is_too_large_is_refused_for_what_it_is(appender: Appender) -> None:
    large = outgoing("large")
    big = type(large)(
        large.topic, large.partition, type(large.message)(large.message.envelope, bytes(2_000_000))
    )
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(ValueError, match="MSG_SIZE_TOO_LARGE"):
            await appender.append([big])


@pytest.mark.parametrize(
    "error",
    [KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "", True), KafkaError(KafkaError._FATAL)],
)
async def test_a_broken_producer_is_told_to_everybody(
    appender: Appender, error: KafkaError
) -> None:
    appender._noticed(KafkaError(KafkaError._TRANSPORT))
    assert appender.broken is None
    appender._noticed(error)
    with pytest.raises(ClientBroken):
        await appender.append([outgoing("x")])


def test_settings_that_are_wrong_are_value_errors() -> None:
    with pytest.raises(ValueError, match=r"acks"):
        Appender({**NOBODY, "acks": "some"})
