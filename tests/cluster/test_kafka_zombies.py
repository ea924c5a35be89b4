"""L11 on real brokers: a process that was stopped past its session wakes up and commits."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.cluster.kafka_worker import WorkerSettings
from tests.cluster.kafka_worker_process import running
from tests.contract.kafka_log import fresh_topics, kafka_log
from tests.contract.messages import COMMANDS, EVENTS, ids, outgoing, read_to_end

pytestmark = pytest.mark.cluster
_TRIES = 3


async def what_became_of_it(kafka: str, without: str = "") -> tuple[str, list[str]]:
    """What the zombie's commit answers, and the events of the one command."""
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(fresh_topics())
        log = await kafka_log(prefix, partitions=1)
        stack.push_async_callback(log.close)
        first = WorkerSettings(kafka, prefix, "first", without=without)
        (zombie,) = await stack.enter_async_context(running(first))
        await log.declare((COMMANDS, EVENTS))
        await log.append([outgoing("command")])
        assert await zombie.ask("poll") == ["command"]
        zombie.pause()
        second = replace(first, replica="second")
        (owner,) = await stack.enter_async_context(running(second))
        assert await owner.ask("poll") == ["command"], "the broker took the partition away"
        assert await owner.ask("decide") == "committed"
        zombie.resume()
        await zombie.ask("rejoined")
        answer = await zombie.ask("decide")
        return answer, ids(await read_to_end(log, EVENTS, 0))


async def without_metadata(kafka: str) -> tuple[str, list[str]]:
    """A member that comes and goes in the wrong moment fences by chance: the damage needs a try."""
    for _ in range(_TRIES):
        found = await what_became_of_it(kafka, without="metadata")
        if found[0] == "committed":
            break
    return found


async def test_L11_a_zombie_is_fenced_by_the_metadata_of_its_poll(kafka: str) -> None:
    guarded, unguarded = await asyncio.gather(what_became_of_it(kafka), without_metadata(kafka))
    assert guarded == ("fenced", ["of-command"])
    assert unguarded == ("committed", ["of-command", "of-command"])
