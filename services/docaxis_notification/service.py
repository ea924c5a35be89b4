"""The notification service, composed."""

from collections.abc import Sequence
from typing import Any

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.reactions import Reactions, Source
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.codec import CODEC, ROUTING_EVENTS, STATUS_EVENTS
from docaxis_notification.domain import decider
from docaxis_notification.effects import WebhookEffects, WebhookWork
from docaxis_notification.grpc_servicer import NotificationServicer
from docaxis_notification.happenings import happenings
from docaxis_notification.reactions import NotificationReactions, Subscribers
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.views import SYSTEMS, TOPICS, WEBHOOKS, subscribers
from docaxis_notification.webhooks import WebhookSender


class SubscriberLookup:
    """Who is told of a batch of events; asked once for all of them.

    The first time it waits until both views have passed their ends: after a start, whoever had
    been told that a subscription stands must not miss what happened since.
    """

    def __init__(self, webhooks: ViewReader, systems: ViewReader, partitions: int) -> None:
        self._webhooks = webhooks
        self._systems = systems
        self._partitions = partitions
        self._current = False

    async def __call__(self, events: Sequence[Any]) -> Sequence[Subscribers]:
        """One result an event. Raises `DocaxisError` `read_stale` while the views are behind."""
        concerned = {each.organisation_id for event in events for each in happenings(event)}
        if not self._current:
            for partition in range(self._partitions):
                await self._webhooks.pass_end(partition)
                await self._systems.pass_end(partition)
            self._current = True
        found = await subscribers(self._webhooks, self._systems, concerned)
        return [found] * len(events)


def compose(ports: Ports, settings: NotificationSettings) -> RunningService:
    """Wire the service; nothing runs before its parts are run."""
    partitions = ports.log.partitions
    door = FrontDoor(
        ports.log,
        TOPICS,
        CODEC,
        outcomes_partition=ports.outcomes_partition,
        wait_s=settings.outcome_wait_s,
        clock=ports.clock,
        traceparent=ports.traceparent,
    )
    waits = tuple(round(wait * 1000) for wait in settings.retry_waits_s)
    processor = Processor(decider(waits), CODEC, ports.log, ports.store, TOPICS, clock=ports.clock)
    webhooks = ViewRunner(WEBHOOKS, ports.log, ports.store, drop_after_s=ports.views_kept_s)
    systems = ViewRunner(SYSTEMS, ports.log, ports.store, drop_after_s=ports.views_kept_s)
    writer = CommandWriter(TOPICS, CODEC)
    react = NotificationReactions(partitions).to_public_events
    gather = SubscriberLookup(webhooks.reader, systems.reader, partitions)

    def reactions(service: str, codec: MessageCodec) -> Reactions:
        source = Source(ServiceTopics(service).events, codec, react, gather)
        return Reactions(service, source, writer, ports.log)

    sender = WebhookSender(settings, ports.clock)
    work = WebhookWork(sender, webhooks.reader, ports.secrets, partitions, settings.view_deadline_s)
    effects = Effects(
        "webhooks", TOPICS.events, CODEC, work, writer, ports.log, concurrency=settings.concurrency
    )
    return RunningService(
        name=TOPICS.service,
        topics=TOPICS,
        parts=(
            door,
            processor,
            webhooks,
            systems,
            reactions("routing", ROUTING_EVENTS),
            reactions("status", STATUS_EVENTS),
            WebhookEffects(effects, sender),
        ),
        servicer=NotificationServicer(door, webhooks.reader, ports.secrets, ports.log, settings),
        views=by_full_name(webhooks, systems),
    )
