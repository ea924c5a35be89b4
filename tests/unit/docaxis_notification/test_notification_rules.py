from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, NotYet, Timer
from docaxis_notification.domain import WAITS, timer
from docaxis_notification.domain.messages import (
    AttemptDue,
    AttemptFailed,
    Command,
    EndSubscription,
    NotificationDelivered,
    NotificationGivenUp,
    NotificationQueued,
    RecordAttempt,
    RetryNotification,
    SubscriptionEnded,
)
from tests.unit.docaxis_notification.samples import NOW, Notifications, queued, subscription


def started() -> Notifications:
    service = Notifications()
    service.do(subscription())
    service.do(queued())
    return service


def attempted(attempt: int, failure: str = "") -> RecordAttempt:
    return RecordAttempt("s", "n", attempt, failure)


def due(attempt: int) -> RetryNotification:
    return RetryNotification("s", "n", attempt)


def test_rule_5_a_notification_is_queued_once() -> None:
    service = Notifications()
    service.do(subscription())
    event = NotificationQueued("s", "n", "delivery.ready", queued().organisation_id, "d", "v", NOW)
    assert service.do(queued()) == Decided((event,))
    assert service.do(queued()) == AlreadyDecided()


def test_rule_5_only_what_an_active_subscription_wants_is_queued() -> None:
    service = Notifications()
    assert service.do(queued()) == AlreadyDecided(), "nobody subscribed"
    service.do(subscription(organisation_ids=("o",), event_types=("delivery.ready",)))
    assert service.do(queued(organisation_id="p")) == AlreadyDecided()
    wrong_type = queued(organisation_id="o", event_type="delivery.refused")
    assert service.do(wrong_type) == AlreadyDecided()
    service.do(EndSubscription("s", "y"))
    assert service.do(queued(organisation_id="o")) == AlreadyDecided()


def test_rule_6_success_delivers_and_is_recorded_once() -> None:
    service = started()
    assert service.do(attempted(1)) == Decided((NotificationDelivered("s", "n", 1),))
    assert service.do(attempted(1)) == AlreadyDecided()
    assert service.do(attempted(1, "timeout")) == AlreadyDecided()


def test_rule_6_only_the_attempt_under_way_is_recorded() -> None:
    service = started()
    assert service.do(attempted(2)) == AlreadyDecided()
    service.do(attempted(1, "timeout"))
    assert service.do(attempted(1)) == AlreadyDecided()
    assert service.do(attempted(2)) == AlreadyDecided(), "it has not begun"


def test_rule_7_waits_grow_and_then_it_is_given_up() -> None:
    service, now = started(), NOW
    for attempt, wait in enumerate(WAITS, start=1):
        failed = AttemptFailed("s", "n", attempt, "http_500", now + wait)
        assert service.do(attempted(attempt, "http_500"), now) == Decided((failed,))
        now += wait
        assert service.do(due(attempt + 1), now) == Decided((AttemptDue("s", "n", attempt + 1),))
    last = len(WAITS) + 1
    given_up = NotificationGivenUp("s", "n", last, "http_500")
    assert service.do(attempted(last, "http_500"), now) == Decided((given_up,))
    assert list(WAITS) == sorted(WAITS)
    assert 2 <= (now - NOW) / 86_400_000 <= 4


def test_rule_7_foreign_text_is_no_failure() -> None:
    service = started()
    service.do(attempted(1, "<html>Internal Server Error"))
    assert service.events[-1].failure == "failed"


def test_rule_8_what_fails_after_the_end_is_given_up_quietly() -> None:
    service = started()
    service.do(EndSubscription("s", "y"))
    given_up = NotificationGivenUp("s", "n", 1, "subscription_ended")
    assert service.do(attempted(1, "timeout")) == Decided((given_up,))


def test_rule_8_what_waits_at_the_end_is_given_up_when_its_time_comes() -> None:
    service = started()
    service.do(attempted(1, "timeout"))
    service.do(EndSubscription("s", "y"))
    given_up = NotificationGivenUp("s", "n", 1, "subscription_ended")
    assert service.do(due(2), NOW + WAITS[0]) == Decided((given_up,))


def test_rule_8_what_was_taken_before_the_end_stays_delivered() -> None:
    service = started()
    service.do(EndSubscription("s", "y"))
    assert service.do(attempted(1)) == Decided((NotificationDelivered("s", "n", 1),))


def test_rule_9_gone_ends_the_subscription() -> None:
    service = started()
    events = (NotificationGivenUp("s", "n", 1, "gone"), SubscriptionEnded("s"))
    assert service.do(attempted(1, "gone")) == Decided(events)
    assert not service.state("subscription/s").active


def test_rule_9_the_second_gone_finds_it_ended() -> None:
    service = started()
    service.do(queued(notification_id="m"))
    service.do(attempted(1, "gone"))
    given_up = NotificationGivenUp("s", "m", 1, "subscription_ended")
    assert service.do(RecordAttempt("s", "m", 1, "gone")) == Decided((given_up,))


def test_rule_10_what_waits_is_a_timer_and_not_due_before_its_time() -> None:
    service = started()
    assert timer(service.state("notification/n")) is None
    service.do(attempted(1, "timeout"))
    at = NOW + WAITS[0]
    assert timer(service.state("notification/n")) == Timer(at, due(2))
    assert service.do(due(2), at - 1) == NotYet()
    assert service.do(due(2), at) == Decided((AttemptDue("s", "n", 2),))
    assert timer(service.state("notification/n")) is None
    assert service.do(due(2), at) == AlreadyDecided()
    assert timer(service.state("subscription/s")) is None


commands = st.one_of(
    st.just(subscription()),
    st.just(EndSubscription("s", "y")),
    st.just(queued()),
    st.builds(due, st.integers(1, 12)),
    st.builds(attempted, st.integers(1, 12), st.sampled_from(("", "timeout", "gone"))),
)


@given(st.lists(st.tuples(commands, st.integers(0, 90_000_000)), max_size=60))
def test_in_any_order_a_notification_ends_at_most_once(steps: list[tuple[Command, int]]) -> None:
    service, now = Notifications(), NOW
    for command, passes in steps:
        now += passes
        service.do(command, now)
    kinds = [type(event) for event in service.events]
    ends = [kind for kind in kinds if kind in (NotificationDelivered, NotificationGivenUp)]
    assert len(ends) <= 1
    assert kinds.count(NotificationQueued) <= 1
    assert kinds.count(SubscriptionEnded) <= 1
    attempts = [event.attempt for event in service.events if isinstance(event, AttemptFailed)]
    assert attempts == list(range(1, len(attempts) + 1))
    waiting = timer(service.state("notification/n"))
    assert (waiting is not None) == (service.state("notification/n").state == "retrying")
