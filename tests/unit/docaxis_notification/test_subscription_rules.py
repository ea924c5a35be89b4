from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, NotYet, Refused, Timer
from docaxis_notification.domain import EVENT_TYPES, timer
from docaxis_notification.domain.messages import (
    ChangeSubscription,
    EndSubscription,
    ExpireSecret,
    RotateSecret,
    SecretExpired,
    SecretRotated,
    SubscriptionEnded,
    SubscriptionMade,
)
from tests.unit.docaxis_notification.samples import NOW, Notifications, subscription

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


def change(**others: Any) -> ChangeSubscription:
    told = {"subscription_id": "s", "system_id": "y", "url": "https://a.example/h", **others}
    return ChangeSubscription(**told)


def test_rule_2_document_types_are_groups_that_there_are() -> None:
    for wrong in (subscription(document_types=(2, 3)), subscription(document_types=(1, 0))):
        refused = Notifications().do(wrong)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.pointer) == ("field_invalid", "/document_types/1")
    service = Notifications()
    service.do(subscription(document_types=(1,)))
    state = service.state("subscription/s")
    assert [state.wants("delivery.ready", "o", each) for each in (0, 1, 2)] == [True, True, False]


def test_rule_11_it_is_changed_as_a_whole_by_its_own_system() -> None:
    service = Notifications()
    assert service.do(change()) == UNKNOWN
    service.do(subscription(organisation_ids=("o",)))
    assert service.do(change(organisation_ids=("o",))) == AlreadyDecided()
    assert service.do(change(system_id="z")) == UNKNOWN
    refused = service.do(change(event_types=("document.read",)))
    assert isinstance(refused, Refused)
    assert refused.pointer == "/event_types/0"
    other = change(url="https://b.example/", event_types=("delivery.ready",), document_types=(2,))
    assert isinstance(service.do(other), Decided)
    assert service.do(other) == AlreadyDecided()
    state = service.state("subscription/s")
    assert (state.url, state.organisation_ids) == ("https://b.example/", ())
    service.do(EndSubscription("s", "y"))
    assert service.do(change()) == UNKNOWN


def rotate(secret_id: str, overlap: int = 1000) -> RotateSecret:
    return RotateSecret("s", "y", secret_id, overlap)


def test_rule_12_the_old_secret_signs_beside_the_new_one_for_a_while() -> None:
    service = Notifications()
    assert service.do(rotate("a")) == UNKNOWN
    service.do(subscription())
    assert service.state("subscription/s").secret_ids == ("",)
    rotated = SecretRotated("s", "a", "", NOW + 1000)
    assert service.do(rotate("a")) == Decided((rotated,))
    assert service.do(rotate("a")) == AlreadyDecided()
    state = service.state("subscription/s")
    assert state.secret_ids == ("a", "")
    expire = ExpireSecret("s", "")
    assert timer(state) == Timer(NOW + 1000, expire)
    assert service.do(expire, NOW + 999) == NotYet()
    assert service.do(expire, NOW + 1000) == Decided((SecretExpired("s", ""),))
    assert service.state("subscription/s").secret_ids == ("a",)
    assert service.do(expire, NOW + 1000) == AlreadyDecided()
    assert timer(service.state("subscription/s")) is None


def test_rule_12_a_further_rotation_ends_the_overlap_before() -> None:
    service = Notifications()
    service.do(subscription())
    service.do(rotate("a"))
    dropped = SecretRotated("s", "b", "a", NOW + 7 * 86_400_000, "", True)
    assert service.do(rotate("b", 99 * 86_400_000)) == Decided((dropped,)), "at most 7 days"
    assert service.do(ExpireSecret("s", ""), NOW + 1000) == AlreadyDecided(), "an old timer's"
    assert service.state("subscription/s").secret_ids == ("b", "a")
