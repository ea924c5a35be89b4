"""Every command and event of status survives its way through protobuf."""

from types import GenericAlias

import msgspec
import pytest

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.states import Entry
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_runtime.error_table import ERRORS
from docaxis_status.codec import CODEC, ROUTING_EVENTS
from docaxis_status.domain.messages import (
    RecordHandOver,
    ReportAnswer,
    ReportResult,
    StatusesHeld,
    StatusesReported,
    TimelinesOpened,
)
from docaxis_status.reactions import StatusReactions
from tests.unit.docaxis_status.samples import (
    DELIVERY,
    RECIPIENT,
    Timelines,
    opened,
    opening,
    report,
    status,
)


@pytest.mark.parametrize(
    "value",
    [
        opening(),
        report(status("02", reason_digest="ab" * 32), status("06")),
        RecordHandOver(RECIPIENT, (status("01", source="axis"),)),
        TimelinesOpened((opened(),)),
        StatusesReported(RECIPIENT, (status("03"),)),
        StatusesHeld(RECIPIENT, (status("03"),)),
        ReportAnswer((ReportResult(DELIVERY, "03", "recorded"),)),
    ],
)
def test_round_trip(value: object) -> None:
    assert CODEC.decode(*CODEC.encode(value)) == value


def test_states_survive_their_store() -> None:
    timelines = Timelines()
    timelines.give(report(status("03")))
    held = dict(timelines.states)
    timelines.give(opening())
    for state in (*held.values(), *timelines.states.values()):
        entry = Entry(state, (("command", b"outcome"),))
        raw = msgspec.msgpack.encode((entry.state, entry.repeats))
        kept = GenericAlias(tuple, (type(state), tuple[tuple[str, bytes], ...]))
        assert msgspec.msgpack.decode(raw, type=kept) == (entry.state, entry.repeats)


def test_a_full_report_fits_a_message() -> None:
    full = {
        "document_id": DELIVERY,
        "claimed_at": "2026-11-22T09:00:00.123456+07:00",
        "reason_digest": "ab" * 32,
        "sender_organisation_id": RECIPIENT,
    }
    event = StatusesReported(RECIPIENT, tuple(status("02", DELIVERY, **full) for _ in range(500)))
    answer = ReportAnswer((ReportResult(DELIVERY, "02", "already_recorded"),) * 500)
    assert len(CODEC.encode(event)[1]) + len(CODEC.encode(answer)[1]) < 256 * 1024


def test_other_events_of_routing_are_passed_over() -> None:
    assert not ROUTING_EVENTS.knows(routing.DocumentSubmitted.DESCRIPTOR.full_name)
    empty = routing.DeliveriesHandedOver(organisation_id=RECIPIENT)
    envelope = Envelope(id="e", type="t", source="s")
    assert StatusReactions(4).to_routing_events(empty, envelope, None) == ()


def test_every_refusal_is_a_row_of_the_error_table() -> None:
    told = {"unknown_delivery", "reason_required", "too_many_items", "status_unknown"}
    told |= {"status_wrong_side", "status_without_request", "deadline_exceeded"}
    assert told <= set(ERRORS)
