"""Attempts: a queued or due notification is posted, and how it went becomes a command (L19).

An attempt that a crash cut off is made again: the subscriber knows it by its `webhook-id`. What is
to be told again is found in the view, a page at a time. Secrets that sign no more are removed.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_eventsourcing.topics import partition_of
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.domain.messages import (
    AskReplay,
    AttemptDue,
    Event,
    NotificationQueued,
    NotificationReplayed,
    RecordAttempt,
    ReplayAsked,
    ReplayNotification,
    SecretExpired,
    SecretRotated,
    SubscriptionEnded,
)
from docaxis_notification.domain.notifications import ENDED, PAUSED
from docaxis_notification.secret_names import secret_name, signing_secrets
from docaxis_notification.views import find_notification, find_subscription, notifications_of
from docaxis_notification.webhooks import Attempt, WebhookSender

Found = TypeVar("Found")

REPLAY_PAGE = 500


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
        """Attempt what may begin, find what is told again; everything else asks for nothing."""
        match event:
            case NotificationQueued():
                return (await self._attempt(event, 1),)
            case AttemptDue():
                return (await self._attempt(await self._queued(event, envelope), event.attempt),)
            case NotificationReplayed():
                return (await self._attempt(await self._queued(event, envelope), 1),)
            case ReplayAsked():
                return await self._replays(event, envelope)
            case SubscriptionEnded():
                await self._remove_secrets(event, envelope)
            case SecretRotated() if event.dropped:
                await self._remove(event.subscription_id, event.dropped_secret_id)
            case SecretExpired():
                await self._remove(event.subscription_id, event.secret_id)
        return ()

    def _partition(self, subscription_id: str) -> int:
        return partition_of(subscription_id, self._partitions)

    async def _queued(
        self, event: AttemptDue | NotificationReplayed, envelope: Envelope
    ) -> NotificationQueued:
        """The view has passed this event: a pause that ended before it is not found again."""
        partition = self._partition(event.subscription_id)
        await _seen(
            self._webhooks.pass_version(partition, envelope.sequence, self._view_deadline_s)
        )
        row = await _seen(
            find_notification(
                self._webhooks,
                event.notification_id,
                partition,
                self._view_deadline_s,
            )
        )
        if row is None:
            raise LookupError(f"the view has no notification {event.notification_id}")
        return row.queued

    async def _attempt(self, queued: NotificationQueued, attempt: int) -> FollowUp:
        partition = self._partition(queued.subscription_id)
        went = await self._tell(queued, partition)
        return FollowUp(
            RecordAttempt(
                queued.subscription_id,
                queued.notification_id,
                attempt,
                went.failure,
                went.retry_after,
            ),
            partition,
        )

    async def _tell(self, queued: NotificationQueued, partition: int) -> Attempt:
        subscription = await _seen(
            find_subscription(
                self._webhooks, queued.subscription_id, partition, self._view_deadline_s
            )
        )
        if subscription is None or not subscription.active:
            return Attempt(ENDED)
        if subscription.paused:
            return Attempt(PAUSED)
        secrets = await signing_secrets(self._secrets, subscription)
        if not secrets:
            return Attempt(ENDED)  # its end removed them, and the view does not show that yet
        return await self._sender.send(subscription.url, secrets, queued)

    async def _replays(self, event: ReplayAsked, envelope: Envelope) -> Sequence[FollowUp]:
        """A page of those to tell again, and the question for the next one."""
        partition = self._partition(event.subscription_id)
        await _seen(
            self._webhooks.pass_version(partition, envelope.sequence, self._view_deadline_s)
        )
        rows = await notifications_of(
            self._webhooks, event.subscription_id, event.after, REPLAY_PAGE, event.state
        )
        upto = min(event.upto, envelope.sequence)  # what comes later was not asked for
        commands: list[ReplayNotification | AskReplay] = [
            ReplayNotification(event.subscription_id, row.queued.notification_id)
            for row in rows
            if row.number <= upto
        ]
        if len(commands) == REPLAY_PAGE:
            commands.append(
                AskReplay(event.subscription_id, "", event.state, rows[-1].number, upto)
            )
        return [FollowUp(command, partition) for command in commands]

    async def _remove_secrets(self, event: SubscriptionEnded, envelope: Envelope) -> None:
        partition = self._partition(event.subscription_id)
        await _seen(
            self._webhooks.pass_version(partition, envelope.sequence, self._view_deadline_s)
        )
        subscription = await _seen(
            find_subscription(
                self._webhooks, event.subscription_id, partition, self._view_deadline_s
            )
        )
        for secret_id in subscription.secret_ids if subscription else ("",):
            await self._remove(event.subscription_id, secret_id)

    async def _remove(self, subscription_id: str, secret_id: str) -> None:
        await self._secrets.remove(secret_name(subscription_id, secret_id))


async def _seen(asked: Awaitable[Found]) -> Found:
    """What a view answers; where it lags the work is tried again."""
    try:
        return await asked
    except DocaxisError as error:
        raise Unavailable(error.code) from error


class WebhookEffects:
    """`Effects` with the sender's connections closed at the end."""

    def __init__(self, effects: Effects, sender: WebhookSender) -> None:
        self._effects = effects
        self._sender = sender
        self.health = effects.health

    @property
    def follows(self) -> tuple[str, str]:
        """The group, and the topic that it goes through."""
        return self._effects.follows

    async def run(self) -> None:
        """Ends only by cancellation."""
        try:
            await self._effects.run()
        finally:
            await self._sender.close()
