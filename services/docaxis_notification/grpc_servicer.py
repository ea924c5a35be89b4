"""Notification's RPCs: protobuf <-> commands and queries, nothing else."""

import base64
from typing import Any

from docaxis_eventsourcing.cursors import Number, decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.decider import Refused
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
from docaxis_notification.domain.subscriptions import SubscriptionState, fault_in
from docaxis_notification.effects import secret_name
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.views import (
    NotificationRow,
    find_subscription,
    notifications_of,
    subscriptions_of,
)
from docaxis_notification.webhook_urls import url_fault
from docaxis_proto import notification_v1_pb2 as rpc
from docaxis_proto import notification_v1_pb2_grpc as rpc_grpc

SECRET_BYTES = 32


class NotificationServicer(rpc_grpc.NotificationServicer):
    """Raises `DocaxisError`; that the system serves the organisations is its caller's to check."""

    def __init__(
        self,
        door: FrontDoor,
        webhooks: ViewReader,
        secrets: Secrets,
        log: EventLog,
        settings: NotificationSettings,
    ) -> None:
        """`log` is asked for its partition count and epoch alone."""
        self._door = door
        self._webhooks = webhooks
        self._secrets = secrets
        self._event_log = log
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
        )
        if code := url_fault(command.url, self._settings):
            raise DocaxisError(code, fields=(FieldProblem("/url", code),))
        if fault := fault_in(command):
            raise _refusal(fault)
        name = secret_name(command.subscription_id)
        secret = await self._secrets.read_or_create(name, SECRET_BYTES)
        await self._decided("Subscribe", command, key)
        made = await self._found(command.system_id, command.subscription_id)
        if not made.active:  # a repeat after its end: what was just stored is no secret of anybody
            await self._secrets.remove(name)
            raise DocaxisError("unknown_subscription")
        return rpc.SubscribeReply(
            subscription_id=command.subscription_id,
            secret="whsec_" + base64.b64encode(secret).decode(),
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
            subscriptions=[_subscription(each) for each in found],
            next=encode_cursor(epoch, found[-1].subscription_id) if full else "",
        )

    async def ListNotifications(
        self, request: rpc.ListNotificationsRequest, context: Any
    ) -> rpc.ListNotificationsReply:
        """Newest last. What comes later is read by the cursor of the last full page."""
        await self._found(request.system_id, request.subscription_id)
        limit, epoch = page_limit(request.limit), self._event_log.epoch
        after = decode_cursor(request.cursor, epoch, Number, 0)
        found = await notifications_of(self._webhooks, request.subscription_id, after, limit)
        return rpc.ListNotificationsReply(
            notifications=[_notification(each) for each in found],
            next=encode_cursor(epoch, found[-1].number) if len(found) == limit else "",
        )

    async def _found(self, system_id: str, subscription_id: str) -> SubscriptionState:
        partition = partition_of(subscription_id, self._event_log.partitions)
        found = await find_subscription(
            self._webhooks, subscription_id, partition, self._settings.view_deadline_s
        )
        if found is None or found.system_id != system_id:
            raise DocaxisError("unknown_subscription")
        return found

    async def _decided(self, method: str, command: messages.SubscriptionCommand, key: str) -> None:
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


def _subscription(state: SubscriptionState) -> rpc.Subscription:
    return rpc.Subscription(
        subscription_id=state.subscription_id,
        url=state.url,
        organisation_ids=state.organisation_ids,
        event_types=state.event_types,
        active=state.active,
    )


def _notification(row: NotificationRow) -> rpc.NotificationState:
    return rpc.NotificationState(
        notification_id=row.queued.notification_id,
        event_type=row.queued.event_type,
        document_id=row.queued.document_id,
        delivery_id=row.queued.delivery_id,
        state=row.state,
        attempts=row.attempts,
        failure=row.failure,
        retry_at=row.retry_at,
    )


def _refusal(fault: Refused) -> DocaxisError:
    problem = FieldProblem(fault.pointer, fault.code, dict(fault.params))
    return DocaxisError(fault.code, dict(fault.params), fields=(problem,))
