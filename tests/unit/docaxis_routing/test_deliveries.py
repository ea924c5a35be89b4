"""Rules 11-18 of routing: deliveries and mailboxes."""

from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_routing.domain.messages import (
    AcknowledgeAnswer,
    AcknowledgeDeliveries,
    DeliveriesHandedOver,
    DeliveriesMade,
    MakeDeliveries,
    Recipient,
    RefuseDeliveries,
    ReleaseDeliveries,
)
from tests.unit.docaxis_routing.routing_samples import (
    HANOI,
    HATINH,
    SENDER,
    House,
    facts_of,
    identity,
    submit,
)

DOCUMENT = identity().document_id
AT_HANOI = delivery_id(DOCUMENT, HANOI)


def make(*recipients: Recipient, document: str = "12/VPCP-KSTT") -> MakeDeliveries:
    return MakeDeliveries(submit("H26", sender_document_id=document).brief, recipients)


def acknowledge(*ids: str, organisation: str = HANOI) -> AcknowledgeDeliveries:
    return AcknowledgeDeliveries(organisation, "system-hanoi", ids)


def results(decision: Decision) -> list[str]:
    assert isinstance(decision, Decided | AlreadyDecided)
    assert isinstance(decision.answer, AcknowledgeAnswer)
    return [each.result for each in decision.answer.results]


def made(decision: Decision) -> list[tuple[str, int]]:
    assert isinstance(decision, Decided)
    (event,) = decision.events
    assert isinstance(event, DeliveriesMade)
    return [(each.state, each.mailbox_number) for each in event.deliveries]


def test_rule_11_a_delivery_is_made_once() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    assert house.give(make(Recipient("H26", HANOI))) == AlreadyDecided()
    assert made(house.give(make(Recipient("H26", HANOI), Recipient("H27", HATINH)))) == [
        ("ready", 1)
    ]


def test_rule_12_mailbox_numbers_run_without_gaps() -> None:
    house = House()
    numbers = [
        made(house.give(make(Recipient("H26", HANOI), document=f"{n}/CV")))[0][1]
        for n in range(1, 6)
    ]
    assert numbers == [1, 2, 3, 4, 5]


def test_rule_13_a_held_delivery_has_no_number_until_it_is_released() -> None:
    house = House()
    assert made(house.give(make(Recipient("H26", HANOI, held=True)))) == [("held", 0)]
    house.give(make(Recipient("H26", HANOI), document="13/CV"))
    house.give(ReleaseDeliveries(DOCUMENT, (HANOI,)))
    assert house.state(f"delivery/{AT_HANOI}").state == "ready"
    assert house.state(f"mailbox/{HANOI}").last_number == 2


def test_rule_14_a_release_that_comes_first_wins() -> None:
    house = House()
    house.give(ReleaseDeliveries(DOCUMENT, (HANOI,)))
    assert house.state(f"mailbox/{HANOI}").last_number == 0
    assert made(house.give(make(Recipient("H26", HANOI, held=True)))) == [("ready", 1)]


def test_rule_14_a_refusal_that_comes_first_wins() -> None:
    house = House()
    house.give(RefuseDeliveries(DOCUMENT, "file_unsigned", (HANOI,), SENDER))
    decision = house.give(make(Recipient("H26", HANOI, held=True)))
    assert made(decision) == [("refused", 0)]
    assert isinstance(decision, Decided)
    assert decision.events[0].deliveries[0].reason == "file_unsigned"


def test_rule_15_only_a_held_delivery_is_released_or_refused() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    assert house.give(ReleaseDeliveries(DOCUMENT, (HANOI,))) == AlreadyDecided()
    refused = RefuseDeliveries(DOCUMENT, "file_unsigned", (HANOI,), SENDER)
    assert house.give(refused) == AlreadyDecided()
    assert house.state(f"delivery/{AT_HANOI}").state == "ready"


def test_rule_16_acknowledging_is_the_hand_over_and_again_changes_nothing() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    first = house.give(acknowledge(AT_HANOI))
    assert results(first) == ["handed_over"]
    again = house.give(acknowledge(AT_HANOI))
    assert isinstance(again, AlreadyDecided)
    assert results(again) == ["already_handed_over"]


def test_rule_16_a_list_that_names_a_delivery_twice_hands_it_over_once() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    decision = house.give(acknowledge(AT_HANOI, AT_HANOI))
    assert isinstance(decision, Decided)
    assert len(decision.events[0].deliveries) == 1


def test_rule_17_each_delivery_of_a_list_is_answered_by_itself() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    house.give(make(Recipient("H27", HATINH)))
    house.give(make(Recipient("H26", HANOI, held=True), document="13/CV"))
    house.give(make(Recipient("H26", HANOI, held=True), document="14/CV"))
    held = delivery_id(identity("13/CV").document_id, HANOI)
    closed = delivery_id(identity("14/CV").document_id, HANOI)
    house.give(RefuseDeliveries(identity("14/CV").document_id, "file_unsigned", (HANOI,), SENDER))
    others = delivery_id(DOCUMENT, HATINH)
    decision = house.give(acknowledge(others, held, AT_HANOI, closed, "no-such"))
    assert results(decision) == [
        "unknown_delivery",
        "delivery_not_ready",
        "handed_over",
        "delivery_closed",
        "unknown_delivery",
    ]
    assert house.state(f"delivery/{others}").state == "ready"


STEPS = st.lists(
    st.tuples(st.sampled_from(["make", "held", "release", "refuse", "take"]), st.integers(0, 3)),
    max_size=40,
)


@given(STEPS)
def test_rules_11_to_17_hold_for_any_order_of_commands(steps: list[tuple[str, int]]) -> None:
    house = House()
    for what, document in steps:
        name = f"{document}/CV"
        document_id = identity(name).document_id
        house.give(
            {
                "make": make(Recipient("H26", HANOI), document=name),
                "held": make(Recipient("H26", HANOI, held=True), document=name),
                "release": ReleaseDeliveries(document_id, (HANOI,)),
                "refuse": RefuseDeliveries(document_id, "file_unsigned", (HANOI,), SENDER),
                "take": acknowledge(delivery_id(document_id, HANOI)),
            }[what]
        )
    numbers = [
        each.mailbox_number
        for event in house.events
        for each in getattr(event, "deliveries", ())
        if getattr(each, "mailbox_number", 0)
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    handed = [
        each.delivery_id
        for event in house.events
        if type(event).__name__ == "DeliveriesHandedOver"
        for each in event.deliveries
    ]
    assert len(handed) == len(set(handed))


def test_rule_26_a_hand_over_states_business_type_and_level_of_that_day() -> None:
    house = House()
    house.give(make(Recipient("H26", HANOI)))
    taking = acknowledge(AT_HANOI)
    house.give(taking, facts_of(taking, level=3))
    house.give(taking, facts_of(taking, level=1))
    (event,) = (each for each in house.events if isinstance(each, DeliveriesHandedOver))
    assert [(each.business_type, each.recipient_level) for each in event.deliveries] == [("new", 3)]
