"""Notification in memory, as `fake_services`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_proto import notification_v1_pb2 as notification
from docaxis_proto.notification_v1_pb2_grpc import NotificationServicer
from tests.unit.docaxis_gateway.fake_registry import NOW_MS


class FakeNotification(NotificationServicer):
    """Subscriptions of each system."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, notification.Subscription]] = {}
        self.replayed: list[notification.ReplayNotificationsRequest] = []
        self.watched: list[notification.WatchEventsRequest] = []
        self.pages: list[list[notification.EventsPage | Exception]] = []
        """What each call of the stream answers before it is silent."""

    async def Subscribe(self, request: Any, context: Any) -> notification.SubscribeReply:
        subscription_id = derived_id(request.system_id, request.idempotency_key)
        made = notification.Subscription(
            subscription_id=subscription_id,
            url=request.url,
            organisation_ids=request.organisation_ids,
            event_types=request.event_types,
            active=True,
        )
        self.kept[subscription_id] = (request.system_id, made)
        return notification.SubscribeReply(
            subscription_id=subscription_id, secret="whsec_" + "a" * 32
        )

    async def GetSubscription(self, request: Any, context: Any) -> Any:
        return notification.GetSubscriptionReply(subscription=self._mine(request))

    async def ChangeSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        changed = notification.Subscription(
            subscription_id=request.subscription_id,
            url=request.url,
            organisation_ids=request.organisation_ids,
            event_types=request.event_types,
            document_types=request.document_types,
            paused=request.paused,
            active=True,
        )
        self.kept[request.subscription_id] = (request.system_id, changed)
        return notification.ChangeSubscriptionReply(subscription=changed)

    async def RotateSecret(self, request: Any, context: Any) -> Any:
        self._mine(request)
        until = NOW_MS + request.overlap_s * 1000
        return notification.RotateSecretReply(
            secret="whsec_" + "b" * 32, previous_secret_until=until
        )

    async def TestSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        return notification.TestSubscriptionReply(
            notification_id=derived_id("t"), failure="http_500", http_status=500, milliseconds=7
        )

    async def ReplayNotifications(self, request: Any, context: Any) -> Any:
        self._mine(request)
        self.replayed.append(request)
        return notification.ReplayNotificationsReply()

    async def WatchEvents(
        self, request: Any, context: Any
    ) -> AsyncIterator[notification.EventsPage]:
        self.watched.append(request)
        for page in self.pages.pop(0) if self.pages else ():
            if isinstance(page, Exception):
                raise page
            yield page
        await asyncio.Event().wait()

    async def EndSubscription(self, request: Any, context: Any) -> Any:
        self._mine(request)
        del self.kept[request.subscription_id]
        return notification.EndSubscriptionReply()

    async def ListSubscriptions(self, request: Any, context: Any) -> Any:
        mine = [each for owner, each in self.kept.values() if owner == request.system_id]
        return notification.ListSubscriptionsReply(subscriptions=mine)

    async def ListNotifications(self, request: Any, context: Any) -> Any:
        self._mine(request)
        state = notification.NotificationState(
            notification_id=derived_id("n"), event_type="delivery.ready", state="queued"
        )
        return notification.ListNotificationsReply(notifications=[state])

    def _mine(self, request: Any) -> notification.Subscription:
        owner, found = self.kept.get(request.subscription_id, ("", notification.Subscription()))
        if owner != request.system_id:
            raise DocaxisError("unknown_subscription")
        return found
