"""L10 in the processor: lanes are held together, the urgent overtake, none starves."""

import asyncio
from pathlib import Path

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.ports.event_log import START, Outgoing
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.topics import BULK_AT_ONCE, OUTCOMES_KEPT_S, Lane, ServiceTopics
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS, Post, decider, partition
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, check_once, check_versions, until

INBOX = "a.x"
AT = partition(INBOX)


def posts(count: int, lane: Lane, label: str, actor: str = "") -> list[Outgoing]:
    """Commands of one partition that nobody waits for."""
    found = []
    for number in range(count):
        name, data = CODEC.encode(Post(INBOX, f"{label}-{number}"))
        envelope = Envelope(id=f"{label}-{number}", type=name, source="test", actor=actor)
        found.append(Outgoing(TOPICS.commands(lane), AT, Message(envelope, data)))
    return found


async def decided(rig: Rig) -> list[str]:
    """The ids of decided commands, in the order of their decisions."""
    return [record.envelope.causation_id for record in await rig.records()]


async def test_L10_each_lanes_commands_are_decided_once_and_their_versions_have_no_gap(
    any_rig: Rig,
) -> None:
    lanes = {lane: posts(40, lane, lane.value) for lane in Lane}
    for sent in lanes.values():
        await any_rig.log.append(sent)
    any_rig.start(any_rig.processor())

    async def all_decided() -> bool:
        return len(await any_rig.records()) >= 120

    await until(all_decided)
    events = await any_rig.records()
    check_versions(events)
    check_once(events, {each.message.envelope.id for sent in lanes.values() for each in sent})
    order = await decided(any_rig)
    for lane in Lane:
        mine = [each for each in order if each.startswith(lane.value)]
        assert mine == [f"{lane.value}-{number}" for number in range(40)]


async def test_L10_an_urgent_command_overtakes_a_flood_of_bulk_ones(rig: Rig) -> None:
    await rig.log.append(posts(2_000, Lane.BULK, "bulk"))
    door = rig.door()
    rig.start(rig.processor())
    rig.start(door)
    await until(lambda: _some(rig))
    await ask(door, Post(INBOX, "urgent"), "urgent", lane=Lane.URGENT)
    order = await decided(rig)
    assert len(order) < 2_000, "the flood was over before it was overtaken"
    assert order.index("urgent") < len(order)
    assert len(order) - order.index("urgent") <= 20 * BULK_AT_ONCE


async def _some(rig: Rig) -> bool:
    return len(await rig.records()) > 3 * BULK_AT_ONCE


async def test_L10_bulk_goes_on_while_urgent_ones_keep_coming(rig: Rig) -> None:
    await rig.log.append(posts(3_000, Lane.URGENT, "urgent"))
    await rig.log.append(posts(8, Lane.BULK, "bulk"))
    task = rig.start(rig.processor(batch_limit=50))

    async def bulk_done() -> bool:
        return sum(each.startswith("bulk") for each in await decided(rig)) == 8

    await until(bulk_done)
    await rig.stop(task)
    order = await decided(rig)
    assert len(order) < 3_000, "the bulk commands waited until all urgent ones were decided"


async def test_L10_a_batch_has_few_bulk_commands(rig: Rig) -> None:
    await rig.log.append(posts(50, Lane.BULK, "bulk") + posts(50, Lane.NORMAL, "normal"))
    consumer = await rig.log.join("other", TOPICS.all_commands, at_most=TOPICS.at_most)
    while not (polled := await consumer.poll(100, 1.0)).assigned:
        pass
    for each in polled.assigned:
        consumer.start(each)
    for _ in range(3):
        batch = (await consumer.poll(100, 1.0)).batch
        assert batch is not None
        bulk = [each for each in batch.records if each.topic == TOPICS.commands(Lane.BULK)]
        assert len(bulk) == BULK_AT_ONCE


async def test_L10_senders_take_turns_within_a_batch(rig: Rig) -> None:
    inboxes = [f"a.{number}" for number in range(40)]
    for actor, label in (("many", "m"), ("one", "o")):
        for number in range(20):
            name, data = CODEC.encode(Post(inboxes[number + (20 if actor == "one" else 0)]))
            envelope = Envelope(id=f"{label}-{number}", type=name, source="test", actor=actor)
            await rig.log.append([Outgoing(TOPICS.commands(), AT, Message(envelope, data))])
    rig.start(rig.processor())

    async def all_decided() -> bool:
        return len(await rig.records()) == 40

    await until(all_decided)
    assert (await decided(rig))[:6] == ["m-0", "o-0", "m-1", "o-1", "m-2", "o-2"]


async def test_L10_a_service_that_had_one_lane_gets_the_others_and_goes_on(tmp_path: Path) -> None:
    """A data folder of a release before lanes: its commands are decided once, and none is lost."""
    before, after = ServiceTopics("bank"), TOPICS
    for topics, labels in ((before, ["old"]), (after, ["new"]), (after, ["newest"])):
        log = await SqliteEventLog.open(tmp_path / "log", 4, synchronous="OFF")
        store = await SqliteReadStore.open(tmp_path / "store.sqlite", synchronous="OFF")
        await log.declare((*topics.all_commands, topics.events))
        await log.declare((topics.outcomes,), kept_s=OUTCOMES_KEPT_S)
        at = partition(INBOX, 4)
        for lane in topics.lanes:
            for label in labels:
                name, data = CODEC.encode(Post(INBOX, label))
                envelope = Envelope(id=f"{label}-{lane}", type=name, source="test")
                await log.append([Outgoing(topics.commands(lane), at, Message(envelope, data))])
        processor = asyncio.create_task(Processor(decider(), CODEC, log, store, topics).run())
        want = {"old": 1, "new": 4, "newest": 7}[labels[0]]
        tail = log.tail(topics.events, {at: START})
        try:
            async with asyncio.timeout(20):
                while tail.reached(at).version < want:
                    await tail.next(100, 1.0)
            assert not await tail.next(100, 0.2)
        finally:
            processor.cancel()
            await asyncio.gather(processor, return_exceptions=True)
            await log.close()
            await store.close()


async def test_L10_two_replicas_hold_a_partition_in_all_lanes_or_not_at_all(any_rig: Rig) -> None:
    tasks = [any_rig.start(any_rig.processor()) for _ in range(2)]
    ids = set()
    for round_ in range(3):
        for lane in Lane:
            sent = [
                Outgoing(
                    TOPICS.commands(lane),
                    partition(f"b{number}.x"),
                    Message(
                        Envelope(
                            id=f"{round_}-{lane}-{number}",
                            type=CODEC.encode(Post(f"b{number}.x"))[0],
                            source="test",
                        ),
                        CODEC.encode(Post(f"b{number}.x"))[1],
                    ),
                )
                for number in range(30)
            ]
            ids |= {each.message.envelope.id for each in sent}
            await any_rig.log.append(sent)
        if round_ == 1:
            await any_rig.stop(tasks[0])

    async def all_decided() -> bool:
        return len(await any_rig.records()) >= len(ids)

    await until(all_decided)
    events = await any_rig.records()
    check_versions(events)
    check_once(events, ids)
