import msgspec
import pytest

from docaxis_notification.codec import CODEC
from docaxis_notification.domain import STATES
from docaxis_notification.domain import messages as m
from docaxis_proto import notification_commands_v1_pb2, notification_events_v1_pb2
from tests.unit.docaxis_notification.samples import NOW, Notifications, queued, subscription


@pytest.mark.parametrize(
    "told",
    [
        subscription(organisation_ids=("o", "p"), event_types=("delivery.ready",)),
        m.EndSubscription("s", "y"),
        queued(),
        m.RecordAttempt("s", "n", 3, "timeout"),
        m.RetryNotification("s", "n", 4),
        m.SubscriptionMade("s", "y", "https://a.example", ("o",), ()),
        m.SubscriptionEnded("s"),
        m.NotificationQueued("s", "n", "status.reported", "o", "d", "", NOW),
        m.AttemptFailed("s", "n", 1, "http_500", NOW),
        m.AttemptDue("s", "n", 2),
        m.NotificationDelivered("s", "n", 2),
        m.NotificationGivenUp("s", "n", 10, "unreachable"),
    ],
    ids=lambda told: type(told).__name__,
)
def test_what_is_written_is_read_back(told: object) -> None:
    name, data = CODEC.encode(told)
    assert name == f"docaxis.notification.v1.{type(told).__name__}"
    assert CODEC.decode(name, data) == told


def test_every_message_of_the_protocol_is_known() -> None:
    for file in (notification_commands_v1_pb2, notification_events_v1_pb2):
        for name in file.DESCRIPTOR.message_types_by_name:
            assert CODEC.knows(f"docaxis.notification.v1.{name}")


def test_states_are_kept_as_they_are() -> None:
    service = Notifications()
    service.do(subscription(organisation_ids=("recipient-organisation",)))
    service.do(queued())
    service.do(m.RecordAttempt("s", "n", 1, "timeout"))
    assert len(service.states) == 2
    for name, state in service.states.items():
        of = STATES[name.partition("/")[0]]
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=of) == state
