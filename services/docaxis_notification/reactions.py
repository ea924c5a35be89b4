"""Public events become notifications: one for each thing that happened and each subscription.

Pure: who subscribes is gathered from the views beforehand (`audience`), the runner is
`docaxis_eventsourcing.reactions`. A chunk event of 500 deliveries gives one notification a
delivery; its id is computed, so that what is read twice is told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.topics import partition_of
from docaxis_notification.domain.messages import QueueNotification
from docaxis_notification.domain.subscriptions import SubscriptionState
from docaxis_notification.happenings import happenings

Subscribers = Mapping[str, Sequence[SubscriptionState]]
"""The active subscriptions of the systems that serve an organisation, by its id."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may be told of a batch of events, and of which type their documents are."""

    subscribers: Subscribers = field(default_factory=dict)
    document_types: Mapping[str, int] = field(default_factory=dict)
    """Groups by document id; empty where nobody asks for types."""


class NotificationReactions:
    """The reactions of an installation with a number of partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def to_public_events(
        self, event: Any, envelope: Envelope, audience: Audience
    ) -> Sequence[FollowUp]:
        """The notifications of one event."""
        return [
            FollowUp(
                QueueNotification(
                    subscription_id=subscription.subscription_id,
                    notification_id=derived_id(
                        "notification", envelope.id, place, subscription.subscription_id
                    ),
                    event_type=happening.event_type,
                    organisation_id=happening.organisation_id,
                    document_id=happening.document_id,
                    delivery_id=happening.delivery_id,
                    occurred_at=envelope.time,
                    document_type=audience.document_types.get(happening.document_id, 0),
                ),
                partition_of(subscription.subscription_id, self._partitions),
            )
            for place, happening in enumerate(happenings(event))
            for subscription in audience.subscribers.get(happening.organisation_id, ())
            if subscription.wants(
                happening.event_type,
                happening.organisation_id,
                audience.document_types.get(happening.document_id, 0),
            )
        ]
