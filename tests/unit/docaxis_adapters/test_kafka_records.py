"""Messages as Kafka's records, there and back."""

import unicodedata
from dataclasses import fields
from typing import Any, Literal

import pytest
from confluent_kafka import Message as KafkaMessage

from docaxis_adapters.kafka_log.records import FOREIGN, recorded, value_and_headers
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, Recorded

WHOLE = Envelope(
    id="Số 12/QĐ-TTg",
    type="docaxis.routing.v1.DocumentSubmitted",
    source="docaxis/routing",
    subject="document/1",
    time=1_700_000_000_123,
    sequence=7,
    epoch=3,
    correlation_id="first",
    causation_id="before",
    reply_to=4,
    actor="system-1",
    outcome=b"\x00outcome\xff",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)
LEAST = Envelope(id="1", type="t", source="s")


def through_kafka(envelope: Envelope, data: bytes) -> Recorded:
    value, headers = value_and_headers(Outgoing("events", 3, Message(envelope, data)))
    return recorded(kafka_message(value, headers), "events")


def kafka_message(value: bytes | None, headers: Any) -> KafkaMessage:
    return KafkaMessage(
        topic="axis.events",
        partition=3,
        offset=41,
        value=value,
        headers=headers,
        timestamp=(2, 1_700_000_009_000),
    )


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\xff" * 500])
@pytest.mark.parametrize("envelope", [WHOLE, LEAST], ids=["whole", "least"])
def test_a_message_comes_back_as_it_was_given(envelope: Envelope, data: bytes) -> None:
    assert through_kafka(envelope, data) == Recorded(
        "events",
        3,
        1_700_000_009_000,
        Position(envelope.sequence, 42),
        envelope,
        data,
    )


def test_the_whole_envelope_says_something_in_each_field() -> None:
    for each in fields(Envelope):
        assert getattr(WHOLE, each.name) != each.default, each.name


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_keeps_its_form(form: Literal["NFC", "NFD"]) -> None:
    text = unicodedata.normalize(form, "Quyết định số 28/2018/QĐ-TTg")
    envelope = Envelope(id=text, type="t", source="s", subject=text, actor=text)
    found = through_kafka(envelope, text.encode())
    assert found.envelope == envelope
    assert found.data.decode() == text


def test_L5_the_time_is_the_brokers_and_not_the_envelopes() -> None:
    assert through_kafka(WHOLE, b"").time == 1_700_000_009_000


OURS = {"ce_id": b"1", "ce_type": b"t", "ce_source": b"s", "ce_time": b"2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("something", b"else")],
        [*OURS.items()][1:],
        [*{**OURS, "ce_id": b"\xff"}.items()],
        [*{**OURS, "ce_id": None}.items()],
        [*{**OURS, "ce_time": b"yesterday"}.items()],
        [*{**OURS, "ce_sequence": b"many"}.items()],
        [*{**OURS, "ce_sequence": None}.items()],
    ],
)
def test_L22_a_record_that_is_none_of_ours_has_a_name_and_no_type(headers: Any) -> None:
    found = recorded(kafka_message(None, headers), "events")
    assert found.envelope == Envelope(id=f"{FOREIGN}-events-3-41", type="", source=FOREIGN)
    assert found.after == Position(0, 42)
    assert found.data == b""


def test_what_others_add_to_our_headers_is_ignored() -> None:
    found = recorded(kafka_message(b"x", [*OURS.items(), ("tenant", b"\xff")]), "events")
    assert found.envelope.id == "1"
    assert found.envelope.type == "t"
