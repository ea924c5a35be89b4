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
        (messages.ChangeSubscription, commands.ChangeSubscription),
        (messages.EndSubscription, commands.EndSubscription),
        (messages.RotateSecret, commands.RotateSecret),
        (messages.ExpireSecret, commands.ExpireSecret),
        (messages.AskReplay, commands.AskReplay),
        (messages.QueueNotification, commands.QueueNotification),
        (messages.RecordAttempt, commands.RecordAttempt),
        (messages.RetryNotification, commands.RetryNotification),
        (messages.ReplayNotification, commands.ReplayNotification),
        (messages.SubscriptionMade, events.SubscriptionMade),
        (messages.SubscriptionChanged, events.SubscriptionChanged),
        (messages.SubscriptionEnded, events.SubscriptionEnded),
        (messages.SecretRotated, events.SecretRotated),
        (messages.SecretExpired, events.SecretExpired),
        (messages.ReplayAsked, events.ReplayAsked),
        (messages.NotificationQueued, events.NotificationQueued),
        (messages.AttemptFailed, events.AttemptFailed),
        (messages.AttemptDue, events.AttemptDue),
        (messages.NotificationDelivered, events.NotificationDelivered),
        (messages.NotificationGivenUp, events.NotificationGivenUp),
        (messages.NotificationReplayed, events.NotificationReplayed),
        (messages.NotificationHeld, events.NotificationHeld),
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

DOCUMENT_EVENTS = MessageCodec((), foreign=(routing_events_v1_pb2.DocumentSubmitted,))
"""Of which type a document is, kept as a local view."""

STATUS_EVENTS = MessageCodec((), foreign=(status_events_v1_pb2.StatusesReported,))
"""What is told of statuses."""

REGISTRY_EVENTS = MessageCodec(
    (),
    foreign=(
        registry_events_v1_pb2.SystemRegistered,
        registry_events_v1_pb2.SystemServes,
        registry_events_v1_pb2.SystemLocked,
        registry_events_v1_pb2.SystemOnboarded,
    ),
)
"""Which system serves which organisations, kept as a local view."""
