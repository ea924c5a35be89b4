from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.view import Rows, View
from docaxis_notification.domain import SubscriptionState
from docaxis_notification.domain.messages import (
    AttemptDue,
    AttemptFailed,
    EndSubscription,
    NotificationDelivered,
    NotificationGivenUp,
    NotificationQueued,
    RecordAttempt,
)
from docaxis_notification.views import SYSTEMS, WEBHOOKS, NotificationRow
from docaxis_proto import registry_events_v1_pb2 as registry
from tests.unit.docaxis_notification.samples import NOW, Notifications, queued, subscription


def project(view: View, *events: Any) -> Rows:
    rows = Rows()
    for number, event in enumerate(events, start=7):
        envelope = Envelope(id=f"e{number}", type="t", source="s", sequence=number)
        for table, key in view.keys(event, envelope):
            if row := rows.get(table, key):
                rows.load(table, {key: row})
        view.project(rows, event, envelope)
    return rows


def shown(*events: Any) -> NotificationRow:
    row = project(WEBHOOKS, NotificationQueued("s", "n", "t", "o", "d", "v", NOW), *events).get(
        "notifications", "n"
    )
    assert row is not None
    return msgspec.msgpack.decode(row.blob, type=NotificationRow)


def test_a_subscription_is_live_until_it_ends() -> None:
    service = Notifications()
    service.do(subscription())
    row = project(WEBHOOKS, *service.events).get("subscriptions", "s")
    assert row is not None
    assert row.fields == {"system": "y", "live": "y"}
    service.do(EndSubscription("s", "y"))
    row = project(WEBHOOKS, *service.events).get("subscriptions", "s")
    assert row is not None
    assert row.fields == {"system": "y", "live": None}
    assert msgspec.msgpack.decode(row.blob, type=SubscriptionState).ended


def test_a_notification_shows_how_its_attempts_went() -> None:
    assert (shown().state, shown().attempts, shown().number) == ("queued", 0, 7)
    failed = AttemptFailed("s", "n", 1, "timeout", NOW + 5)
    waiting = shown(failed)
    assert (waiting.state, waiting.attempts, waiting.failure, waiting.retry_at) == (
        "retrying",
        1,
        "timeout",
        NOW + 5,
    )
    again = shown(failed, AttemptDue("s", "n", 2))
    assert (again.state, again.retry_at) == ("retrying", 0)
    taken = shown(failed, AttemptDue("s", "n", 2), NotificationDelivered("s", "n", 2))
    assert (taken.state, taken.attempts, taken.failure, taken.number) == ("delivered", 2, "", 7)
    dead = shown(failed, NotificationGivenUp("s", "n", 10, "timeout"))
    assert (dead.state, dead.attempts, dead.failure) == ("given_up", 10, "timeout")


def test_a_second_fold_gives_the_same_rows() -> None:
    service = Notifications()
    service.do(subscription())
    service.do(queued())
    service.do(RecordAttempt("s", "n", 1, "timeout"))
    once, again = project(WEBHOOKS, *service.events), project(WEBHOOKS, *service.events)
    assert once.changes() == again.changes()


def test_a_locked_system_serves_nobody() -> None:
    registered = registry.SystemRegistered(system_id="y", organisation_ids=["o", "p"])
    serves = registry.SystemServes(system_id="y", organisation_ids=["q"])
    lock = registry.SystemLocked(system_id="y", locked=True)
    unlock = registry.SystemLocked(system_id="y", locked=False)

    def served(*events: Any) -> Any:
        row = project(SYSTEMS, *events).get("systems", "y")
        assert row is not None
        return row.fields["organisations"]

    assert served(registered) == ("o", "p")
    assert served(registered, lock) == ()
    assert served(registered, lock, serves) == ()
    assert served(registered, lock, serves, unlock) == ("q",)
    suspend = registry.SystemOnboarded(system_id="y", state="suspended")
    resume = registry.SystemOnboarded(system_id="y", state="connected")
    assert served(registered, suspend) == ()
    assert served(registered, suspend, unlock) == ()
    assert served(registered, suspend, lock, resume) == ()
    assert served(registered, suspend, resume) == ("o", "p")
