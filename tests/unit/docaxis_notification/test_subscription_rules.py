from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_notification.domain import EVENT_TYPES
from docaxis_notification.domain.messages import (
    EndSubscription,
    SubscriptionEnded,
    SubscriptionMade,
)
from tests.unit.docaxis_notification.samples import Notifications, subscription

UNKNOWN = Refused("unknown_subscription")


def test_rule_1_a_subscription_is_made_once() -> None:
    service = Notifications()
    command = subscription(organisation_ids=("o",), event_types=("delivery.ready",))
    made = SubscriptionMade("s", "y", "https://a.example/h", ("o",), ("delivery.ready",))
    assert service.do(command) == Decided((made,))
    assert service.do(command) == AlreadyDecided()
    assert service.state("subscription/s").url == "https://a.example/h"


def test_rule_2_event_types_are_public_ones() -> None:
    wrong = Notifications().do(subscription(event_types=("delivery.ready", "document.read")))
    assert isinstance(wrong, Refused)
    assert (wrong.code, wrong.pointer) == ("field_invalid", "/event_types/1")
    assert isinstance(Notifications().do(subscription(event_types=EVENT_TYPES)), Decided)


def test_rule_2_lists_and_the_address_have_bounds() -> None:
    for wrong, pointer in (
        (subscription(url=""), "/url"),
        (subscription(url="https://a.example/" + "a" * 2000), "/url"),
        (subscription(organisation_ids=tuple(map(str, range(501)))), "/organisations"),
        (subscription(event_types=("delivery.ready",) * (len(EVENT_TYPES) + 1)), "/event_types"),
    ):
        refused = Notifications().do(wrong)
        assert isinstance(refused, Refused)
        assert refused.pointer == pointer


def test_rule_2_no_lists_mean_all() -> None:
    service = Notifications()
    service.do(subscription())
    state = service.state("subscription/s")
    assert all(state.wants(event_type, "any") for event_type in EVENT_TYPES)


def test_rule_3_what_has_ended_or_is_anothers_is_made_by_nobody() -> None:
    service = Notifications()
    service.do(subscription())
    assert service.do(subscription(system_id="z")) == UNKNOWN
    service.do(EndSubscription("s", "y"))
    assert service.do(subscription()) == UNKNOWN


def test_rule_4_only_its_own_system_ends_it_and_once() -> None:
    service = Notifications()
    assert service.do(EndSubscription("s", "y")) == UNKNOWN
    service.do(subscription())
    assert service.do(EndSubscription("s", "z")) == UNKNOWN
    assert service.do(EndSubscription("s", "")) == UNKNOWN
    assert service.do(EndSubscription("s", "y")) == Decided((SubscriptionEnded("s"),))
    assert service.do(EndSubscription("s", "y")) == AlreadyDecided()
