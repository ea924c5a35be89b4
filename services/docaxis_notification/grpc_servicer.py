"""Notification's RPCs: protobuf <-> commands and queries, nothing else."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from docaxis_eventsourcing.cursors import Number, decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_eventsourcing.topics import partition_of
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.codec import CODEC
from docaxis_notification.domain import messages
from docaxis_notification.domain.subscriptions import (
    EVENT_TYPES,
    GIVEN_UP,
    SubscriptionState,
    fault_in,
)
from docaxis_notification.event_feed import EventFeed
from docaxis_notification.feed_recent import Wanted
from docaxis_notification.grpc_answers import (
    notification_answer,
    public_event,
    refusal,
    subscription_answer,
    told_secret,
)
from docaxis_notification.secret_names import secret_name, signing_secrets
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.views import find_subscription, notifications_of, subscriptions_of
from docaxis_notification.webhook_urls import url_fault
from docaxis_notification.webhooks import WebhookSender
from docaxis_proto import notification_v1_pb2 as rpc
from docaxis_proto import notification_v1_pb2_grpc as rpc_grpc

SECRET_BYTES = 32
STATES = ("queued", "retrying", "held", "delivered", "given_up")
TEST_TYPE = "subscription.test"
"""Told by a test alone; nobody subscribes to it."""


HEARTBEAT_S, LONGEST_HEARTBEAT_S = 15, 60

_Asked = (
    messages.MakeSubscription
    | messages.ChangeSubscription
    | messages.EndSubscription
    | messages.RotateSecret
    | messages.AskReplay
    | messages.ReplayNotification
)


class NotificationServicer(rpc_grpc.NotificationServicer):
    """Raises `DocaxisError`; that the system serves the organisations is its caller's to check."""

    def __init__(
        self,
        door: FrontDoor,
        webhooks: ViewReader,
        secrets: Secrets,
        log: EventLog,
        sender: WebhookSender,
        feed: EventFeed,
        settings: NotificationSettings,
    ) -> None:
        """`log` is asked for its partition count and epoch alone; `sender` sends tests."""
        self._door = door
        self._webhooks = webhooks
        self._secrets = secrets
        self._event_log = log
        self._sender = sender
        self._feed = feed
        self._settings = settings

    async def Subscribe(self, request: rpc.SubscribeRequest, context: Any) -> rpc.SubscribeReply:
        """The secret is stored before the command and told by this answer and its repeats alone.

        Once it answers, no later event is missed: the view that reactions ask has passed it.
        """
        key = request.idempotency_key
        command = messages.MakeSubscription(
            derived_id("subscription", request.system_id, key) if key else new_id(),
            request.system_id,
            request.url,
            tuple(request.organisation_ids),
            tuple(request.event_types),
            tuple(request.document_types),
        )
        self._require_sound(command)
        name = secret_name(command.subscription_id)
        secret = await self._secrets.read_or_create(name, SECRET_BYTES)
        await self._decided("Subscribe", command, key)
        made = await self._found(command.system_id, command.subscription_id)
        if not made.active:  # a repeat after its end: what was just stored is no secret of anybody
            await self._secrets.remove(name)
            raise DocaxisError("unknown_subscription")
        return rpc.SubscribeReply(
            subscription_id=command.subscription_id,
            secret=told_secret(secret),
        )

    async def GetSubscription(
        self, request: rpc.GetSubscriptionRequest, context: Any
    ) -> rpc.GetSubscriptionReply:
        """One of a system's own, ended ones too."""
        found = await self._found(request.system_id, request.subscription_id)
        return rpc.GetSubscriptionReply(subscription=subscription_answer(found))

    async def ChangeSubscription(
        self, request: rpc.ChangeSubscriptionRequest, context: Any
    ) -> rpc.ChangeSubscriptionReply:
        """Once it answers, what happens is told as the change says."""
        command = messages.ChangeSubscription(
            request.subscription_id,
            request.system_id,
            request.url,
            tuple(request.organisation_ids),
            tuple(request.event_types),
            tuple(request.document_types),
            request.paused,
        )
        self._require_sound(command)
        await self._decided("ChangeSubscription", command, request.idempotency_key)
        found = await self._found(request.system_id, request.subscription_id)
        return rpc.ChangeSubscriptionReply(subscription=subscription_answer(found))

    async def RotateSecret(
        self, request: rpc.RotateSecretRequest, context: Any
    ) -> rpc.RotateSecretReply:
        """The new secret is stored before the command, and told by this answer and its repeats."""
        found = await self._found(request.system_id, request.subscription_id)
        if not found.active:
            raise DocaxisError("unknown_subscription")
        key = request.idempotency_key
        secret_id = derived_id("secret", request.subscription_id, key) if key else new_id()
        name = secret_name(request.subscription_id, secret_id)
        secret = await self._secrets.read_or_create(name, SECRET_BYTES)
        command = messages.RotateSecret(
            request.subscription_id, request.system_id, secret_id, request.overlap_s * 1000
        )
        await self._decided("RotateSecret", command, key)
        found = await self._found(request.system_id, request.subscription_id)
        if not found.active or secret_id not in found.secret_ids:
            await self._secrets.remove(name)  # a late repeat: it signs nothing any more
            raise DocaxisError("unknown_subscription" if not found.active else "secret_superseded")
        return rpc.RotateSecretReply(
            secret=told_secret(secret), previous_secret_until=found.previous_until
        )

    async def TestSubscription(
        self, request: rpc.TestSubscriptionRequest, context: Any
    ) -> rpc.TestSubscriptionReply:
        """Send a signed test now, paused or not. Told of the answer: its status and its time."""
        found = await self._found(request.system_id, request.subscription_id)
        secrets = await signing_secrets(self._secrets, found) if found.active else []
        if not secrets:
            raise DocaxisError("unknown_subscription")
        test = messages.NotificationQueued(
            found.subscription_id, new_id(), TEST_TYPE, "", "", "", self._sender.clock()
        )
        begun = time.perf_counter()
        went = await self._sender.send(found.url, secrets, test)
        return rpc.TestSubscriptionReply(
            notification_id=test.notification_id,
            failure=went.failure,
            http_status=went.status,
            milliseconds=round((time.perf_counter() - begun) * 1000),
        )

    async def EndSubscription(
        self, request: rpc.EndSubscriptionRequest, context: Any
    ) -> rpc.EndSubscriptionReply:
        """The secret goes with it."""
        command = messages.EndSubscription(request.subscription_id, request.system_id)
        await self._decided("EndSubscription", command, request.idempotency_key)
        return rpc.EndSubscriptionReply()

    async def ListSubscriptions(
        self, request: rpc.ListSubscriptionsRequest, context: Any
    ) -> rpc.ListSubscriptionsReply:
        """A system's own, ended ones too."""
        limit, epoch = page_limit(request.limit), self._event_log.epoch
        after = decode_cursor(request.cursor, epoch, str, "")
        found = await subscriptions_of(self._webhooks, request.system_id, after, limit)
        full = len(found) == limit
        return rpc.ListSubscriptionsReply(
            subscriptions=[subscription_answer(each) for each in found],
            next=encode_cursor(epoch, found[-1].subscription_id) if full else "",
        )

    async def ReplayNotifications(
        self, request: rpc.ReplayNotificationsRequest, context: Any
    ) -> rpc.ReplayNotificationsReply:
        """One by its id, or all that are given up now."""
        # A command without a system is the service's own: it must not come from outside.
        await self._found(request.system_id, request.subscription_id)
        ids = (request.subscription_id, request.notification_id)
        command: messages.AskReplay | messages.ReplayNotification = (
            messages.ReplayNotification(*ids, request.system_id)
            if request.notification_id
            else messages.AskReplay(request.subscription_id, request.system_id, GIVEN_UP)
        )
        await self._decided("ReplayNotifications", command, request.idempotency_key)
        return rpc.ReplayNotificationsReply()

    async def ListNotifications(
        self, request: rpc.ListNotificationsRequest, context: Any
    ) -> rpc.ListNotificationsReply:
        """Newest last. What comes later is read by the cursor of the last full page."""
        if request.state and request.state not in STATES:
            raise _field_error("state", "field_invalid", expected=", ".join(STATES))
        await self._found(request.system_id, request.subscription_id)
        limit, epoch = page_limit(request.limit), self._event_log.epoch
        after = decode_cursor(request.cursor, epoch, Number, 0)
        found = await notifications_of(
            self._webhooks, request.subscription_id, after, limit, request.state
        )
        return rpc.ListNotificationsReply(
            notifications=[notification_answer(each) for each in found],
            next=encode_cursor(epoch, found[-1].number) if len(found) == limit else "",
        )

    async def WatchEvents(
        self, request: rpc.WatchEventsRequest, context: Any
    ) -> AsyncIterator[rpc.EventsPage]:
        """What happens to organisations, from a cursor on; ends with its caller alone."""
        wanted = Wanted(frozenset(request.organisation_ids), frozenset(request.event_types))
        if not wanted.organisation_ids:
            raise _field_error("organisations", "field_required")
        for place, each in enumerate(request.event_types):
            if each not in EVENT_TYPES:
                expected = ", ".join(EVENT_TYPES)
                raise _field_error("type", "field_invalid", f"/type/{place}", expected=expected)
        heartbeat_s = min(request.heartbeat_s or HEARTBEAT_S, LONGEST_HEARTBEAT_S)
        pages = self._feed.watch(request.system_id, wanted, request.cursor, heartbeat_s)
        async with aclosing(pages):
            async for page in pages:
                yield rpc.EventsPage(
                    events=[
                        public_event(told, self._feed.cursor(place)) for told, place in page.found
                    ],
                    cursor=self._feed.cursor(page.place),
                    restarted=page.restarted,
                )

    async def _found(self, system_id: str, subscription_id: str) -> SubscriptionState:
        partition = partition_of(subscription_id, self._event_log.partitions)
        found = await find_subscription(
            self._webhooks, subscription_id, partition, self._settings.view_deadline_s
        )
        if found is None or found.system_id != system_id:
            raise DocaxisError("unknown_subscription")
        return found

    def _require_sound(
        self, command: messages.MakeSubscription | messages.ChangeSubscription
    ) -> None:
        if code := url_fault(command.url, self._settings):
            raise DocaxisError(code, fields=(FieldProblem("/url", code),))
        if fault := fault_in(command):
            raise refusal(fault)

    async def _decided(self, method: str, command: _Asked, key: str) -> None:
        """Returns once the view has passed the decision. The key is scoped to the method."""
        partition = partition_of(command.subscription_id, self._event_log.partitions)
        outcome = await self._door.ask_decided(
            command,
            command_id=derived_id("notification", method, key) if key else new_id(),
            partition=partition,
            actor=command.system_id,
        )
        answer_of(outcome, CODEC)
        await self._webhooks.pass_version(
            partition, outcome.last_version, self._settings.view_deadline_s
        )


def _field_error(field: str, code: str, pointer: str = "", **params: str) -> DocaxisError:
    told = {"field": field, **params}
    return DocaxisError(code, told, fields=(FieldProblem(pointer or f"/{field}", code, told),))
