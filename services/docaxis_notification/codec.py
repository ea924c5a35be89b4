"""Notification's domain <-> protobuf, and the foreign events that it reads; nothing else."""

from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_notification.domain import messages
from docaxis_proto import notification_commands_v1_pb2 as commands
from docaxis_proto import notification_events_v1_pb2 as events
from docaxis_proto import (
    registry_events_v1_pb2,
    routing_events_v1_pb2,
    status_events_v1_pb2,
)

CODEC = MessageCodec(
    (
        (messages.MakeSubscription, commands.MakeSubscription),
        (messages.EndSubscription, commands.EndSubscription),
        (messages.QueueNotification, commands.QueueNotification),
        (messages.RecordAttempt, commands.RecordAttempt),
        (messages.RetryNotification, commands.RetryNotification),
        (messages.SubscriptionMade, events.SubscriptionMade),
        (messages.SubscriptionEnded, events.SubscriptionEnded),
        (messages.NotificationQueued, events.NotificationQueued),
        (messages.AttemptFailed, events.AttemptFailed),
        (messages.AttemptDue, events.AttemptDue),
        (messages.NotificationDelivered, events.NotificationDelivered),
        (messages.NotificationGivenUp, events.NotificationGivenUp),
    )
)
"""Commands and events of notification itself."""

ROUTING_EVENTS = MessageCodec(
    (),
    foreign=(
        routing_events_v1_pb2.DocumentSubmitted,
        routing_events_v1_pb2.RecipientsAdded,
        routing_events_v1_pb2.VerdictNoted,
        routing_events_v1_pb2.DeliveriesMade,
        routing_events_v1_pb2.DeliveriesReleased,
        routing_events_v1_pb2.DeliveriesRefused,
        routing_events_v1_pb2.DeliveriesHandedOver,
        routing_events_v1_pb2.DeliveriesExpired,
        routing_events_v1_pb2.DeliveriesReopened,
    ),
)
"""What is told of documents and deliveries."""

STATUS_EVENTS = MessageCodec((), foreign=(status_events_v1_pb2.StatusesReported,))
"""What is told of statuses."""

REGISTRY_EVENTS = MessageCodec(
    (),
    foreign=(
        registry_events_v1_pb2.SystemRegistered,
        registry_events_v1_pb2.SystemServes,
        registry_events_v1_pb2.SystemLocked,
    ),
)
"""Which system serves which organisations, kept as a local view."""
