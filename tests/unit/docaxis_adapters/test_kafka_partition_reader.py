"""Fair shares, what counts as read, and what goes wrong, with a client that does as it is told."""

from typing import Any, cast

import pytest
from confluent_kafka import KafkaError

from docaxis_adapters.kafka_log import partition_reader
from docaxis_adapters.kafka_log.failures import ClientBroken
from docaxis_adapters.kafka_log.partition_reader import PartitionReader, Taken
from docaxis_eventsourcing.errors import Divergence, Unavailable
from docaxis_eventsourcing.ports.event_log import START, Position, TopicPartition
from tests.contract.messages import ids
from tests.unit.docaxis_adapters.kafka_fake_consumer import FakeConsumer, failure, record

TOPIC = "commands"


@pytest.fixture
def client() -> FakeConsumer:
    return FakeConsumer()


@pytest.fixture
def reader(client: FakeConsumer) -> PartitionReader:
    """Three partitions are being read."""
    reader = PartitionReader(cast(Any, client), lambda topic: False)
    for partition in range(3):
        reader.begin(TopicPartition(TOPIC, partition), START)
    return reader


def given(client: FakeConsumer, counts: dict[int, int]) -> None:
    """So many records of each partition, one partition after the other, as brokers answer."""
    for partition, count in counts.items():
        client.events += [record(TOPIC, partition, offset) for offset in range(count)]


def counts(taken: Taken | None) -> dict[int, int]:
    return {at.partition: len(each) for at, each in taken.records.items()} if taken else {}


def test_a_full_partition_leaves_the_others_their_share(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {0: 100, 1: 3, 2: 5})
    reader.pull(0)
    assert counts(reader.take(12)) == {0: 5, 1: 3, 2: 4}
    assert counts(reader.take(12)) == {0: 11, 2: 1}


def test_with_fewer_places_than_partitions_they_take_turns(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {0: 9, 1: 9, 2: 9})
    reader.pull(0)
    turns = [tuple(counts(reader.take(1))) for _ in range(9)]
    assert turns == [(0,), (1,), (2,)] * 3


def test_each_partition_comes_in_order_and_whole(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {0: 40, 1: 7, 2: 23})
    reader.pull(0)
    found: dict[int, list[str]] = {0: [], 1: [], 2: []}
    while (taken := reader.take(5)) is not None:
        for at, records in taken.records.items():
            assert taken.first[at].place == len(found[at.partition])
            found[at.partition] += ids(records)
    assert found == {p: [f"{p}:{n}" for n in range(c)] for p, c in {0: 40, 1: 7, 2: 23}.items()}
    assert reader.queued == 0


def test_a_client_is_held_back_while_much_is_queued_and_let_go_again(
    client: FakeConsumer, reader: PartitionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "_MOST_QUEUED", 10)
    given(client, {0: 12})
    reader.pull(0)
    reader.pull(0)
    assert client.paused == {(TOPIC, partition) for partition in range(3)}
    reader.take(8)
    reader.pull(0)
    assert client.paused == set()


def test_L10_a_bounded_topic_has_few_records_in_a_batch_and_is_held_back_alone(
    client: FakeConsumer,
) -> None:
    reader = PartitionReader(cast(Any, client), lambda topic: False, at_most={"bulk": 2})
    for partition in range(3):
        reader.begin(TopicPartition("bulk", partition), START)
        reader.begin(TopicPartition("urgent", partition), START)
    client.events += [record("bulk", p, offset) for p in range(3) for offset in range(40)]
    client.events += [record("urgent", 1, offset) for offset in range(3)]
    reader.pull(0)
    reader.pull(0)
    assert client.paused == {("bulk", partition) for partition in range(3)}
    seen: list[tuple[str, int]] = []
    while (taken := reader.take(10)) is not None:
        by_topic = [at.topic for at, records in taken.records.items() for _ in records]
        assert by_topic.count("bulk") <= 2
        seen += [(at.topic, at.partition) for at, each in taken.records.items() for _ in each]
    assert seen.count(("urgent", 1)) == 3
    assert ("urgent", 1) in seen[:5]
    assert {at: seen.count(("bulk", at)) for at in range(3)} == {0: 40, 1: 40, 2: 40}
    reader.pull(0)
    assert client.paused == set()


def test_a_reader_made_new_holds_nothing_back_and_remembers_nothing(
    client: FakeConsumer, reader: PartitionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "_MOST_QUEUED", 10)
    given(client, {0: 12})
    client.events.append(failure(KafkaError._TRANSPORT))
    for _ in range(3):
        reader.pull(0)
    assert client.paused
    reader.reset()
    assert client.paused == set()
    assert (reader.started, reader.queued) == ((), 0)
    reader.pull(0)
    assert reader.take(10) is None


def test_what_is_read_is_told_by_the_last_record_and_passed_markers_by_the_end(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {1: 4})
    client.events.append(failure(KafkaError._PARTITION_EOF, TOPIC, 1, 6))
    reader.pull(0)
    at = TopicPartition(TOPIC, 1)
    assert reader.reached()[at] == START
    reader.take(3)
    assert reader.reached()[at] == Position(0, 3), "a record is still to be taken"
    reader.take(1)
    assert reader.reached()[at] == Position(0, 6), "two markers behind it"


def test_the_clients_own_place_counts_only_once_it_gave_something(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    client.places = {(TOPIC, 1): 9}
    at = TopicPartition(TOPIC, 1)
    assert reader.reached()[at] == START, "it may be of before the last seek"
    given(client, {1: 2})
    reader.pull(0)
    reader.take(2)
    assert reader.reached()[at] == Position(0, 9)


def test_records_of_a_dropped_partition_are_forgotten(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {0: 2, 1: 2})
    reader.pull(0)
    reader.drop(TopicPartition(TOPIC, 0))
    given(client, {0: 2})
    reader.pull(0)
    assert counts(reader.take(10)) == {1: 2}
    assert reader.stands(TopicPartition(TOPIC, 0)) is None


def test_a_seek_that_is_refused_for_a_moment_is_tried_again(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    client.refused_seeks = 3
    given(client, {0: 1, 1: 2})  # they come meanwhile; the first is of before the seek
    reader.seek(TopicPartition(TOPIC, 0), Position(5, 7))
    assert client.seeks == [(TOPIC, 0, 7)]
    assert reader.stands(TopicPartition(TOPIC, 0)) == Position(5, 7)
    assert counts(reader.take(10)) == {1: 2}


def test_a_seek_ends_where_the_partition_is_lost_meanwhile(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    client.refused_seeks = 1_000_000
    held = {0}
    client.events.append(held.clear)
    reader.seek(TopicPartition(TOPIC, 0), START, lambda: 0 in held)
    assert reader.stands(TopicPartition(TOPIC, 0)) is None


def test_a_seek_that_stays_refused_is_told(
    client: FakeConsumer, reader: PartitionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "_SEEK_ATTEMPTS", 3)
    client.refused_seeks = 1_000_000
    with pytest.raises(Unavailable, match="cannot be read from 7"):
        reader.seek(TopicPartition(TOPIC, 0), Position(0, 7))


def test_a_failure_is_told_once_and_no_record_is_lost_by_it(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    given(client, {0: 2})
    client.events.append(failure(KafkaError._ALL_BROKERS_DOWN))
    given(client, {1: 2})
    reader.pull(0)
    with pytest.raises(Unavailable, match="_ALL_BROKERS_DOWN"):
        reader.take(10)
    assert counts(reader.take(10)) == {0: 2, 1: 2}


def test_L17_records_that_are_gone_unread_are_divergence(
    client: FakeConsumer, reader: PartitionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_marks", lambda at: (50, 90))
    client.events.append(failure(KafkaError._AUTO_OFFSET_RESET, TOPIC, 2))
    reader.pull(0)
    with pytest.raises(Divergence, match=r"commands/2.* 0 on.* 50 to 90"):
        reader.take(10)


def test_a_client_that_can_do_nothing_more_is_broken(
    client: FakeConsumer, reader: PartitionReader
) -> None:
    client.events.append(failure(KafkaError._FATAL, None, 7))
    reader.pull(0)
    with pytest.raises(ClientBroken):
        reader.take(10)


def test_what_was_fetched_too_early_where_nothing_is_left_is_assigned_anew(
    client: FakeConsumer, reader: PartitionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads such a partition no more, and a seek fails: it was seen to."""
    told: list[tuple[str, int, int]] = []
    for verb in ("incremental_unassign", "incremental_assign"):
        monkeypatch.setattr(
            client,
            verb,
            lambda places, verb=verb: told.extend((verb, p.partition, p.offset) for p in places),
        )
    client.events.append(failure(KafkaError._AUTO_OFFSET_RESET, TOPIC, 7))
    reader.pull(0)
    assert reader.take(10) is None
    reader.seek(TopicPartition(TOPIC, 7), Position(9, 10))
    assert told == [("incremental_unassign", 7, 10), ("incremental_assign", 7, 10)]
    assert client.seeks == []
    reader.seek(TopicPartition(TOPIC, 7), Position(9, 10))
    assert client.seeks == [(TOPIC, 7, 10)]
