from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, NotYet, Refused, Timer
from docaxis_notification.domain import WAITS, timer
from docaxis_notification.domain.messages import (
    AskReplay,
    AttemptDue,
    AttemptFailed,
    ChangeSubscription,
    Command,
    EndSubscription,
    NotificationDelivered,
    NotificationGivenUp,
    NotificationHeld,
    NotificationQueued,
    NotificationReplayed,
    RecordAttempt,
    ReplayAsked,
    ReplayNotification,
    RetryNotification,
    SubscriptionEnded,
)
from docaxis_notification.domain.notifications import DAY, PAUSED
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
        decision = service.do(attempted(attempt, "http_500"), now)
        assert isinstance(decision, Decided)
        (failed,) = decision.events
        assert failed == AttemptFailed("s", "n", attempt, "http_500", failed.retry_at)
        assert wait <= failed.retry_at - now <= wait * 1.2
        now = failed.retry_at
        assert service.do(due(attempt + 1), now) == Decided((AttemptDue("s", "n", attempt + 1),))
    last = len(WAITS) + 1
    given_up = NotificationGivenUp("s", "n", last, "http_500")
    assert service.do(attempted(last, "http_500"), now) == Decided((given_up,))
    assert list(WAITS) == sorted(WAITS)
    assert 2 <= (now - NOW) / 86_400_000 <= 4


def test_rule_7_what_failed_together_does_not_come_again_together() -> None:
    service = Notifications()
    service.do(subscription())
    for number in range(100):
        service.do(queued(notification_id=f"n{number}"))
        service.do(RecordAttempt("s", f"n{number}", 1, "http_503"))
    due_at = [event.retry_at for event in service.events if isinstance(event, AttemptFailed)]
    assert len(set(due_at)) > 50
    assert max(due_at) - min(due_at) > WAITS[0] * 0.15


def test_rule_7_a_receiver_may_ask_for_a_longer_wait_of_at_most_a_day() -> None:
    for asked, least in (
        (WAITS[0] - 1, WAITS[0]),
        (60_000, 60_000),
        (99 * DAY, DAY),
        (-5, WAITS[0]),
    ):
        service = started()
        service.do(RecordAttempt("s", "n", 1, "http_429", asked))
        assert least <= service.events[-1].retry_at - NOW <= least * 1.2


def test_rule_13_what_was_given_up_is_told_again_under_its_id() -> None:
    service, last = started(), len(WAITS) + 1
    replay = ReplayNotification("s", "n", "y")
    assert service.do(replay) == AlreadyDecided(), "it is under way"
    for attempt in range(1, last + 1):
        service.do(due(attempt), NOW + 9 * DAY)
        service.do(attempted(attempt, "timeout"))
    assert service.state("notification/n").state == "given_up"
    for stranger in ("z",):
        assert service.do(ReplayNotification("s", "n", stranger)) == Refused("unknown_subscription")
    assert service.do(ReplayNotification("s", "m", "y")) == Refused("unknown_notification")
    assert service.do(replay) == Decided((NotificationReplayed("s", "n"),))
    assert service.do(replay) == AlreadyDecided()
    service.do(attempted(1, "timeout"))
    assert service.state("notification/n").state == "retrying", "the ladder begins anew"


def test_rule_13_one_that_was_delivered_is_told_again_only_by_itself() -> None:
    service = started()
    service.do(attempted(1))
    assert service.do(ReplayNotification("s", "n")) == AlreadyDecided(), "a replay of all"
    assert isinstance(service.do(ReplayNotification("s", "n", "y")), Decided)


def test_rule_13_nothing_is_told_again_after_the_end() -> None:
    service = started()
    service.do(attempted(1))
    service.do(EndSubscription("s", "y"))
    assert service.do(ReplayNotification("s", "n", "y")) == Refused("unknown_subscription")
    assert service.do(AskReplay("s", "y", "given_up")) == Refused("unknown_subscription")


def paused(paused: bool = True) -> ChangeSubscription:
    return ChangeSubscription("s", "y", "https://a.example/h", paused=paused)


def test_rule_14_a_pause_holds_what_happens_and_its_end_tells_it() -> None:
    service = started()
    service.do(paused())
    assert service.do(attempted(1, PAUSED)) == Decided((NotificationHeld("s", "n", 1),))
    assert isinstance(service.do(queued(notification_id="m")), Decided), "it is queued all the same"
    decision = service.do(paused(False))
    assert isinstance(decision, Decided)
    assert isinstance(decision.events[-1], ReplayAsked)
    assert decision.events[-1].state == "held"
    assert service.do(ReplayNotification("s", "n")) == Decided((NotificationReplayed("s", "n"),))


def test_rule_14_a_pause_that_is_over_meanwhile_costs_no_attempt() -> None:
    service = started()
    service.do(paused())
    service.do(paused(False))
    assert service.do(attempted(1, PAUSED)) == Decided((AttemptDue("s", "n", 1),))


def test_rule_14_a_retry_that_comes_due_in_a_pause_is_held() -> None:
    service = started()
    service.do(attempted(1, "timeout"))
    service.do(paused())
    later = NOW + 2 * WAITS[0]
    assert service.do(due(2), later) == Decided((NotificationHeld("s", "n", 2),))


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
    assert service.do(due(2), NOW + 2 * WAITS[0]) == Decided((given_up,))


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
    at = service.events[-1].retry_at
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
