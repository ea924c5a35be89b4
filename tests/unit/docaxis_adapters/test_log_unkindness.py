"""The unkind mode (L33): each misfortune happens, and the guards against it are needed (L34)."""

from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog, Unkindness
from docaxis_eventsourcing.errors import Fenced
from docaxis_eventsourcing.ports.event_log import START, Position
from tests.unit.docaxis_adapters.log_messages import TOPIC, outgoing


async def open_unkind(folder: Path, unkindness: Unkindness) -> SqliteEventLog:
    log = await SqliteEventLog.open(folder, unkindness=unkindness)
    await log.declare([TOPIC])
    return log


async def test_L33_offsets_have_gaps_within_and_at_the_end(tmp_path: Path) -> None:
    unkind = Unkindness(gap_chance=0.5, late_chance=0, regain_chance=0)
    log = await open_unkind(tmp_path, unkind)
    ends_in_a_gap = False
    for number in range(1, 31):
        await log.append([outgoing(f"{number}", sequence=number)])
        tail = log.tail(TOPIC, {0: START})
        records: list[Position] = []
        end = await log.end(TOPIC, 0)
        while tail.reached(0).place < end.place:
            records += [record.after for record in await tail.next(100, 30)]
        assert len(records) == number
        assert tail.reached(0).version == number
        ends_in_a_gap |= records[-1].place < end.place
    assert records[-1].place > 30
    assert ends_in_a_gap, "who waits for a record at the end would wait for ever"
    await log.close()


async def test_L15_L34_who_asks_only_what_is_visible_misses_what_was_committed(
    tmp_path: Path,
) -> None:
    """The guard removed: folding until nothing comes, instead of until `end` was passed."""
    unkind = Unkindness(gap_chance=0, late_chance=1, latest_ms=400, regain_chance=0, seed=3)
    log = await open_unkind(tmp_path, unkind)
    await log.append([outgoing("1", sequence=1)])
    tail = log.tail(TOPIC, {0: START})
    assert list(await tail.next(10, 0)) == []  # the misfortune: a naive fold ends here
    end = await log.end(TOPIC, 0)
    assert end.version == 1
    while tail.reached(0).place < end.place:  # the guard: it waits until the end was passed
        records = await tail.next(10, 30)
    assert [record.envelope.id for record in records] == ["1"]
    await log.close()


async def test_L33_late_records_keep_their_order(tmp_path: Path) -> None:
    log = await open_unkind(tmp_path, Unkindness(late_chance=0.5, latest_ms=5, regain_chance=0))
    for number in range(1, 101):
        await log.append([outgoing(f"{number}", sequence=number)])
    tail = log.tail(TOPIC, {0: START})
    found: list[int] = []
    while len(found) < 100:
        found += [record.envelope.sequence for record in await tail.next(7, 30)]
    assert found == list(range(1, 101))
    await log.close()


async def test_L33_a_partition_lost_and_regained_brings_its_batch_again(tmp_path: Path) -> None:
    turns = iter([True, False])
    log = await open_unkind(tmp_path, Unkindness(decide_regain=lambda: next(turns), late_chance=0))
    await log.append([outgoing("command", 4)])
    consumer = await log.join("group", [TOPIC])
    for partition in (await consumer.poll(1, 30)).assigned:
        consumer.start(partition)
    batch = (await consumer.poll(10, 30)).batch
    assert batch is not None
    with pytest.raises(Fenced):
        await consumer.commit(batch, [outgoing("event", 5)])
    polled = await consumer.poll(10, 30)
    assert polled.revoked == polled.assigned == frozenset(range(12))
    for partition in polled.assigned:
        consumer.start(partition)
    again = (await consumer.poll(10, 30)).batch
    assert again is not None and again.records == batch.records
    await consumer.commit(again, [outgoing("event", 5)])
    await log.close()


async def test_L33_with_every_misfortune_each_command_gives_one_event(tmp_path: Path) -> None:
    """A small processor that obeys L11, L12 and L15, on the unkindest log."""
    unkind = Unkindness(seed=11, gap_chance=0.3, late_chance=0.4, latest_ms=4, regain_chance=0.3)
    log = await open_unkind(tmp_path, unkind)
    events = f"{TOPIC}.out"
    await log.declare([events])
    await log.append([outgoing(f"{i}", i % 12) for i in range(240)])
    consumer = await log.join("group", [TOPIC])
    done = fenced = 0
    while done < 240:
        polled = await consumer.poll(20, 30)
        for partition in polled.assigned:
            consumer.start(partition)
        if polled.batch is None:
            continue
        outputs = [
            outgoing(record.envelope.id, record.partition) for record in polled.batch.records
        ]
        outputs = [type(out)(events, out.partition, out.message) for out in outputs]
        try:
            await consumer.commit(polled.batch, outputs)
            done += len(outputs)
        except Fenced:
            fenced += 1
    assert fenced > 0
    found: list[str] = []
    tail = log.tail(events, {partition: START for partition in range(12)})
    while len(found) < 240:
        found += [record.envelope.id for record in await tail.next(100, 30)]
    assert sorted(found) == sorted(f"{i}" for i in range(240))
    await log.close()


async def test_L33_what_was_hidden_at_the_end_is_there_after_a_start(tmp_path: Path) -> None:
    log = await open_unkind(tmp_path, Unkindness(late_chance=1, latest_ms=60_000, regain_chance=0))
    await log.append([outgoing("hidden")])
    assert list(await log.tail(TOPIC, {0: START}).next(10, 0)) == []
    await log.close()
    log = await open_unkind(tmp_path, Unkindness(regain_chance=0))
    records = await log.tail(TOPIC, {0: START}).next(10, 0)
    assert [record.envelope.id for record in records] == ["hidden"]
    await log.close()


def test_a_log_that_fences_every_batch_is_refused() -> None:
    with pytest.raises(ValueError):
        Unkindness(regain_chance=1)
