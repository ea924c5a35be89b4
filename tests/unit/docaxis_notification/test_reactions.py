from typing import Any

import pytest

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.topics import partition_of
from docaxis_notification.domain import EVENT_TYPES, SubscriptionState
from docaxis_notification.domain.messages import QueueNotification
from docaxis_notification.happenings import Happening, happenings
from docaxis_notification.reactions import Audience, NotificationReactions
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_events_v1_pb2 as status
from tests.unit.docaxis_notification.samples import (
    NOW,
    RECIPIENT,
    SENDER,
    brief,
    deliveries_made,
)

ENVELOPE = Envelope(id="e", type="t", source="docaxis/routing", time=NOW)
REPORT = status.StatusesReported(
    organisation_id=RECIPIENT,
    statuses=[
        status.Status(delivery_id="v", document_id="d", code=code, sender_organisation_id=SENDER)
        for code in ("03", "13")
    ],
)
TOLD: list[tuple[Any, list[Happening]]] = [
    (routing.DocumentSubmitted(brief=brief()), [Happening("document.accepted", SENDER, "d")]),
    (routing.RecipientsAdded(brief=brief()), [Happening("document.accepted", SENDER, "d")]),
    (
        routing.VerdictNoted(document_id="d", sender_organisation_id=SENDER, status="valid"),
        [Happening("document.verified", SENDER, "d")],
    ),
    (
        deliveries_made(2),
        [
            Happening("delivery.ready", RECIPIENT, "d", "v0"),
            Happening("delivery.ready", RECIPIENT, "d", "v1"),
        ],
    ),
    (deliveries_made(1, "refused"), [Happening("delivery.refused", SENDER, "d", "v0")]),
    (deliveries_made(1, "held"), []),
    (
        routing.DeliveriesReleased(
            document_id="d",
            deliveries=[
                routing.DeliveryReleased(
                    delivery_id="v0", organisation_id=RECIPIENT, mailbox_number=4
                ),
                routing.DeliveryReleased(delivery_id="v1", organisation_id=RECIPIENT),
            ],
        ),
        [Happening("delivery.ready", RECIPIENT, "d", "v0")],
    ),
    (
        routing.DeliveriesRefused(
            document_id="d",
            sender_organisation_id=SENDER,
            deliveries=[routing.DeliveryClosed(delivery_id="v", organisation_id=RECIPIENT)],
        ),
        [Happening("delivery.refused", SENDER, "d", "v")],
    ),
    (
        routing.DeliveriesHandedOver(
            organisation_id=RECIPIENT,
            deliveries=[
                routing.HandOver(delivery_id="v", document_id="d", sender_organisation_id=SENDER)
            ],
        ),
        [Happening("delivery.handed_over", SENDER, "d", "v")],
    ),
    (
        routing.DeliveriesExpired(
            document_id="d",
            sender_organisation_id=SENDER,
            deliveries=[routing.DeliveryClosed(delivery_id="v", organisation_id=RECIPIENT)],
        ),
        [
            Happening("delivery.expired", SENDER, "d", "v"),
            Happening("delivery.expired", RECIPIENT, "d", "v"),
        ],
    ),
    (
        routing.DeliveriesReopened(
            document_id="d",
            sender_organisation_id=SENDER,
            deliveries=[
                routing.DeliveryReleased(
                    delivery_id="v", organisation_id=RECIPIENT, mailbox_number=2
                )
            ],
        ),
        [Happening("delivery.ready", RECIPIENT, "d", "v")],
    ),
    (
        REPORT,
        [
            Happening("status.reported", SENDER, "d", "v"),
            Happening("status.reported", RECIPIENT, "d", "v"),
        ],
    ),
    (status.TimelinesOpened(), []),
]


@pytest.mark.parametrize(("event", "expected"), TOLD, ids=lambda each: type(each).__name__)
def test_whom_an_event_concerns(event: Any, expected: list[Happening]) -> None:
    assert happenings(event) == expected


def test_every_public_type_is_told_of_something() -> None:
    assert {each.event_type for _, told in TOLD for each in told} == set(EVENT_TYPES)


def subscribed(id: str, **others: Any) -> SubscriptionState:
    return SubscriptionState(id, "y", "https://a.example", **others)


def test_each_delivery_of_a_chunk_is_one_notification_a_subscription() -> None:
    subscribers = {RECIPIENT: [subscribed("s1"), subscribed("s2")], SENDER: [subscribed("s3")]}
    react = NotificationReactions(12).to_public_events
    follow_ups = react(deliveries_made(500), ENVELOPE, Audience(subscribers))
    commands = [each.command for each in follow_ups]
    assert len({command.notification_id for command in commands}) == 1000
    assert {command.delivery_id for command in commands} == {f"v{n}" for n in range(500)}
    assert all(isinstance(command, QueueNotification) for command in commands)
    for each in follow_ups:
        assert each.partition == partition_of(each.command.subscription_id, 12)
        assert each.command.occurred_at == NOW
    assert react(deliveries_made(500), ENVELOPE, Audience(subscribers)) == follow_ups, (
        "repeats are the same"
    )


def test_an_id_does_not_depend_on_who_else_subscribes() -> None:
    react = NotificationReactions(12).to_public_events
    alone = react(deliveries_made(), ENVELOPE, Audience({RECIPIENT: [subscribed("s")]}))
    two = Audience({RECIPIENT: [subscribed("a"), subscribed("s")]})
    both = react(deliveries_made(), ENVELOPE, two)
    assert alone[0].command == both[1].command


def test_only_what_a_subscription_wants_is_told() -> None:
    react = NotificationReactions(12).to_public_events
    others = [
        subscribed("s", event_types=("delivery.refused",)),
        subscribed("t", organisation_ids=("another",)),
        subscribed("u", ended=True),
    ]
    assert react(deliveries_made(), ENVELOPE, Audience({RECIPIENT: others})) == []
    assert react(deliveries_made(), ENVELOPE, Audience()) == []


def test_a_document_type_that_is_not_known_is_told() -> None:
    react = NotificationReactions(12).to_public_events
    wanting = {RECIPIENT: [subscribed("s", document_types=(2,))]}
    for types, told in (({"d": 1}, []), ({"d": 2}, [2]), ({}, [0])):
        follow_ups = react(deliveries_made(), ENVELOPE, Audience(wanting, types))
        assert [each.command.document_type for each in follow_ups] == told
