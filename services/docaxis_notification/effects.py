"""Attempts: a queued or due notification is posted, and how it went becomes a command (L19).

An attempt that a crash cut off is made again: the subscriber knows it by its `webhook-id`. The end
of a subscription removes its secret.
"""

from collections.abc import Sequence

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_eventsourcing.topics import partition_of
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.domain.messages import (
    AttemptDue,
    Event,
    NotificationQueued,
    RecordAttempt,
    SubscriptionEnded,
)
from docaxis_notification.domain.notifications import ENDED
from docaxis_notification.views import find_notification, find_subscription
from docaxis_notification.webhooks import WebhookSender


def secret_name(subscription_id: str) -> str:
    """Where a subscription's secret lies."""
    return f"webhook.{subscription_id}"


class WebhookWork:
    """The work that notification's own events ask for."""

    def __init__(
        self,
        sender: WebhookSender,
        webhooks: ViewReader,
        secrets: Secrets,
        partitions: int,
        view_deadline_s: float,
    ) -> None:
        self._sender = sender
        self._webhooks = webhooks
        self._secrets = secrets
        self._partitions = partitions
        self._view_deadline_s = view_deadline_s

    async def __call__(self, event: Event, envelope: Envelope) -> Sequence[FollowUp]:
        """Attempt what may begin; everything else asks for nothing."""
        match event:
            case NotificationQueued():
                return (await self._attempt(event, 1),)
            case AttemptDue():
                queued = await self._queued(event)
                return (await self._attempt(queued, event.attempt),)
            case SubscriptionEnded():
                await self._secrets.remove(secret_name(event.subscription_id))
        return ()

    async def _queued(self, event: AttemptDue) -> NotificationQueued:
        partition = partition_of(event.subscription_id, self._partitions)
        try:
            row = await find_notification(
                self._webhooks, event.notification_id, partition, self._view_deadline_s
            )
        except DocaxisError as error:
            raise Unavailable(error.code) from error
        if row is None:
            raise LookupError(f"the view has no notification {event.notification_id}")
        return row.queued

    async def _attempt(self, queued: NotificationQueued, attempt: int) -> FollowUp:
        partition = partition_of(queued.subscription_id, self._partitions)
        failure = await self._tell(queued, partition)
        command = RecordAttempt(queued.subscription_id, queued.notification_id, attempt, failure)
        return FollowUp(command, partition)

    async def _tell(self, queued: NotificationQueued, partition: int) -> str:
        try:
            subscription = await find_subscription(
                self._webhooks, queued.subscription_id, partition, self._view_deadline_s
            )
        except DocaxisError as error:
            raise Unavailable(error.code) from error
        if subscription is None or not subscription.active:
            return ENDED
        try:
            secret = await self._secrets.read(secret_name(queued.subscription_id))
        except FileNotFoundError:
            return ENDED  # its end removed it, and the view does not show that yet
        return await self._sender.send(subscription.url, secret, queued)


class WebhookEffects:
    """`Effects` with the sender's connections closed at the end."""

    def __init__(self, effects: Effects, sender: WebhookSender) -> None:
        self._effects = effects
        self._sender = sender
        self.health = effects.health

    async def run(self) -> None:
        """Ends only by cancellation."""
        try:
            await self._effects.run()
        finally:
            await self._sender.close()
