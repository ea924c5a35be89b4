"""The rules of status, by their numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_status.domain import DECIDER
from docaxis_status.domain.deliveries import CHUNK, MOST_HELD, MOST_STATUSES, aggregate, furthest
from docaxis_status.domain.holders import Holder
from docaxis_status.domain.messages import (
    RecordHandOver,
    ReportStatuses,
    Status,
    StatusesHeld,
    StatusesReported,
    TimelinesOpened,
)
from tests.unit.docaxis_status.samples import (
    DELIVERY,
    DOCUMENT,
    OTHER,
    RECIPIENT,
    SENDER,
    SYSTEM,
    Timelines,
    folded,
    opened,
    opening,
    report,
    status,
)

CODES = ("01", "02", "03", "04", "05", "06")


@pytest.fixture
def known() -> Timelines:
    timelines = Timelines()
    timelines.give(opening())
    return timelines


def test_rule_1_statuses_are_recorded_in_whatever_order_they_come(known: Timelines) -> None:
    assert known.results(report(status("06"), status("03"), status("01"))) == ["recorded"] * 3
    assert [each.code for each in known.statuses(StatusesReported)] == ["06", "03", "01"]


def test_rule_1_nothing_may_follow_02_is_not_a_rule(known: Timelines) -> None:
    assert known.results(report(status("02"))) == ["recorded"]
    assert known.results(report(status("05", "report-2"))) == ["recorded"]


def test_rule_2_the_same_status_of_the_same_report_is_recorded_once(known: Timelines) -> None:
    assert known.results(report(status("03"), status("03"))) == ["recorded", "already_recorded"]
    decision = known.give(report(status("03")))
    assert isinstance(decision, AlreadyDecided)
    assert len(known.statuses(StatusesReported)) == 1


def test_rule_2_another_report_or_time_claimed_is_another_status(known: Timelines) -> None:
    first = status("03")
    later = status("03", claimed_at="2026-11-22T09:00:00Z")
    again = status("03", "report-2")
    assert known.results(report(first, later, again)) == ["recorded"] * 3


def test_rule_3_what_the_recipient_may_not_say_is_refused_by_itself(known: Timelines) -> None:
    said = report(status("13"), status("15"), status("16"), status("07"), status("03"))
    assert known.results(said) == [
        "status_wrong_side",
        "status_without_request",
        "status_without_request",
        "status_unknown",
        "recorded",
    ]
    assert [each.code for each in known.statuses(StatusesReported)] == ["03"]


def test_rule_3_a_take_back_is_asked_by_the_sender_and_answered_by_the_recipient(
    known: Timelines,
) -> None:
    asks = ReportStatuses(RECIPIENT, SYSTEM, (status("13"), status("03")), SENDER)
    assert known.results(report(status("15"))) == ["status_without_request"]
    assert known.results(asks) == ["recorded", "status_wrong_side"]
    assert known.results(report(status("16"), status("15"))) == ["recorded", "recorded"]
    said = [(each.code, each.source) for each in known.statuses(StatusesReported)]
    assert said == [("13", "sender"), ("16", "recipient"), ("15", "recipient")]


def test_rule_5_a_take_back_of_another_than_the_sender_is_unknown(known: Timelines) -> None:
    for by in (OTHER, RECIPIENT):
        asks = ReportStatuses(RECIPIENT, SYSTEM, (status("13"),), by)
        assert known.results(asks) == ["unknown_delivery"]
    unknown = Timelines()
    assert unknown.results(ReportStatuses(RECIPIENT, SYSTEM, (status("13"),), SENDER)) == [
        "unknown_delivery"
    ]


def test_rule_3_a_report_of_nothing_sound_writes_no_event(known: Timelines) -> None:
    before = list(known.events)
    assert known.results(report(status("13"))) == ["status_wrong_side"]
    assert known.events == before


def test_rule_4_a_status_before_its_delivery_is_held_and_then_recorded() -> None:
    timelines = Timelines()
    assert timelines.results(report(status("03"), status("01"))) == ["held", "held"]
    assert not timelines.statuses(StatusesReported)
    decision = timelines.give(opening())
    assert isinstance(decision, Decided)
    assert [type(event) for event in decision.events] == [TimelinesOpened, StatusesReported]
    recorded = timelines.statuses(StatusesReported)
    assert [each.code for each in recorded] == ["03", "01"]
    assert {(each.document_id, each.sender_organisation_id) for each in recorded} == {
        (DOCUMENT, SENDER)
    }
    assert timelines.states[aggregate(RECIPIENT, DELIVERY)].held == ()


def test_rule_4_a_held_status_that_comes_twice_is_held_once() -> None:
    timelines = Timelines()
    timelines.give(report(status("03")))
    assert isinstance(timelines.give(report(status("03"))), AlreadyDecided)
    assert len(timelines.statuses(StatusesHeld)) == 1
    timelines.give(opening())
    assert timelines.results(report(status("03"))) == ["already_recorded"]


def test_rule_4_what_nobody_may_say_is_never_held() -> None:
    timelines = Timelines()
    assert timelines.results(report(status("13"), status("99"))) == [
        "status_wrong_side",
        "status_unknown",
    ]
    assert timelines.events == []


def test_rule_5_a_delivery_that_its_document_shows_to_be_anothers_is_unknown() -> None:
    for timelines in (Timelines(), Timelines()):
        told = report(status("03", document_id=DOCUMENT), organisation_id=OTHER)
        assert timelines.results(told) == ["unknown_delivery"]
        timelines.give(opening())
        assert timelines.results(told) == ["unknown_delivery"]


def test_rule_5_without_the_document_anothers_delivery_looks_like_none() -> None:
    timelines = Timelines()
    timelines.give(opening())
    anothers = report(status("03"), organisation_id=OTHER)
    nobodys = report(
        status("03", delivery_id=derived_id("delivery", "nobody")), organisation_id=OTHER
    )
    assert timelines.results(anothers) == timelines.results(nobodys) == ["held"]
    assert not timelines.statuses(StatusesReported)
    # Not even when the delivery is opened after that does it meet what a stranger said.
    later = Timelines()
    later.give(anothers)
    later.give(opening())
    assert not later.statuses(StatusesReported)


def test_rule_5_who_reports_is_the_recipient_whatever_the_command_says(known: Timelines) -> None:
    known.give(report(status("03", source="axis", system_id="another")))
    (recorded,) = known.statuses(StatusesReported)
    assert (recorded.source, recorded.system_id) == ("recipient", SYSTEM)


def test_rule_6_a_delivery_is_opened_once(known: Timelines) -> None:
    assert isinstance(known.give(opening()), AlreadyDecided)
    second = opened(derived_id("document", 2))
    decision = known.give(opening(opened(), second, second))
    assert isinstance(decision, Decided)
    assert decision.events == (TimelinesOpened((second,)),)


def test_rule_6_document_and_sender_are_those_of_the_opening(known: Timelines) -> None:
    known.give(report(status("03", sender_organisation_id=OTHER)))
    (recorded,) = known.statuses(StatusesReported)
    assert (recorded.document_id, recorded.sender_organisation_id) == (DOCUMENT, SENDER)


def test_rule_7_a_delivery_keeps_a_bounded_number_of_statuses(known: Timelines) -> None:
    for number in range(MOST_STATUSES):
        assert known.results(report(status("05", f"report {number}"))) == ["recorded"]
    assert known.results(report(status("05", "one more"))) == ["too_many_items"]
    assert known.results(report(status("05", "report 0"))) == ["already_recorded"]


def test_rule_7_an_unknown_delivery_holds_a_bounded_number_of_statuses() -> None:
    timelines = Timelines()
    many = report(*(status("05", f"report {number}") for number in range(MOST_HELD + 1)))
    assert timelines.results(many) == ["held"] * MOST_HELD + ["too_many_items"]
    assert timelines.results(report(status("05", "report 0"))) == ["held"]


def unknown(number: int, code: str = "03") -> Status:
    return status(code, delivery_id=derived_id("invented", number))


def test_rule_9_an_organisation_holds_a_bounded_number_of_statuses() -> None:
    timelines = Timelines(most_held=3)
    timelines.give(opening())
    said = report(unknown(1), unknown(2), status("03"), unknown(3), unknown(4), status("05"))
    assert timelines.results(said) == [
        "held",
        "held",
        "recorded",
        "held",
        "too_many_unmatched",
        "recorded",
    ]
    assert timelines.results(report(unknown(5), unknown(1))) == ["too_many_unmatched", "held"]
    assert len(timelines.statuses(StatusesHeld)) == 3
    other = report(unknown(6), organisation_id=OTHER)
    assert timelines.results(other) == ["held"], "each organisation has its own"


def test_rule_9_there_is_room_again_once_deliveries_are_known() -> None:
    timelines = Timelines(most_held=2)
    mine, later = opened(), opened(derived_id("document", 2))
    early = status("03", delivery_id=later.delivery_id)
    assert timelines.results(report(status("03"), status("05"), early)) == [
        "held",
        "held",
        "too_many_unmatched",
    ]
    timelines.give(opening(mine))
    assert timelines.results(report(early)) == ["held"]
    timelines.give(opening(later))
    assert len(timelines.statuses(StatusesReported)) == 3
    assert timelines.states[f"holder/{RECIPIENT}"] == Holder(RECIPIENT, 0)


def test_rule_9_who_was_refused_reports_again_when_the_delivery_is_there() -> None:
    timelines = Timelines(most_held=1)
    assert timelines.results(report(unknown(1), status("03"))) == ["held", "too_many_unmatched"]
    timelines.give(opening())
    assert timelines.results(report(status("03"))) == ["recorded"]


def test_rule_9_the_axis_own_hand_over_is_never_refused() -> None:
    timelines = Timelines(most_held=1)
    timelines.give(report(unknown(1)))
    timelines.give(RecordHandOver(RECIPIENT, (status("01", "event", source="axis"),)))
    assert timelines.states[f"holder/{RECIPIENT}"] == Holder(RECIPIENT, 2)
    timelines.give(opening())
    assert [each.source for each in timelines.statuses(StatusesReported)] == ["axis"]
    assert timelines.states[f"holder/{RECIPIENT}"] == Holder(RECIPIENT, 1)


def test_rule_7_no_event_holds_more_than_a_chunk() -> None:
    timelines = Timelines()
    deliveries = [opened(derived_id("document", number)) for number in range(20)]
    for each in deliveries:
        timelines.give(
            report(*(status("05", f"{n}", delivery_id=each.delivery_id) for n in range(MOST_HELD)))
        )
    decision = timelines.give(opening(*deliveries))
    assert isinstance(decision, Decided)
    sizes = [len(event.statuses) for event in decision.events[1:]]
    assert sum(sizes) == 20 * MOST_HELD
    assert max(sizes) <= CHUNK


def test_rule_7_one_event_for_a_report_of_many_deliveries() -> None:
    timelines = Timelines()
    deliveries = [opened(derived_id("document", number)) for number in range(500)]
    timelines.give(opening(*deliveries))
    decision = timelines.give(
        report(*(status("03", delivery_id=each.delivery_id) for each in deliveries))
    )
    assert isinstance(decision, Decided)
    assert len(decision.events) == 1


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        ((), ""),
        (("01",), "01"),
        (("01", "03"), "03"),
        (("06", "01"), "06"),
        (("05", "04"), "05"),
        (("01", "02"), "02"),
        (("03", "02"), "02"),
        (("13", "15", "16"), ""),
        (("01", "13", "16"), "01"),
    ],
)
def test_rule_8_the_furthest_status(codes: tuple[str, ...], shown: str) -> None:
    assert furthest(codes) == shown


@given(st.lists(st.sampled_from((*CODES, "13", "15", "16"))), st.randoms())
def test_rule_8_the_furthest_does_not_depend_on_order_or_number(
    codes: list[str], random: object
) -> None:
    mixed = codes * 2
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert furthest(mixed) == furthest(codes)


def test_a_hand_over_is_the_axis_own_01(known: Timelines) -> None:
    hand_over = status("01", "event", source="axis", document_id=DOCUMENT)
    command = RecordHandOver(RECIPIENT, (hand_over,))
    assert isinstance(known.give(command), Decided)
    assert isinstance(known.give(command), AlreadyDecided)
    (recorded,) = known.statuses(StatusesReported)
    assert (recorded.code, recorded.source) == ("01", "axis")


def test_a_hand_over_before_its_delivery_is_held_too() -> None:
    timelines = Timelines()
    timelines.give(RecordHandOver(RECIPIENT, (status("01", "event", source="axis"),)))
    timelines.give(opening())
    (recorded,) = timelines.statuses(StatusesReported)
    assert recorded.source == "axis"


REPORTED = st.lists(
    st.builds(
        status,
        code=st.sampled_from(CODES),
        report_id=st.sampled_from(("a", "b", "c")),
        claimed_at=st.sampled_from(("", "2026-11-22T09:00:00Z")),
    ),
    max_size=12,
)


@given(REPORTED, st.randoms(), st.integers(0, 30))
def test_any_order_and_doubling_records_the_same_statuses(
    statuses: list[Status], random: object, opened_after: int
) -> None:
    straight = Timelines()
    straight.give(opening())
    for each in statuses:
        straight.give(report(each))
    mixed = statuses * 2
    random.shuffle(mixed)  # type: ignore[attr-defined]
    crooked = Timelines()
    for place, each in enumerate(mixed):
        if place == opened_after:
            crooked.give(opening())
        crooked.give(report(each))
    crooked.give(opening())
    first, second = straight.statuses(StatusesReported), crooked.statuses(StatusesReported)
    assert set(first) == set(second)
    assert len(first) == len(second) == len(set(first))
    assert furthest(each.code for each in first) == furthest(each.code for each in second)


@given(REPORTED, st.booleans())
def test_folding_the_events_again_gives_the_same_states(
    statuses: list[Status], opened_first: bool
) -> None:
    timelines = Timelines()
    if opened_first:
        timelines.give(opening())
    timelines.give(report(*statuses)) if statuses else None
    timelines.give(opening())
    assert folded(timelines.events) == timelines.states


def test_every_command_names_its_aggregates_by_organisation_and_delivery() -> None:
    assert DECIDER.aggregates(report(status("03"), status("01"))) == (
        f"delivery/{RECIPIENT}.{delivery_id(DOCUMENT, RECIPIENT)}",
        f"holder/{RECIPIENT}",
    )
    assert DECIDER.aggregates(opening()) == DECIDER.aggregates(report(status("03")))


def test_no_decision_refuses_a_whole_report(known: Timelines) -> None:
    assert not isinstance(known.give(report(status("99"))), Refused)
