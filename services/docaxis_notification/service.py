"""The notification service, composed."""

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.reactions import Reactions
from docaxis_eventsourcing.reactions import Source as ReactionSource
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_notification.audience import AudienceLookup
from docaxis_notification.codec import CODEC, ROUTING_EVENTS, STATUS_EVENTS
from docaxis_notification.domain import decider
from docaxis_notification.effects import WebhookEffects, WebhookWork
from docaxis_notification.event_feed import EventFeed, FeedLimits
from docaxis_notification.feed_source import Source
from docaxis_notification.grpc_servicer import NotificationServicer
from docaxis_notification.reactions import NotificationReactions
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.views import DOCUMENTS, SYSTEMS, TOPICS, WEBHOOKS
from docaxis_notification.webhooks import WebhookSender


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
    documents = ViewRunner(DOCUMENTS, ports.log, ports.store, drop_after_s=ports.views_kept_s)
    writer = CommandWriter(TOPICS, CODEC)
    react = NotificationReactions(partitions).to_public_events
    gather = AudienceLookup(webhooks.reader, systems.reader, documents.reader, partitions)

    def reactions(service: str, codec: MessageCodec) -> Reactions:
        source = ReactionSource(ServiceTopics(service).events, codec, react, gather)
        return Reactions(service, source, writer, ports.log)

    # Their order and number are part of cursors: only ever add behind.
    feed = EventFeed(
        ports.log,
        (
            Source(0, ServiceTopics("routing").events, ROUTING_EVENTS),
            Source(1, ServiceTopics("status").events, STATUS_EVENTS),
        ),
        FeedLimits(settings.recent_events, settings.streams, settings.streams_per_system),
    )
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
            documents,
            reactions("routing", ROUTING_EVENTS),
            reactions("status", STATUS_EVENTS),
            WebhookEffects(effects, sender),
            feed,
        ),
        servicer=NotificationServicer(
            door, webhooks.reader, ports.secrets, ports.log, sender, feed, settings
        ),
        views=by_full_name(webhooks, systems, documents),
    )
